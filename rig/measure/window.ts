/**
 * Samples in arrival order -> windows of one length, current and voltage paired. First step of measuring.
 * The firmware takes all channels of one instant one after the other, lowest first, and never skips an instant, so time is the
 * number of the instant times the interval. Pairing is by adjacency; what lost its partner on the wire still was an instant.
 */
import { ArrivalLine } from "./arrival-line.js";
import { HIGHEST_COUNT, LOWEST_COUNT } from "./calibration.js";

export interface SampleWindow {
  /** ADC counts of the current channel, 0..1023; NaN where the instant lost a sample. */
  readonly currentCounts: Float64Array;
  /** Same length; null without a voltage channel. NaN where the instant lost a sample. */
  readonly voltageCounts: Float64Array | null;
  /** Number of the window's first instant since the board began to sample. */
  readonly firstIndex: number;
  /** What the firmware was told [ms of the board's clock]. */
  readonly intervalMs: number;
  /** Instants of this window that lost a sample, or came with one outside 0..1023. */
  readonly unpaired: number;
  /** Rate of each channel by the host's clock [Hz]; nominal until 0.8 s have been seen. */
  readonly sampleRateHz: number;
  /** When the window ended, as the earliest arrivals have it [ms of steady time]. */
  readonly endSteadyMs: number;
}

export interface WindowOptions {
  /** ADC channel, 0 is A0. */
  readonly currentChannel: number;
  readonly voltageChannel: number | null;
  /** The firmware's sampling interval [ms]. */
  readonly intervalMs: number;
  readonly windowMs: number;
}

export class WindowCollector {
  readonly #options: WindowOptions;
  readonly #firstChannel: number;
  #line: ArrivalLine;
  #currents: number[] = [];
  #voltages: number[] = [];
  /** Number of the next instant. */
  #index = 0;
  #firstIndex = 0;
  #unpaired = 0;
  /** Counts of the lower channel, waiting for the higher one to follow. */
  #waiting: { readonly counts: number; readonly arrivalMs: number } | null = null;

  constructor(options: WindowOptions) {
    const { currentChannel, voltageChannel, intervalMs, windowMs } = options;
    if (!(intervalMs > 0) || !(windowMs >= intervalMs)) {
      throw new RangeError(
        `a window of ${windowMs} ms at one sample each ${intervalMs} ms holds none: both must be above 0`,
      );
    }
    if (currentChannel === voltageChannel)
      throw new RangeError(`current and voltage are both on channel ${currentChannel}`);
    this.#options = options;
    this.#firstChannel = Math.min(currentChannel, voltageChannel ?? currentChannel);
    this.#line = new ArrivalLine(intervalMs);
  }

  /**
   * Takes one sample; channels that are neither current nor voltage are passed over.
   * @param arrivalSteadyMs when it reached the host [ms of steady time]
   * @returns the window that this sample completed, or null
   */
  push(channel: number, adcCounts: number, arrivalSteadyMs: number): SampleWindow | null {
    const { currentChannel, voltageChannel } = this.#options;
    const counts = adcCounts >= LOWEST_COUNT && adcCounts <= HIGHEST_COUNT ? adcCounts : Number.NaN;
    if (voltageChannel === null) {
      return channel === currentChannel ? this.#endInstant(counts, 0, arrivalSteadyMs) : null;
    }
    if (channel !== currentChannel && channel !== voltageChannel) return null;
    const waiting = this.#waiting;
    if (channel === this.#firstChannel) {
      this.#waiting = { counts, arrivalMs: arrivalSteadyMs };
      return waiting === null ? null : this.#endPair(waiting.counts, Number.NaN, waiting.arrivalMs);
    }
    this.#waiting = null;
    return this.#endPair(waiting?.counts ?? Number.NaN, counts, arrivalSteadyMs);
  }

  #endPair(lowerCounts: number, higherCounts: number, arrivalMs: number): SampleWindow | null {
    return this.#firstChannel === this.#options.currentChannel
      ? this.#endInstant(lowerCounts, higherCounts, arrivalMs)
      : this.#endInstant(higherCounts, lowerCounts, arrivalMs);
  }

  #endInstant(currentCounts: number, voltageCounts: number, arrivalMs: number): SampleWindow | null {
    const { intervalMs, windowMs } = this.#options;
    this.#line.add(this.#index, arrivalMs);
    // Half of a pair is no use for power, and an instant without current none at all.
    const lost = Number.isNaN(currentCounts) || Number.isNaN(voltageCounts);
    if (lost) this.#unpaired += 1;
    this.#currents.push(lost ? Number.NaN : currentCounts);
    this.#voltages.push(lost ? Number.NaN : voltageCounts);
    this.#index += 1;
    const windowNumber = Math.floor((this.#firstIndex * intervalMs) / windowMs);
    return this.#index * intervalMs >= (windowNumber + 1) * windowMs ? this.#endWindow(arrivalMs) : null;
  }

  #endWindow(arrivalMs: number): SampleWindow {
    const { intervalMs, voltageChannel } = this.#options;
    const line = this.#line.fit();
    const window = {
      currentCounts: Float64Array.from(this.#currents),
      voltageCounts: voltageChannel === null ? null : Float64Array.from(this.#voltages),
      firstIndex: this.#firstIndex,
      intervalMs,
      unpaired: this.#unpaired,
      sampleRateHz: line.sampleRateHz,
      endSteadyMs: Math.min(arrivalMs, line.arrivalMs(this.#index - 1)),
    };
    this.#beginWindow();
    return window;
  }

  #beginWindow(): void {
    this.#currents = [];
    this.#voltages = [];
    this.#firstIndex = this.#index;
    this.#unpaired = 0;
  }
}
