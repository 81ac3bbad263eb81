/**
 * Readings -> what a report to the centre says of their interval. Pure apart from its running sums.
 * Means are of equal windows: squares for current and voltage (IEC 61000-4-30), plain for power and frequency. S and PF
 * follow from the interval's own V, I and P, so that the centre finds the same values from the fields of the sealed frame.
 */
import { READING_FLAGS, type Reading, type ReadingFlag, type Report } from "../core/reading.js";

export class IntervalSum {
  #readings = 0;
  #currentSquares = 0;
  #voltageSquares = 0;
  #activePowerW = 0;
  #reactivePowerVar = 0;
  #frequencyHz = 0;
  /** Windows whose frequency was measured, and their sum: nominal ones would only dilute it. */
  #measuredFrequencies = 0;
  #measuredFrequencyHz = 0;
  #measuredVoltage = true;
  #samples = 0;
  readonly #flags = new Set<ReadingFlag>();
  #last: Reading | null = null;

  get readings(): number {
    return this.#readings;
  }

  add(reading: Reading): void {
    this.#readings += 1;
    this.#currentSquares += reading.currentA ** 2;
    this.#voltageSquares += reading.voltageV ** 2;
    this.#activePowerW += reading.activePowerW;
    this.#reactivePowerVar += reading.reactivePowerVar;
    this.#frequencyHz += reading.frequencyHz;
    if (!reading.flags.includes("nominal-frequency")) {
      this.#measuredFrequencies += 1;
      this.#measuredFrequencyHz += reading.frequencyHz;
    }
    if (reading.voltageSource === "nominal") this.#measuredVoltage = false;
    this.#samples += reading.samples;
    for (const flag of reading.flags) this.#flags.add(flag);
    this.#last = reading;
  }

  /** The report so far, without its number; null without a reading. Energy, demand, rate and time are the last reading's. */
  sum(): Omit<Report, "sequence"> | null {
    const last = this.#last;
    if (last === null) return null;
    const count = this.#readings;
    const currentA = Math.sqrt(this.#currentSquares / count);
    const voltageV = Math.sqrt(this.#voltageSquares / count);
    const activePowerW = this.#activePowerW / count;
    const apparentPowerVa = voltageV * currentA;
    const ratio = apparentPowerVa === 0 ? 0 : activePowerW / apparentPowerVa;
    return {
      currentA,
      voltageV,
      voltageSource: this.#measuredVoltage ? "measured" : "nominal",
      activePowerW,
      apparentPowerVa,
      reactivePowerVar: this.#reactivePowerVar / count,
      powerFactor: Math.max(-1, Math.min(1, ratio)),
      frequencyHz:
        this.#measuredFrequencies === 0
          ? this.#frequencyHz / count
          : this.#measuredFrequencyHz / this.#measuredFrequencies,
      energyWh: last.energyWh,
      maxDemandW: last.maxDemandW,
      runningDemandW: last.runningDemandW,
      samples: this.#samples,
      sampleRateHz: last.sampleRateHz,
      flags: READING_FLAGS.filter((flag) => this.#flags.has(flag)),
      endMs: last.endMs,
    };
  }
}
