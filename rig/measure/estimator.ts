/**
 * One window of samples -> the electrical quantities, and what limits their trust. Pure: the heart of measuring.
 *  A  frequency, from the voltage, else from a current above 0.1 A, else nominal
 *  B  weights that cut the window to whole mains cycles
 *  C  mean values out, mean squares and mean product over those weights, quantisation noise off the mean squares
 *  D  fundamental phasors of voltage and current by least squares at their own instants (A1 is sampled after A0)
 *  E  P = mean(v i), its fundamental part turned back by the time between the two samples; S = V I; Q1 = V1 I1 sin(phi1)
 */
import { type Quantities, READING_FLAGS, type ReadingFlag } from "../core/reading.js";
import { type Calibration, HIGHEST_COUNT, LOWEST_COUNT } from "./calibration.js";
import { findFrequency } from "./frequency.js";
import { fitSine, type Signal } from "./sine-fit.js";
import { clockScale, type TimeModel } from "./time-model.js";
import { largestPhaseGap, wholeCycleWeights } from "./whole-cycles.js";
import type { SampleWindow } from "./window.js";

export interface EstimatorOptions {
  readonly timeModel: TimeModel;
  readonly calibration: Calibration;
  /** What stands in for what is not measured; powerFactor is taken as lagging. */
  readonly nominal: { readonly voltageV: number; readonly frequencyHz: number; readonly powerFactor: number };
  /** Current below which no load is counted [A]. */
  readonly creepA: number;
}

/** The window as instantaneous values, mean removed; NaN where a sample is missing. */
export interface Waveform {
  /** Between two samples of a channel, by the board's clock [ms]. */
  readonly intervalMs: number;
  readonly currentA: Float64Array;
  /** null without a voltage sensor. */
  readonly voltageV: Float64Array | null;
  /** How much later than currentA[k] voltageV[k] was sampled [ms]. */
  readonly voltageSkewMs: number;
}

export interface Estimate {
  readonly quantities: Quantities;
  readonly flags: readonly ReadingFlag[];
  readonly waveform: Waveform;
}

/** Rounding to whole counts adds noise of this power [counts^2]. */
const QUANTISATION_POWER = 1 / 12;
/** The current shows the frequency from here on: 4 counts rms with 0.2 V/A [A]. */
const FREQUENCY_CURRENT_A = 0.1;
/** Below this share of the nominal voltage the mains is off. */
const FREQUENCY_VOLTAGE_SHARE = 0.1;
/** With five phases or fewer a cycle, which are 0.2 apart, harmonics cannot be told from the fundamental. */
const PHASE_GAP_LIMIT = 0.18;

export function estimate(window: SampleWindow, options: EstimatorOptions): Estimate {
  const { calibration, nominal, timeModel, creepA } = options;
  const flags = new Set<ReadingFlag>();
  const timesS = fromZero(timeModel.sampleTimesS(window.firstIndex, window.currentCounts.length));
  const intervalS = window.intervalMs / 1000;
  const present = window.currentCounts.map((counts) => (Number.isNaN(counts) ? 0 : 1));
  if (window.unpaired > 0) flags.add("incomplete");
  if (isClipped(window.currentCounts) || isClipped(window.voltageCounts)) flags.add("clipped");

  const voltsPerCount = window.voltageCounts === null ? null : calibration.voltageVPerCount;
  const current = toSignal(window.currentCounts, calibration.currentAPerCount, timesS, present);
  const voltage =
    voltsPerCount === null || window.voltageCounts === null
      ? null
      : toSignal(
          window.voltageCounts,
          voltsPerCount,
          timesS.map((timeS) => timeS + timeModel.voltageSkewS),
          present,
        );

  const measuredHz = measureFrequency(current, voltage, intervalS, nominal);
  if (measuredHz === null) flags.add("nominal-frequency");
  // By the board's clock, as the sample times are; the host's clock says how fast that really runs.
  const boardHz = measuredHz ?? nominal.frequencyHz;
  const scale = measuredHz === null ? 1 : clockScale(window.sampleRateHz, window.intervalMs);
  if (largestPhaseGap(timesS, boardHz) > PHASE_GAP_LIMIT) flags.add("too-few-phases");

  const cycles = wholeCycleWeights(timesS, intervalS, boardHz);
  const weights = cycles.map((weight, k) => weight * (present[k] as number));
  const currentMean = weightedMean(current.values, weights);
  const currentNoise = QUANTISATION_POWER * calibration.currentAPerCount ** 2;
  const currentA = rms(current.values, currentMean, weights, currentNoise);
  const waveform = toWaveform(window, timeModel, current, currentMean, voltage, weights);
  const loaded = currentA >= creepA && currentA > 0;
  if (!loaded) flags.add("below-creep");

  const frequencyHz = boardHz * scale;
  if (voltage === null || voltsPerCount === null) {
    flags.add("nominal-voltage");
    const apparentPowerVa = loaded ? nominal.voltageV * currentA : 0;
    const { powerFactor } = nominal;
    return finish(flags, waveform, {
      currentA: loaded ? currentA : 0,
      voltageV: nominal.voltageV,
      voltageSource: "nominal",
      activePowerW: apparentPowerVa * powerFactor,
      apparentPowerVa,
      reactivePowerVar: apparentPowerVa * Math.sqrt(1 - powerFactor ** 2),
      powerFactor: loaded ? powerFactor : 0,
      frequencyHz,
    });
  }

  const voltageMean = weightedMean(voltage.values, weights);
  const voltageV = rms(voltage.values, voltageMean, weights, QUANTISATION_POWER * voltsPerCount ** 2);
  if (!loaded) return finish(flags, waveform, { ...NO_LOAD, voltageV, frequencyHz });

  const pairedPowerW = meanProduct(current.values, currentMean, voltage.values, voltageMean, weights);
  const fundamental = fundamentalPower({ ...voltage, weights }, { ...current, weights }, boardHz, timeModel);
  const activePowerW = pairedPowerW - fundamental.skewPowerW;
  const apparentPowerVa = voltageV * currentA;
  const ratio = apparentPowerVa === 0 ? 0 : activePowerW / apparentPowerVa;
  if (Math.abs(ratio) > 1) flags.add("power-factor-clamped");
  return finish(flags, waveform, {
    currentA,
    voltageV,
    voltageSource: "measured",
    activePowerW,
    apparentPowerVa,
    reactivePowerVar: fundamental.reactivePowerVar,
    powerFactor: Math.max(-1, Math.min(1, ratio)),
    frequencyHz,
  });
}

