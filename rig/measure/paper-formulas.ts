/**
 * Teaching mode: the formulas as printed in Sindhuja & Sampathraja, "Implementation of privacy secured smart meter for demand
 * side management", IJRET 2018, section 4.4, on the same window as the real measurement, each beside what is wrong with it and
 * the form that is right. Pure; nothing else in the rig uses these values.
 */
import type { PaperFormula } from "../core/events.js";
import { ADC_STEPS, REFERENCE_V } from "./calibration.js";

/** The paper takes 5000 mV over 1024 steps. */
const MILLIVOLTS_PER_COUNT = (REFERENCE_V * 1000) / ADC_STEPS;
/** The paper's zero: what its bias read on that one board. */
const PAPER_ZERO_COUNTS = 516;

/**
 * Printed: `Voltage = (analogRead(A0) / 1024.0) * 5000`.
 * @param readingCounts one sample [counts, 0..1023]
 * @returns voltage at the pin [mV]
 */
export function paperVoltageMv(readingCounts: number): number {
  return (readingCounts / ADC_STEPS) * 5000;
}

/**
 * Printed: `Current = ((Max current - Arduino measured analog reading) * Ac Offset) / load in watts`.
 * @param acOffsetMv "normal voltage output at Vout pin", read as the bias [mV]
 * @returns a number without a meaning: its unit is counts mV / W
 */
export function paperCurrent(
  maxCounts: number,
  readingCounts: number,
  acOffsetMv: number,
  loadW: number,
): number {
  return ((maxCounts - readingCounts) * acOffsetMv) / loadW;
}

/** Printed: `double RMS Current = ((Max Current - 516) * 0.707) / 100`. @returns what the paper calls amperes */
export function paperRmsCurrentA(maxCounts: number): number {
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: as printed
  return ((maxCounts - PAPER_ZERO_COUNTS) * 0.707) / 100;
}

/**
 * The third formula put right: the peak above the measured mean, scaled by the sensor. Right for a pure sine only, and a little
 * high because noise lifts a maximum; the meter itself squares all samples instead.
 */
export function sinePeakCurrentA(maxCounts: number, meanCounts: number, currentAPerCount: number): number {
  return ((maxCounts - meanCounts) * currentAPerCount) / Math.SQRT2;
}

export interface PaperInput {
  /** One window of the current channel [counts]; NaN is passed over. */
  readonly currentCounts: Float64Array;
  readonly currentAPerCount: number;
  /** What the second formula wants to be told: the power that it is meant to find [W]. */
  readonly loadW: number;
}

/** @returns the three formulas of section 4.4 in the paper's order, or none if the window holds no sample */
export function paperFormulas({ currentCounts, currentAPerCount, loadW }: PaperInput): PaperFormula[] {
  const counts = currentCounts.filter((count) => !Number.isNaN(count));
  const last = counts.at(-1);
  if (last === undefined) return [];
  const max = counts.reduce((a, b) => Math.max(a, b));
  const mean = counts.reduce((a, b) => a + b) / counts.length;
  return [
    {
      name: "load-dependent current",
      formula: "((Max - reading) * AcOffset) / load in watts",
      value: paperCurrent(max, last, mean * MILLIVOLTS_PER_COUNT, loadW),
      unit: "counts mV/W",
      note: "No physical meaning: its unit is not the ampere, it divides by the load power that it is meant to find, and it changes with the instant at which the reading is taken.",
      corrected: null,
    },
    {
      name: "voltage",
      formula: "(analogRead(A0) / 1024.0) * 5000",
      value: paperVoltageMv(last),
      unit: "mV",
      note: "The voltage at pin A0 at one instant, bias included: a picture of the current, not the mains voltage. What it does tell about the mean is the bias.",
      corrected: {
        formula: "mean(analogRead(A0)) * 5000 / 1024: the bias",
        value: mean * MILLIVOLTS_PER_COUNT,
        unit: "mV",
      },
    },
    {
      name: "RMS current",
      formula: "((Max - 516) * 0.707) / 100",
      value: paperRmsCurrentA(max),
      unit: "A",
      note: "Holds for a pure sine only (0.707 is 1/sqrt 2). 516 should be the measured mean: 4 counts off are 28 mA, 6.5 % of one 100 W lamp. /100 says that one count is 10 mA, which takes a burden of 488 ohm at 1000:1, not 200 ohm. Noise lifts a maximum, and a waveform with another crest factor is wrong by up to a factor of two.",
      corrected: {
        formula: "(Max - mean) * amperes per count / sqrt 2",
        value: sinePeakCurrentA(max, mean, currentAPerCount),
        unit: "A",
      },
    },
  ];
}
