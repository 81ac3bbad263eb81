/**
 * Samples of a mains with random phase, bias and noise at the firmware's own instants, and the grid of loads to try.
 * Truth -> counts of A0 and A1 -> windows for the estimator; the peers take the very same counts.
 */
import type { Calibration } from "../../rig/measure/calibration.js";
import type { EstimatorOptions } from "../../rig/measure/estimator.js";
import { uniformTimeModel } from "../../rig/measure/time-model.js";
import type { SampleWindow } from "../../rig/measure/window.js";
import { type Mains, type randomFrom, sampleMains, tickTimesS } from "../measure/synthetic.js";

export type Random = ReturnType<typeof randomFrom>;

const FREQUENCIES_HZ = [49, 49.5, 50, 50.5, 51, 60];
const CURRENTS_A = [0.5, 1, 2, 4];
export const VOLTAGE_V = 230;
/** ADC noise beside the rounding to counts [LSB rms]. */
export const NOISE_LSB = 0.4;
/** One load of the grid. */
export interface GridPoint {
  readonly frequencyHz: number;
  readonly currentA: number;
  /** Counts the trials of this load from 0. */
  readonly trial: number;
}

/** Tries every load of the grid so many times. @returns the relative errors that `measure` gave, by frequency [Hz] */
export function errorsByFrequency(
  trials: number,
  measure: (point: GridPoint) => number,
): Map<number, number[]> {
  const errorsAt = (frequencyHz: number) =>
    CURRENTS_A.flatMap((currentA) =>
      Array.from({ length: trials }, (_, trial) => measure({ frequencyHz, currentA, trial })),
    );
  return new Map(FREQUENCIES_HZ.map((frequencyHz) => [frequencyHz, errorsAt(frequencyHz)]));
}

/** A1 is sampled this long after A0 [s]: of the synthetic mains, and known to the meter from the firmware's build. */
export const SKEW_S = 147e-6;

const BIAS_V = 2.5;
const BIAS_SPREAD_V = 0.02;
const STEP_V = 5 / 1024;
/** millis() of the firmware repeats its pattern of ticks after 128. */
const TICK_PHASES = 128;

/** The sensors of the synthetic mains: 1000:1 on 200 ohm, 5 mV/V. */
export const CALIBRATION: Calibration & { readonly voltageVPerCount: number } = {
  currentAPerCount: STEP_V / 0.2,
  voltageVPerCount: STEP_V / 0.005,
};

export interface Recording {
  readonly intervalMs: number;
  readonly currentCounts: Float64Array;
  readonly voltageCounts: Float64Array;
  /** Mean of both channels, as a filter that has settled knows it [counts]. */
  readonly biasCounts: number;
}

export function record(random: Random, intervalMs: number, count: number, load: Mains): Recording {
  const biasV = BIAS_V + (2 * random.uniform() - 1) * BIAS_SPREAD_V;
  const { current, voltage } = sampleMains(
    tickTimesS(intervalMs, count, Math.floor(random.uniform() * TICK_PHASES)),
    {
      voltageV: VOLTAGE_V,
      noiseLsb: NOISE_LSB,
      ...load,
      biasV,
      phaseRad: 2 * Math.PI * random.uniform(),
      seed: Math.floor(random.uniform() * 2 ** 32),
    },
  );
  // Codes are rounded down.
  return { intervalMs, currentCounts: current, voltageCounts: voltage, biasCounts: biasV / STEP_V - 0.5 };
}

/** A window of the recording as the collector would hand it on. */
export function windowOf(recording: Recording, from: number, to: number, withVoltage: boolean): SampleWindow {
  const { intervalMs, currentCounts, voltageCounts } = recording;
  return {
    currentCounts: currentCounts.slice(from, to),
    voltageCounts: withVoltage ? voltageCounts.slice(from, to) : null,
    firstIndex: from,
    intervalMs,
    unpaired: 0,
    sampleRateHz: 1000 / intervalMs,
    endSteadyMs: to * intervalMs,
  };
}

/** As the meter sets its estimator up. */
export function estimatorOptions(intervalMs: number): EstimatorOptions {
  return {
    timeModel: uniformTimeModel(intervalMs, SKEW_S),
    calibration: CALIBRATION,
    nominal: { voltageV: VOLTAGE_V, frequencyHz: 50, powerFactor: 1 },
    creepA: 0.015,
  };
}

/** Relative errors -> their rms and the largest [%]. */
export function percentOf(errors: readonly number[]): { readonly rms: number; readonly worst: number } {
  const square = errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length;
  return { rms: 100 * Math.sqrt(square), worst: 100 * Math.max(...errors.map(Math.abs)) };
}

/** Frequency whose errors have the largest rms, as text. */
export function formatWorstFrequency(errors: ReadonlyMap<number, readonly number[]>): string {
  const ranked = [...errors].map(([frequencyHz, list]) => ({ frequencyHz, rms: percentOf(list).rms }));
  const worst = ranked.reduce((a, b) => (b.rms > a.rms ? b : a));
  const others = [...errors].flatMap(([frequencyHz, list]) =>
    frequencyHz === worst.frequencyHz ? [] : list,
  );
  return `at ${worst.frequencyHz} Hz ${worst.rms.toFixed(3)} % rms, without it ${percentOf(others).rms.toFixed(3)}`;
}

export function formatPercent({ rms, worst }: { readonly rms: number; readonly worst: number }): string {
  const digits = rms >= 1 ? 1 : 3;
  return `${rms.toFixed(digits)} % rms, worst ${worst.toFixed(digits)}`;
}
