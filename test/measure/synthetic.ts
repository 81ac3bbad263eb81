/**
 * Physical truth for measuring tests: mains waveforms, the instants at which StandardFirmata really samples, and the ADC.
 * Written from the firmware's loop() and the ATmega328P's Timer0 (1.024 ms a tick), not from the code under test.
 */
import type { SampleWindow } from "../../rig/measure/window.js";

/** ADC step [V] and sensor gains of the default wiring: 1000:1 with 200 ohm, 5 mV/V. */
const STEP_V = 5 / 1024;
const V_PER_A = 0.2;
const V_PER_V = 0.005;
/** A1 is sampled this long after A0 [s]. */
const SKEW_S = 147e-6;

/** Uniform and Gaussian random numbers from a seed (mulberry32, Box-Muller). */
export function randomFrom(seed: number): { uniform(): number; gauss(): number } {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const gauss = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, gauss };
}

export function uniformTimesS(intervalMs: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, k) => (k * intervalMs) / 1000);
}

/**
 * millis() after n ticks of 1.024 ms is n + floor(3n / 125); sample k is taken at the first tick where it reaches
 * `startMillis + k * interval`, and 184 us later if the sample before took the same tick.
 * @param startMillis 0..127: where in its 128 ms pattern millis() was at the first sample
 */
export function tickTimesS(intervalMs: number, count: number, startMillis: number): Float64Array {
  const times = new Float64Array(count);
  let tick = 0;
  let before = -1;
  for (let k = 0; k < count; k += 1) {
    while (tick + Math.floor((3 * tick) / 125) < startMillis + k * intervalMs) tick += 1;
    times[k] = tick * 1.024e-3 + (tick === before ? 184e-6 : 0);
    before = tick;
  }
  return times;
}

export interface Mains {
  readonly currentA: number;
  readonly voltageV?: number;
  readonly frequencyHz?: number;
  /** Angle by which the current lags [rad]. */
  readonly lagRad?: number;
  readonly phaseRad?: number;
  readonly biasV?: number;
  readonly noiseLsb?: number;
  readonly seed?: number;
  /** Harmonics of the current relative to a fundamental of 1: order -> amplitude; the rms stays `currentA`. */
  readonly harmonics?: Readonly<Record<number, number>>;
}

/** ADC codes of A0 and A1 at the given instants of A0. */
export function sampleMains(
  timesS: Float64Array,
  mains: Mains,
): { current: Float64Array; voltage: Float64Array } {
  const { currentA, voltageV = 230, frequencyHz = 50, lagRad = 0, phaseRad = 0.3 } = mains;
  const { biasV = 2.5, noiseLsb = 0.4, seed = 1, harmonics = {} } = mains;
  const random = randomFrom(seed);
  const orders = Object.entries(harmonics).map(([order, share]) => [Number(order), share] as const);
  const scale = Math.sqrt(2 / (1 + orders.reduce((sum, [, share]) => sum + share ** 2, 0)));
  const convert = (volts: number) =>
    Math.max(0, Math.min(1023, Math.floor(volts / STEP_V + noiseLsb * random.gauss())));
  const angle = (timeS: number) => 2 * Math.PI * frequencyHz * timeS + phaseRad;
  const current = timesS.map((timeS) => {
    const theta = angle(timeS) - lagRad;
    const shape = orders.reduce(
      (sum, [order, share]) => sum + share * Math.sin(order * theta),
      Math.sin(theta),
    );
    return convert(biasV + V_PER_A * currentA * scale * shape);
  });
  const voltage = timesS.map((timeS) =>
    convert(biasV + V_PER_V * voltageV * Math.SQRT2 * Math.sin(angle(timeS + SKEW_S))),
  );
  return { current, voltage };
}

/** A whole window of codes, as the collector would hand it on. */
export function makeWindow(
  intervalMs: number,
  timesS: Float64Array,
  mains: Mains,
  withVoltage: boolean,
): SampleWindow {
  const { current, voltage } = sampleMains(timesS, mains);
  return {
    currentCounts: current,
    voltageCounts: withVoltage ? voltage : null,
    firstIndex: 0,
    intervalMs,
    unpaired: 0,
    sampleRateHz: 1000 / intervalMs,
    endSteadyMs: timesS.length * intervalMs,
  };
}