const NO_LOAD = {
  currentA: 0,
  voltageSource: "measured",
  activePowerW: 0,
  apparentPowerVa: 0,
  reactivePowerVar: 0,
  powerFactor: 0,
} as const;

function finish(flags: ReadonlySet<ReadingFlag>, waveform: Waveform, quantities: Quantities): Estimate {
  return { quantities, flags: READING_FLAGS.filter((flag) => flags.has(flag)), waveform };
}

function measureFrequency(
  current: Signal,
  voltage: Signal | null,
  intervalS: number,
  nominal: EstimatorOptions["nominal"],
): number | null {
  if (voltage !== null && roughRms(voltage) >= FREQUENCY_VOLTAGE_SHARE * nominal.voltageV) {
    return findFrequency(voltage, intervalS, nominal.frequencyHz);
  }
  if (roughRms(current) >= FREQUENCY_CURRENT_A) {
    return findFrequency(current, intervalS, nominal.frequencyHz);
  }
  return null;
}

/**
 * The fundamental's share of what the pairing got wrong, and its reactive power.
 * v is sampled `skew` after i, so the paired product holds V1 I1 cos(phi1 + w skew) where it should hold V1 I1 cos(phi1). The
 * difference is taken off. Harmonics stay as they were paired: the skew turns them too, but their share of the power is small.
 */
function fundamentalPower(
  voltage: Signal,
  current: Signal,
  frequencyHz: number,
  { voltageSkewS, timingErrorS }: TimeModel,
): { skewPowerW: number; reactivePowerVar: number } {
  const v = fitSine(voltage, frequencyHz);
  const i = fitSine(current, frequencyHz);
  if (v === null || i === null) return { skewPowerW: 0, reactivePowerVar: 0 };
  const omega = 2 * Math.PI * frequencyHz;
  // Unknown timing shrinks both amplitudes by exp(-(w s)^2 / 2); it moves both channels alike, so the angle stays right.
  const unshrink = Math.exp((omega * timingErrorS) ** 2);
  const inPhase = ((v.cosine * i.cosine + v.sine * i.sine) / 2) * unshrink;
  const quadrature = ((v.cosine * i.sine - v.sine * i.cosine) / 2) * unshrink;
  const turn = omega * voltageSkewS;
  return {
    skewPowerW: inPhase * (Math.cos(turn) - 1) - quadrature * Math.sin(turn),
    reactivePowerVar: quadrature,
  };
}

function fromZero(timesS: Float64Array): Float64Array {
  const startS = timesS[0] ?? 0;
  return timesS.map((timeS) => timeS - startS);
}

function isClipped(counts: Float64Array | null): boolean {
  return counts?.some((count) => count <= LOWEST_COUNT || count >= HIGHEST_COUNT) ?? false;
}

/** Missing samples become 0 with weight 0, so that they take no part in any sum. */
function toSignal(
  counts: Float64Array,
  unitsPerCount: number,
  timesS: Float64Array,
  weights: Float64Array,
): Signal {
  const values = counts.map((count) => (Number.isNaN(count) ? 0 : count * unitsPerCount));
  return { timesS, values, weights };
}

function roughRms({ values, weights }: Signal): number {
  return rms(values, weightedMean(values, weights), weights, 0);
}

function weightedMean(values: Float64Array, weights: Float64Array): number {
  let weight = 0;
  let sum = 0;
  for (let k = 0; k < values.length; k += 1) {
    weight += weights[k] as number;
    sum += (weights[k] as number) * (values[k] as number);
  }
  return weight === 0 ? 0 : sum / weight;
}

/** @param noisePower taken off the mean square, which does not go below 0 */
function rms(values: Float64Array, mean: number, weights: Float64Array, noisePower: number): number {
  return Math.sqrt(Math.max(0, meanProduct(values, mean, values, mean, weights) - noisePower));
}

function meanProduct(
  a: Float64Array,
  aMean: number,
  b: Float64Array,
  bMean: number,
  weights: Float64Array,
): number {
  let weight = 0;
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) {
    weight += weights[k] as number;
    sum += (weights[k] as number) * ((a[k] as number) - aMean) * ((b[k] as number) - bMean);
  }
  return weight === 0 ? 0 : sum / weight;
}

function toWaveform(
  window: SampleWindow,
  timeModel: TimeModel,
  current: Signal,
  currentMeanA: number,
  voltage: Signal | null,
  weights: Float64Array,
): Waveform {
  const centred = ({ values }: Signal, mean: number) =>
    values.map((value, k) => (Number.isNaN(window.currentCounts[k]) ? Number.NaN : value - mean));
  return {
    intervalMs: window.intervalMs,
    currentA: centred(current, currentMeanA),
    voltageV: voltage === null ? null : centred(voltage, weightedMean(voltage.values, weights)),
    voltageSkewMs: timeModel.voltageSkewS * 1000,
  };
}
