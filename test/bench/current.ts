/** RMS current of 1 s windows at 1 ms, from 0.5 A: error of the estimator, of emonLib on the same samples, and the bound. */
import { estimate } from "../../rig/measure/estimator.js";
import { randomFrom } from "../measure/synthetic.js";
import { calcIrms } from "./emonlib.js";
import {
  CALIBRATION,
  errorsByFrequency,
  estimatorOptions,
  formatPercent,
  formatWorstFrequency,
  NOISE_LSB,
  percentOf,
  record,
  windowOf,
} from "./recording.js";
import { type BenchRow, judged } from "./table.js";

const INTERVAL_MS = 1;
const WINDOW = 1000;
/** Four time constants of emonLib's offset filter. */
const SETTLING = 4096;
const TRIALS = 12;

const WAVEFORMS = [
  { name: "sine", harmonics: {}, limitPercent: 0.05 },
  // A rectifier: the squares of these add up to 0.8^2.
  {
    name: "THD 80 %",
    harmonics: { 3: -0.65, 5: 0.38, 7: -0.22, 9: 0.12, 11: -0.08, 13: 0.05 },
    limitPercent: 0.06,
  },
] as const;

export function measureCurrent(seed: number): BenchRow[] {
  return WAVEFORMS.map(({ name, harmonics, limitPercent }) => {
    const random = randomFrom(seed);
    const emonLib: number[] = [];
    const bound: number[] = [];
    const ours = errorsByFrequency(TRIALS, ({ frequencyHz, currentA }) => {
      const length = SETTLING + WINDOW;
      const recording = record(random, INTERVAL_MS, length, { currentA, frequencyHz, harmonics });
      const counts = calcIrms(recording.currentCounts, WINDOW, recording.biasCounts);
      emonLib.push((counts * CALIBRATION.currentAPerCount) / currentA - 1);
      bound.push(cramerRao(currentA));
      const window = windowOf(recording, SETTLING, length, false);
      const { quantities } = estimate(window, estimatorOptions(INTERVAL_MS));
      return quantities.currentA / currentA - 1;
    });
    const error = percentOf([...ours.values()].flat());
    return {
      what: `RMS current, 1 s, 0.5 to 4 A, ${name}`,
      limitOrPeer: [
        `limit ${limitPercent.toFixed(2)} % rms`,
        `Cramer-Rao ${percentOf(bound).rms.toFixed(3)} % rms`,
        `emonLib calcIrms ${formatPercent(percentOf(emonLib))}`,
      ],
      ours: [judged(formatPercent(error), error.rms <= limitPercent), formatWorstFrequency(ours)],
    };
  });
}

/** Least relative standard deviation that any unbiased estimator has: noise of rounding and ADC over the window's samples. */
function cramerRao(currentA: number): number {
  const sigmaA = CALIBRATION.currentAPerCount * Math.sqrt(1 / 12 + NOISE_LSB ** 2);
  return sigmaA / Math.sqrt(WINDOW) / currentA;
}
