/**
 * Finds the mains frequency in samples of voltage or current: a coarse search over the first fifth of a second, then sine
 * fits over ever longer spans. Pure.
 */
import { fitSine, refineFrequency, type Signal } from "./sine-fit.js";

/** No mains is outside this [Hz]; the same limits as mains.hz of the configuration. */
const LOWEST_HZ = 40;
const HIGHEST_HZ = 70;
/** Span of the coarse search: short enough that its lobes are wide, long enough for a few cycles and samples. */
const COARSE_SPAN_S = 0.2;
const COARSE_SAMPLES = 32;
/** Each longer span must begin within half a bin of the answer; the shorter span's answer is good to far less than an eighth. */
const SPAN_GROWTH = 4;
const STEPS_PER_SPAN = 3;
/** A step this small is the last: the next one would move by its square. */
const SETTLED_HZ = 1e-3;
/** Share of the signal's power that its fundamental must have; even a lamp dimmed to 135 degrees has a third. */
const LEAST_SHARE = 0.2;

/**
 * @param signal times from 0 on; uniform sampling cannot tell a frequency from its mirror images about multiples of half the
 *   rate, so only those on the nominal frequency's side are considered
 * @param intervalS time between samples
 * @returns the frequency by the clock of `timesS` [Hz], or null if there is none to be found
 */
export function findFrequency(signal: Signal, intervalS: number, nominalHz: number): number | null {
  const { timesS } = signal;
  const startS = timesS[0] as number;
  const lengthS = (timesS.at(-1) as number) - startS;
  let spanS = Math.min(lengthS, Math.max(COARSE_SPAN_S, COARSE_SAMPLES * intervalS));
  const range = searchRange(intervalS, nominalHz, 1 / spanS);
  if (range === null) return null;
  let frequencyHz = strongest(upTo(signal, startS + spanS), range, 0.5 / spanS);
  for (;;) {
    const part = upTo(signal, startS + spanS);
    for (let step = 0; step < STEPS_PER_SPAN; step += 1) {
      const refined = refineFrequency(part, frequencyHz);
      if (refined === null || refined < range.lowHz || refined > range.highHz) return null;
      const moved = Math.abs(refined - frequencyHz);
      frequencyHz = refined;
      if (moved < SETTLED_HZ) break;
    }
    if (spanS >= lengthS) break;
    spanS = Math.min(lengthS, spanS * SPAN_GROWTH);
  }
  return fundamentalShare(signal, frequencyHz) >= LEAST_SHARE ? frequencyHz : null;
}

interface Range {
  readonly lowHz: number;
  readonly highHz: number;
}

function searchRange(intervalS: number, nominalHz: number, marginHz: number): Range | null {
  const halfRateHz = 0.5 / intervalS;
  const zone = Math.floor(nominalHz / halfRateHz);
  const lowHz = Math.max(LOWEST_HZ, zone * halfRateHz + marginHz);
  const highHz = Math.min(HIGHEST_HZ, (zone + 1) * halfRateHz - marginHz);
  return lowHz <= nominalHz && nominalHz <= highHz ? { lowHz, highHz } : null;
}

function upTo({ timesS, values, weights }: Signal, endS: number): Signal {
  let count = timesS.length;
  while (count > 1 && (timesS[count - 1] as number) > endS) count -= 1;
  return {
    timesS: timesS.subarray(0, count),
    values: values.subarray(0, count),
    weights: weights.subarray(0, count),
  };
}

/** The frequency of the grid where the signal has most power. */
function strongest({ timesS, values, weights }: Signal, { lowHz, highHz }: Range, stepHz: number): number {
  let weight = 0;
  let sum = 0;
  for (let k = 0; k < values.length; k += 1) {
    weight += weights[k] as number;
    sum += (weights[k] as number) * (values[k] as number);
  }
  const mean = weight === 0 ? 0 : sum / weight;
  let bestHz = lowHz;
  let bestPower = -1;
  const steps = Math.max(1, Math.ceil((highHz - lowHz) / stepHz));
  for (let step = 0; step <= steps; step += 1) {
    const frequencyHz = lowHz + ((highHz - lowHz) * step) / steps;
    let cosine = 0;
    let sine = 0;
    for (let k = 0; k < values.length; k += 1) {
      const value = (weights[k] as number) * ((values[k] as number) - mean);
      const angle = 2 * Math.PI * frequencyHz * (timesS[k] as number);
      cosine += value * Math.cos(angle);
      sine += value * Math.sin(angle);
    }
    const power = cosine * cosine + sine * sine;
    if (power > bestPower) {
      bestPower = power;
      bestHz = frequencyHz;
    }
  }
  return bestHz;
}

function fundamentalShare(signal: Signal, frequencyHz: number): number {
  const sine = fitSine(signal, frequencyHz);
  if (sine === null) return 0;
  let weight = 0;
  let power = 0;
  for (let k = 0; k < signal.values.length; k += 1) {
    const deviation = (signal.values[k] as number) - sine.offset;
    weight += signal.weights[k] as number;
    power += (signal.weights[k] as number) * deviation * deviation;
  }
  return power === 0 ? 0 : (weight * (sine.cosine ** 2 + sine.sine ** 2)) / 2 / power;
}
