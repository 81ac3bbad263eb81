/**
 * The mains of the virtual bench: one voltage for every meter, whose frequency can be changed without a jump in phase.
 * Takes volts, hertz, harmonics -> gives each MeterLoad the voltage at any instant, and its harmonics for the true values.
 * Not simulated: source impedance (the voltage does not sag under load), flicker, transients.
 */
import { type Component, MeterLoad, type MeterSensor, type Supply } from "./meter-load.js";
import { GaussianNoise } from "./noise.js";
import { requireRange, requireWhole } from "./require-range.js";

const MAX_VOLTS = 1000;
const MIN_HZ = 1;
const MAX_HZ = 1000;
const MAX_ORDER = 100;

/** One harmonic of the mains voltage: fundamental peak x fraction x sin(order x angle + phase). */
export interface VoltageHarmonic {
  /** 2..100. */
  readonly order: number;
  /** Of the fundamental, 0..1. */
  readonly fraction: number;
  readonly phaseDeg: number;
}

export interface MainsOptions {
  /** RMS, harmonics included [V], 0..1000. */
  readonly volts: number;
  /** [Hz], 1..1000. */
  readonly hz: number;
  /** 0..2^32-1; the noise of every pin follows from it. */
  readonly seed: number;
  /** None by default: a pure sine. */
  readonly harmonics?: readonly VoltageHarmonic[];
}

export class MainsPart implements Supply {
  #volts: number;
  #hz: number;
  #cyclesAtStart = 0;
  #startS = 0;
  readonly #seed: number;
  readonly #harmonics: readonly VoltageHarmonic[];
  readonly #fundamentalShare: number;
  #meters = 0;

  /** @throws RangeError naming the argument that is out of range */
  constructor(options: MainsOptions) {
    this.#volts = requireRange("volts", options.volts, 0, MAX_VOLTS, "V");
    this.#hz = requireRange("hz", options.hz, MIN_HZ, MAX_HZ, "Hz");
    this.#seed = requireWhole("seed", options.seed, 0, 0xffff_ffff);
    this.#harmonics = [...(options.harmonics ?? [])];
    let squares = 1;
    if (new Set(this.#harmonics.map(({ order }) => order)).size < this.#harmonics.length)
      throw new RangeError(`harmonics must name each order once, not ${this.#harmonics.map((h) => h.order)}`);
    for (const { order, fraction, phaseDeg } of this.#harmonics) {
      requireWhole("order", order, 2, MAX_ORDER);
      requireRange("fraction", fraction, 0, 1);
      requireRange("phaseDeg", phaseDeg, -360, 360, "degrees");
      squares += fraction * fraction;
    }
    this.#fundamentalShare = 1 / Math.sqrt(squares);
  }

  /** RMS, harmonics included [V]. */
  get volts(): number {
    return this.#volts;
  }

  get hz(): number {
    return this.#hz;
  }

  /** @param volts RMS [V], 0..1000; 0 is a power cut: no load draws current */
  setVolts(volts: number): void {
    this.#volts = requireRange("volts", volts, 0, MAX_VOLTS, "V");
  }

  /**
   * The frequency from `atTimeS` on; the phase runs on without a step. The new frequency is what counts for
   * every later question, also one about a time just before `atTimeS`.
   * @param hz 1..1000
   */
  setHz(hz: number, atTimeS: number): void {
    requireRange("hz", hz, MIN_HZ, MAX_HZ, "Hz");
    requireRange("atTimeS", atTimeS, 0, Number.MAX_SAFE_INTEGER, "s");
    this.#cyclesAtStart = this.#cyclesAt(atTimeS) % 1;
    this.#startS = atTimeS;
    this.#hz = hz;
  }

  /** A further meter on this mains, with its load switched on and no lamps; its noise is a stream of its own. */
  addMeter(sensor: MeterSensor): MeterLoad {
    const stream = 2 * this.#meters++;
    return new MeterLoad(this, sensor, {
      current: new GaussianNoise(this.#seed, stream),
      voltage: new GaussianNoise(this.#seed, stream + 1),
    });
  }

  /** Angle of the fundamental, which rises through 0 V at 0 [rad], 0..2 pi from time 0 on. */
  angleRad(timeS: number): number {
    return 2 * Math.PI * (this.#cyclesAt(timeS) % 1);
  }

  /** Voltage at an angle of the fundamental [V instant]. */
  instantV(angleRad: number): number {
    let shape = Math.sin(angleRad);
    for (const { order, fraction, phaseDeg } of this.#harmonics)
      shape += fraction * Math.sin(order * angleRad + (phaseDeg * Math.PI) / 180);
    return Math.SQRT2 * this.#volts * this.#fundamentalShare * shape;
  }

  /** The voltage's harmonics, the fundamental first [V RMS]. */
  components(): Component[] {
    const fundamentalV = this.#volts * this.#fundamentalShare;
    return [
      { order: 1, sin: fundamentalV, cos: 0 },
      ...this.#harmonics.map(({ order, fraction, phaseDeg }) => ({
        order,
        sin: fundamentalV * fraction * Math.cos((phaseDeg * Math.PI) / 180),
        cos: fundamentalV * fraction * Math.sin((phaseDeg * Math.PI) / 180),
      })),
    ];
  }

  #cyclesAt(timeS: number): number {
    return this.#cyclesAtStart + this.#hz * (timeS - this.#startS);
  }
}
