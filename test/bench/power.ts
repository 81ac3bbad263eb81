/** Real power over 10 s with A0 and A1 at 3 ms: error of ten windows of 1 s averaged, and of emonLib on the same samples. */
import { estimate } from "../../rig/measure/estimator.js";
import { randomFrom } from "../measure/synthetic.js";
import { calcRealPower } from "./emonlib.js";
import {
  CALIBRATION,
  errorsByFrequency,
  estimatorOptions,
  formatPercent,
  formatWorstFrequency,
  percentOf,
  type Random,
  type Recording,
  record,
  SKEW_S,
  VOLTAGE_V,
  windowOf,
} from "./recording.js";
import { type BenchRow, judged } from "./table.js";

const INTERVAL_MS = 3;
const WINDOWS = 10;
const INSTANTS = Math.round((WINDOWS * 1000) / INTERVAL_MS);
/** Four time constants of emonLib's offset filter. */
const SETTLING = 4096;
const TRIALS = 4;

/** As emonLib's examples have it. */
const PUBLISHED_PHASE_CAL = 1.7;
/** What calibration would find here: the voltage is sampled 147 us after the current, a sample before that is 3 ms older. */
const TUNED_PHASE_CAL = 1 - (SKEW_S * 1000) / INTERVAL_MS;
const CALIBRATION_RUNS = 8;

const LOADS = [
  { powerFactor: 1, limitPercent: 0.04 },
  { powerFactor: 0.5, limitPercent: 0.06 },
] as const;

export function measurePower(seed: number): BenchRow[] {
  const random = randomFrom(seed);
  const tunedGain = calibrateGain(random);
  return LOADS.map(({ powerFactor, limitPercent }) => {
    const published: number[] = [];
    const tuned: number[] = [];
    const ours = errorsByFrequency(TRIALS, ({ frequencyHz, currentA, trial }) => {
      // Lagging and leading in turn.
      const lagRad = Math.acos(powerFactor) * (trial % 2 === 0 ? 1 : -1);
      const recording = record(random, INTERVAL_MS, SETTLING + INSTANTS, { currentA, frequencyHz, lagRad });
      const truthW = VOLTAGE_V * currentA * powerFactor;
      published.push(emonPowerW(recording, PUBLISHED_PHASE_CAL) / truthW - 1);
      tuned.push((emonPowerW(recording, TUNED_PHASE_CAL) * tunedGain) / truthW - 1);
      return meanPowerW(recording) / truthW - 1;
    });
    const error = percentOf([...ours.values()].flat());
    const formatPeer = (relative: number[]) => {
      const measured = relative.filter((value) => !Number.isNaN(value));
      const without = relative.length - measured.length;
      return `${formatPercent(percentOf(measured))}${without === 0 ? "" : ` (${without} without result)`}`;
    };
    return {
      what: `real power, 10 s, 0.5 to 4 A, PF ${powerFactor}`,
      limitOrPeer: [
        `limit ${limitPercent.toFixed(2)} % rms`,
        `emonLib calcVI, PHASECAL 1.7 ${formatPeer(published)}`,
        `emonLib calcVI, phase and gain tuned ${formatPeer(tuned)}`,
      ],
      ours: [judged(formatPercent(error), error.rms <= limitPercent), formatWorstFrequency(ours)],
    };
  });
}

function meanPowerW(recording: Recording): number {
  let sumW = 0;
  for (let window = 0; window < WINDOWS; window += 1) {
    const from = SETTLING + Math.round((window * INSTANTS) / WINDOWS);
    const to = SETTLING + Math.round(((window + 1) * INSTANTS) / WINDOWS);
    const { quantities } = estimate(windowOf(recording, from, to, true), estimatorOptions(INTERVAL_MS));
    sumW += quantities.activePowerW;
  }
  return sumW / WINDOWS;
}

function emonPowerW({ currentCounts, voltageCounts, biasCounts }: Recording, phaseCal: number): number {
  const options = { currentCounts, voltageCounts, from: SETTLING, offsetCounts: biasCounts, phaseCal };
  return calcRealPower(options) * CALIBRATION.currentAPerCount * CALIBRATION.voltageVPerCount;
}

/** What a person would set VCAL to, with a lamp of 1 A at 50 Hz: the interpolation makes the voltage too small. */
function calibrateGain(random: Random): number {
  const load = { currentA: 1, frequencyHz: 50, lagRad: 0 };
  let sumW = 0;
  for (let run = 0; run < CALIBRATION_RUNS; run += 1) {
    sumW += emonPowerW(record(random, INTERVAL_MS, SETTLING + INSTANTS, load), TUNED_PHASE_CAL);
  }
  return VOLTAGE_V / (sumW / CALIBRATION_RUNS);
}
