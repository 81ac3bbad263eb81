/**
 * One meter's place on the mains: its lamps and load, the relay in front of them, and the two sensors with their noise.
 * Takes mains voltage and load settings -> gives the volts at the A0 and A1 pins at any instant, and the true values.
 * Not simulated: lamp inrush (a cold filament draws about ten times as much for some ms), phase error, saturation
 * and offset drift of the sensors, the ADC's own errors beyond white noise.
 */
import type { GaussianNoise } from "./noise.js";
import { requireRange, requireWhole } from "./require-range.js";

const SUPPLY_V = 5; // the pins cannot leave 0..5 V: the sensor's amplifier or the chip's clamp diodes see to it
const LSB_V = SUPPLY_V / 1024;
const MAX_LAMPS = 4;
const LAMP_W = 100;
const LAMP_RATED_V = 230;
const LAMP_OHM = LAMP_RATED_V ** 2 / LAMP_W; // 529 ohm, hot

/** What sits between the mains and the pins A0 and A1. */
export interface MeterSensor {
  /** Current transformer, primary amperes for one secondary ampere [1]. */
  readonly ratio: number;
  readonly burdenOhm: number;
  /** Voltage at A1 for one volt of mains [V/V]. */
  readonly voltageGain: number;
  /** Rest voltage of both pins [V], 0..5. */
  readonly biasV: number;
  /** Gaussian, each pin its own [LSB RMS of 5 V / 1024]. */
  readonly noiseLsb: number;
  /** A Hall sensor in place of transformer and burden, which then count for nothing [V/A]; ACS712: 0.185, 0.1, 0.066. */
  readonly currentGainVPerA?: number;
}

/** A load beside the lamps: a current source locked to the mains. */
export interface Load {
  /** RMS, third harmonic included [A], 0..1000. */
  readonly currentA: number;
  /** cos(phi) of the fundamental, -1..1: positive lags the voltage (inductive), negative leads it by acos(|value|). Power is taken either way. */
  readonly powerFactor: number;
  /** Of the fundamental current, 0..1; placed so that it makes the crest sharper, as rectifiers do. */
  readonly thirdHarmonic: number;
}

/** What ideal meters would read, from the settings alone. RMS. */
export interface TrueValues {
  readonly currentA: number;
  readonly voltageV: number;
  readonly activePowerW: number;
  /** Of the fundamental, positive for a lagging current (IEEE 1459-2010, 3.1.2.4). */
  readonly reactivePowerVar: number;
  /** P / S; 1 where no current flows. */
  readonly powerFactor: number;
  readonly frequencyHz: number;
}

/** One harmonic by its RMS amplitudes: sqrt(2) x (sin x sin(order x angle) + cos x cos(order x angle)). */
export interface Component {
  readonly order: number;
  readonly sin: number;
  readonly cos: number;
}

/** What a meter needs to know of the mains. */
export interface Supply {
  /** RMS, harmonics included [V]. */
  readonly volts: number;
  readonly hz: number;
  /** Angle of the fundamental voltage, which rises through 0 V at 0 [rad]. */
  angleRad(timeS: number): number;
  /** Voltage at an angle of the fundamental [V instant]. */
  instantV(angleRad: number): number;
  /** The voltage's harmonics [V RMS]. */
  components(): Component[];
}

export class MeterLoad {
  /** The relay: no current flows while false. True at the start, as an undriven relay leaves the load on. */
  switchedOn = true;
  readonly #supply: Supply;
  readonly #biasV: number;
  readonly #voltageGain: number;
  readonly #currentGainVPerA: number;
  readonly #noiseV: number;
  readonly #noise: { readonly current: GaussianNoise; readonly voltage: GaussianNoise };
  #lampSiemens = 0;
  #loadFundamentalA = 0;
  #loadLagRad = 0;
  #loadThird = 0;

  /** Made by MainsPart.addMeter. @throws RangeError naming the property that is out of range */
  constructor(
    supply: Supply,
    sensor: MeterSensor,
    noise: { readonly current: GaussianNoise; readonly voltage: GaussianNoise },
  ) {
    this.#supply = supply;
    this.#noise = noise;
    this.#biasV = requireRange("biasV", sensor.biasV, 0, SUPPLY_V, "V");
    this.#voltageGain = requireRange("voltageGain", sensor.voltageGain, 0, 1, "V/V");
    this.#noiseV = requireRange("noiseLsb", sensor.noiseLsb, 0, 1024, "LSB") * LSB_V;
    this.#currentGainVPerA =
      sensor.currentGainVPerA === undefined
        ? requireRange("burdenOhm", sensor.burdenOhm, 1e-3, 1e6, "ohm") /
          requireRange("ratio", sensor.ratio, 1e-3, 1e6)
        : requireRange("currentGainVPerA", sensor.currentGainVPerA, 1e-6, 1e3, "V/A");
  }

