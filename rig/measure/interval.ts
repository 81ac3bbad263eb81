/**
 * Readings -> what a report to the centre says of their interval. Pure; the running sums are a plain object that can be kept
 * as JSON, so that a kill in the middle of an interval loses none of its readings.
 * Means are of equal windows: squares for current and voltage (IEC 61000-4-30), plain for power and frequency. S, PF and the
 * rate follow from the interval's own V, I, P, samples and length, so that the centre finds the same values from the fields of
 * the sealed frame.
 */
import { READING_FLAGS, type Reading, type ReadingFlag, type Report } from "../core/reading.js";

/** The sums of an interval that has at least one reading. */
export interface Interval {
  readonly readings: number;
  readonly currentSquaresA2: number;
  readonly voltageSquaresV2: number;
  readonly activePowerW: number;
  readonly reactivePowerVar: number;
  readonly frequencyHz: number;
  /** Windows whose frequency was measured, and their sum: nominal ones would only dilute it. */
  readonly measuredFrequencies: number;
  readonly measuredFrequencyHz: number;
  readonly samples: number;
  readonly lengthMs: number;
  readonly flags: readonly ReadingFlag[];
  /** The newest reading: its registers and time are the interval's. */
  readonly last: Reading;
}

/** @param interval null before the first reading */
export function addReading(interval: Interval | null, reading: Reading): Interval {
  const flags = new Set<ReadingFlag>([...(interval?.flags ?? []), ...reading.flags]);
  if (reading.voltageSource === "nominal") flags.add("nominal-voltage");
  const measured = !reading.flags.includes("nominal-frequency");
  return {
    readings: (interval?.readings ?? 0) + 1,
    currentSquaresA2: (interval?.currentSquaresA2 ?? 0) + reading.currentA ** 2,
    voltageSquaresV2: (interval?.voltageSquaresV2 ?? 0) + reading.voltageV ** 2,
    activePowerW: (interval?.activePowerW ?? 0) + reading.activePowerW,
    reactivePowerVar: (interval?.reactivePowerVar ?? 0) + reading.reactivePowerVar,
    frequencyHz: (interval?.frequencyHz ?? 0) + reading.frequencyHz,
    measuredFrequencies: (interval?.measuredFrequencies ?? 0) + (measured ? 1 : 0),
    measuredFrequencyHz: (interval?.measuredFrequencyHz ?? 0) + (measured ? reading.frequencyHz : 0),
    samples: (interval?.samples ?? 0) + reading.samples,
    lengthMs: (interval?.lengthMs ?? 0) + reading.durationMs,
    flags: READING_FLAGS.filter((flag) => flags.has(flag)),
    last: reading,
  };
}

/** The report of the interval so far, without its number. */
export function summarise(interval: Interval): Omit<Report, "sequence"> {
  const { readings, last, flags, samples, lengthMs } = interval;
  const currentA = Math.sqrt(interval.currentSquaresA2 / readings);
  const voltageV = Math.sqrt(interval.voltageSquaresV2 / readings);
  const activePowerW = interval.activePowerW / readings;
  const apparentPowerVa = voltageV * currentA;
  const ratio = apparentPowerVa === 0 ? 0 : activePowerW / apparentPowerVa;
  return {
    currentA,
    voltageV,
    voltageSource: flags.includes("nominal-voltage") ? "nominal" : "measured",
    activePowerW,
    apparentPowerVa,
    reactivePowerVar: interval.reactivePowerVar / readings,
    powerFactor: Math.max(-1, Math.min(1, ratio)),
    frequencyHz:
      interval.measuredFrequencies === 0
        ? interval.frequencyHz / readings
        : interval.measuredFrequencyHz / interval.measuredFrequencies,
    energyWh: last.energyWh,
    maxDemandW: last.maxDemandW,
    runningDemandW: last.runningDemandW,
    samples,
    sampleRateHz: lengthMs === 0 ? 0 : (1000 * samples) / lengthMs,
    flags,
    endMs: last.endMs,
    lengthMs,
  };
}
