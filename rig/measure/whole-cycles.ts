/**
 * Which samples of a window count, and how much: the longest span of whole mains cycles, so that no part of a cycle is seen
 * more often than another. Pure.
 */

/** Bins that a mains cycle is cut into to look for parts that were never sampled. */
const PHASE_BINS = 100;

/**
 * Every sample stands for the interval around it. The span of whole cycles lies in the middle of the window; a sample at its
 * edge counts by the share of its interval that lies inside.
 * @param timesS rising sampling instants
 * @returns a weight from 0 to 1 for each sample; all 1 if the window is shorter than a cycle
 */
export function wholeCycleWeights(
  timesS: Float64Array,
  intervalS: number,
  frequencyHz: number,
): Float64Array {
  const startS = (timesS[0] as number) - intervalS / 2;
  const lengthS = (timesS.at(-1) as number) + intervalS / 2 - startS;
  // A hair more than the length still counts as whole: 50.0000001 Hz in 1 s must not cost a cycle.
  const cycles = Math.floor(lengthS * frequencyHz + 1e-3);
  if (cycles < 1) return new Float64Array(timesS.length).fill(1);
  const spanS = Math.min(lengthS, cycles / frequencyHz);
  const fromS = startS + (lengthS - spanS) / 2;
  const toS = fromS + spanS;
  return timesS.map((timeS) => {
    const insideS = Math.min(toS, timeS + intervalS / 2) - Math.max(fromS, timeS - intervalS / 2);
    return Math.max(0, Math.min(1, insideS / intervalS));
  });
}

/** The largest part of a mains cycle that no sample fell into [0..1, in steps of 0.01]. */
export function largestPhaseGap(timesS: Float64Array, frequencyHz: number): number {
  const seen = new Uint8Array(PHASE_BINS);
  for (const timeS of timesS) {
    const cycles = timeS * frequencyHz;
    seen[Math.floor((cycles - Math.floor(cycles)) * PHASE_BINS) % PHASE_BINS] = 1;
  }
  const first = seen.indexOf(1);
  if (first < 0) return 1;
  let largest = 0;
  let gap = 0;
  for (let k = 1; k <= PHASE_BINS; k += 1) {
    gap += 1;
    if (seen[(first + k) % PHASE_BINS] === 1) {
      largest = Math.max(largest, gap);
      gap = 0;
    }
  }
  return largest / PHASE_BINS;
}