  /** @param count 0..4 lamps of 100 W at 230 V, resistive: their current follows the voltage */
  setLamps(count: number): void {
    this.#lampSiemens = requireWhole("count", count, 0, MAX_LAMPS, "lamps") / LAMP_OHM;
  }

  /** Replaces the load beside the lamps. Its current does not depend on the voltage, but is 0 when that is 0. */
  setLoad(load: Load): void {
    requireRange("currentA", load.currentA, 0, 1000, "A");
    requireRange("powerFactor", load.powerFactor, -1, 1);
    requireRange("thirdHarmonic", load.thirdHarmonic, 0, 1);
    this.#loadFundamentalA = load.currentA / Math.sqrt(1 + load.thirdHarmonic ** 2);
    this.#loadLagRad = Math.acos(Math.abs(load.powerFactor)) * (load.powerFactor < 0 ? -1 : 1);
    this.#loadThird = load.thirdHarmonic;
  }

  /** Voltage at A0 with the noise of this moment [V], 0..5. Each pin draws its own noise, one number a call. */
  currentPinV(timeS: number): number {
    const signalV = this.#flowing ? this.#instantA(this.#supply.angleRad(timeS)) * this.#currentGainVPerA : 0;
    return this.#pinV(signalV, this.#noise.current);
  }

  /** Voltage at A1 with the noise of this moment [V], 0..5. Each pin draws its own noise, one number a call. */
  voltagePinV(timeS: number): number {
    const signalV = this.#supply.instantV(this.#supply.angleRad(timeS)) * this.#voltageGain;
    return this.#pinV(signalV, this.#noise.voltage);
  }

  truth(): TrueValues {
    const voltages = this.#supply.components();
    const currents = this.#flowing ? this.#currents(voltages) : [];
    let activePowerW = 0;
    let reactivePowerVar = 0;
    for (const v of voltages) {
      for (const i of currents) {
        if (v.order !== i.order) continue;
        activePowerW += v.sin * i.sin + v.cos * i.cos;
        if (v.order === 1) reactivePowerVar += v.cos * i.sin - v.sin * i.cos;
      }
    }
    const currentA = rms(currents);
    const voltageV = this.#supply.volts;
    const apparentPowerVa = voltageV * currentA;
    return {
      currentA,
      voltageV,
      activePowerW,
      reactivePowerVar,
      powerFactor: apparentPowerVa > 0 ? activePowerW / apparentPowerVa : 1,
      frequencyHz: this.#supply.hz,
    };
  }

  get #flowing(): boolean {
    return this.switchedOn && this.#supply.volts > 0 && (this.#lampSiemens > 0 || this.#loadFundamentalA > 0);
  }

  #instantA(angleRad: number): number {
    let currentA = this.#lampSiemens > 0 ? this.#lampSiemens * this.#supply.instantV(angleRad) : 0;
    if (this.#loadFundamentalA > 0) {
      const sine = Math.sin(angleRad - this.#loadLagRad);
      const third = (3 - 4 * sine * sine) * sine; // sin(3x)
      currentA += Math.SQRT2 * this.#loadFundamentalA * (sine - this.#loadThird * third);
    }
    return currentA;
  }

  /** The current's harmonics [A RMS]; an order may occur more than once. */
  #currents(voltages: readonly Component[]): Component[] {
    const fundamentalA = this.#loadFundamentalA;
    const thirdA = -fundamentalA * this.#loadThird;
    const lag = this.#loadLagRad;
    return [
      ...voltages.map((v) => ({
        order: v.order,
        sin: v.sin * this.#lampSiemens,
        cos: v.cos * this.#lampSiemens,
      })),
      { order: 1, sin: fundamentalA * Math.cos(lag), cos: -fundamentalA * Math.sin(lag) },
      { order: 3, sin: thirdA * Math.cos(3 * lag), cos: -thirdA * Math.sin(3 * lag) },
    ];
  }

  #pinV(signalV: number, noise: GaussianNoise): number {
    const volts = this.#biasV + signalV + (this.#noiseV > 0 ? this.#noiseV * noise.next() : 0);
    return Math.min(SUPPLY_V, Math.max(0, volts));
  }
}

/** RMS of a sum of harmonics in which an order may occur more than once. */
function rms(components: readonly Component[]): number {
  let squares = 0;
  for (const a of components) {
    for (const b of components) if (a.order === b.order) squares += a.sin * b.sin + a.cos * b.cos;
  }
  return Math.sqrt(Math.max(0, squares));
}
