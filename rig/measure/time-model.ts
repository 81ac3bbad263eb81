/**
 * When each sample of a window was taken, by the board's own clock: sample index -> seconds.
 * The firmware samples when `millis() - previous > interval` and then adds the interval to `previous`, so it may sample
 * late but never skips: sample k belongs to k * interval (StandardFirmata 2.3.2 to 2.5.9, loop()).
 */

/**
 * How far the true instants stray from `k * interval` [s rms]: millis() ticks every 1.024 ms and skips a count now and then,
 * which delays a sample by up to a tick, evenly spread.
 * Source: cycle counts of StandardFirmata 2.5, intervals 1 to 19 ms: 290 to 296 us rms, at most 574 us about the mean.
 */
const UNIFORM_TIMING_ERROR_S = 293e-6;

/**
 * No resonator is this far off: the UNO's is ceramic, 0.5 % at worst. A measured rate further from nominal means that this
 * host, or the emulation of a board, did not keep time for a while, which says nothing about the board's clock.
 */
const CLOCK_TOLERANCE = 0.006;

/** How fast the board's clock runs by the host's [1], from the rate of its samples; 1 where that rate cannot be a clock's. */
export function clockScale(sampleRateHz: number, intervalMs: number): number {
  const scale = (sampleRateHz * intervalMs) / 1000;
  return Math.abs(scale - 1) <= CLOCK_TOLERANCE ? scale : 1;
}

export interface TimeModel {
  /**
   * @param firstIndex index of the first sampling instant, counted since the board began to sample
   * @param count how many instants
   * @returns when the current channel was sampled [s], any origin, rising
   */
  sampleTimesS(firstIndex: number, count: number): Float64Array;
  /** How much later than the current channel the voltage channel is sampled [s]; negative if the firmware scans it first. */
  readonly voltageSkewS: number;
  /** What is left unknown about the instants [s rms]. It shrinks a fitted sine by exp(-(2 pi f s)^2 / 2); the estimator undoes that. */
  readonly timingErrorS: number;
}

/** Index times interval: no knowledge of the board's ticks. @param voltageSkewS as in TimeModel */
export function uniformTimeModel(intervalMs: number, voltageSkewS: number): TimeModel {
  return {
    voltageSkewS,
    timingErrorS: UNIFORM_TIMING_ERROR_S,
    sampleTimesS: (firstIndex, count) =>
      Float64Array.from({ length: count }, (_, k) => ((firstIndex + k) * intervalMs) / 1000),
  };
}
