/**
 * What emonLib makes of the same counts: its two measuring recipes, written anew from their published description.
 * Source: openenergymonitor EmonLib, calcIrms and calcVI; docs.openenergymonitor.org, "Digital filters for offset removal",
 * "Current and voltage, algorithm". Both remove the offset by a slow low-pass and take no quantisation noise off.
 */

/** The offset follows each sample by this share. */
const OFFSET_SHARE = 1 / 1024;
const HALF_WAVES = 20;
const ADC_COUNTS = 1024;
/** calcVI begins when the voltage is within this band around half scale. */
const START_BAND = [0.45 * ADC_COUNTS, 0.55 * ADC_COUNTS] as const;

/**
 * Root of the mean square of the last `count` samples about the filtered offset [counts]; the samples before settle the filter.
 * @param offsetCounts where the filter starts
 */
export function calcIrms(counts: Float64Array, count: number, offsetCounts: number): number {
  let offset = offsetCounts;
  let sum = 0;
  counts.forEach((sample, k) => {
    offset += (sample - offset) * OFFSET_SHARE;
    if (k >= counts.length - count) sum += (sample - offset) ** 2;
  });
  return Math.sqrt(sum / count);
}

export interface EmonPowerOptions {
  readonly currentCounts: Float64Array;
  readonly voltageCounts: Float64Array;
  /** Samples before this one only settle the offset filters. */
  readonly from: number;
  readonly offsetCounts: number;
  /** Straight-line interpolation of the voltage: 1 takes it as sampled, 0 the sample before. */
  readonly phaseCal: number;
}

/**
 * Mean real power of as many runs of 20 half waves as there is time for [counts^2]; NaN where the voltage never came near
 * half scale, so that no run began.
 */
export function calcRealPower({
  currentCounts,
  voltageCounts,
  from,
  offsetCounts,
  phaseCal,
}: EmonPowerOptions): number {
  let offsetV = offsetCounts;
  let offsetI = offsetCounts;
  let filteredV = 0;
  let run: { startV: number; above: boolean | null; crossings: number; sum: number; samples: number } | null =
    null;
  const powers: number[] = [];
  for (let k = 0; k < currentCounts.length; k += 1) {
    const sampleV = voltageCounts[k] as number;
    const sampleI = currentCounts[k] as number;
    if (run === null && k >= from) {
      // The sample that begins a run is taken for that alone.
      if (sampleV > START_BAND[0] && sampleV < START_BAND[1])
        run = { startV: sampleV, above: null, crossings: 0, sum: 0, samples: 0 };
      continue;
    }
    const lastFilteredV = filteredV;
    offsetV += (sampleV - offsetV) * OFFSET_SHARE;
    offsetI += (sampleI - offsetI) * OFFSET_SHARE;
    filteredV = sampleV - offsetV;
    if (run === null) continue;
    const shiftedV = lastFilteredV + phaseCal * (filteredV - lastFilteredV);
    run.sum += shiftedV * (sampleI - offsetI);
    run.samples += 1;
    const above = sampleV > run.startV;
    if (run.above !== null && above !== run.above) run.crossings += 1;
    run.above = above;
    if (run.crossings < HALF_WAVES) continue;
    powers.push(run.sum / run.samples);
    run = null;
  }
  return powers.reduce((sum, power) => sum + power, 0) / powers.length;
}
