/**
 * Makes a ready board sample its analog channels and hands on every sample, in the order in which the firmware took them.
 * All channels of one instant follow one another, lowest first; pairing them is the next stage's business.
 * Source: StandardFirmata 2.3.2 to 2.5.9, loop() and MINIMUM_SAMPLING_INTERVAL; UART of the UNO 58 824 baud = 5882 bytes/s.
 */
import type { EventEmitter } from "node:events";
import type { Clock } from "../core/clock.js";

const START_SYSEX = 0xf0;
const END_SYSEX = 0xf7;
const SAMPLING_INTERVAL = 0x7a;
const REPORT_ANALOG = 0xc0;
/** Changing the interval makes 2.5 catch up with up to 25 samples back to back; reporting starts when it has [ms]. */
const SETTLE_MS = 200;
/**
 * Dropped at the start [ms]: the firmware sends one extra sample of a channel when its reporting is switched on, and a burst of
 * catch-up samples may follow; both would shift the count by which samples are timed.
 */
const DROP_MS = 500;

/** Firmware older than 2.5 samples every 10 ms at the fastest: 11 ms, because 10 and 20 ms see the same two phases of 50 Hz for ever. */
const OLD_FIRMWARE_INTERVAL_MS = 11;

export interface SamplingPlan {
  /** Time between two samples of each channel, by the board's clock [ms]. */
  readonly intervalMs: number;
  /** What the operator should know; null if all is well. */
  readonly warning: string | null;
}

/**
 * The shortest interval that the uplink carries (3 bytes a sample) and that has no common factor with a mains period of 20 ms.
 * @param channels how many channels, 1 to 6
 */
export function planSampling(
  channels: number,
  protocol: { readonly major: number; readonly minor: number },
): SamplingPlan {
  const current = protocol.major > 2 || (protocol.major === 2 && protocol.minor >= 5);
  if (!current) {
    return {
      intervalMs: OLD_FIRMWARE_INTERVAL_MS,
      warning: `sampling at ${OLD_FIRMWARE_INTERVAL_MS} ms: Firmata ${protocol.major}.${protocol.minor} is older than 2.5; flash StandardFirmata 2.5 (sketches/README.md) for ${fastestIntervalMs(channels)} ms`,
    };
  }
  return { intervalMs: fastestIntervalMs(channels), warning: null };
}

function fastestIntervalMs(channels: number): number {
  // 1 channel at 1 ms: 3000 bytes/s; 5 at 3 ms: 5000; 6 at 3 ms would be 6000 and saturate the 5882 of the UART.
  if (channels <= 1) return 1;
  return channels <= 5 ? 3 : 7;
}

export interface SamplerOptions {
  /** Emits `analog-read-<channel>` with the counts of each sample, as firmata-io does. */
  readonly io: EventEmitter;
  readonly write: (message: Uint8Array) => void;
  readonly clock: Clock;
  /** ADC channels, 0 is A0. */
  readonly channels: readonly number[];
  readonly intervalMs: number;
  /** @param adcCounts 0..1023; @param arrivalMs when it reached this host, steady time [ms] */
  readonly onSample: (channel: number, adcCounts: number, arrivalMs: number) => void;
}

export class Sampler {
  readonly #options: SamplerOptions;
  /** Ascending, as the firmware scans them. */
  readonly #channels: readonly number[];
  /** When the last sample of each channel came, or when reporting was switched on [ms]. */
  readonly #lastMs = new Map<number, number>();
  #stop: (() => void) | null = null;
  /** Until when samples are dropped [ms]; null before the first one. */
  #dropUntilMs: number | null = null;
  #dropping = true;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#channels = [...new Set(options.channels)].sort((a, b) => a - b);
  }

  /** Whether a sample has been handed on since start(). */
  get delivers(): boolean {
    return this.#stop !== null && !this.#dropping;
  }

  /** Sets the interval, waits, switches reporting on; samples are handed on from 0.7 s after the call. */
  start(): void {
    if (this.#stop !== null || this.#channels.length === 0) return;
    const { io, write, clock, intervalMs } = this.#options;
    for (const channel of this.#channels) write(Uint8Array.of(REPORT_ANALOG | channel, 0));
    // By raw sysex: firmata-io's own call raises everything below 10 ms to 10 ms, the worst interval on 50 Hz.
    write(Uint8Array.of(START_SYSEX, SAMPLING_INTERVAL, intervalMs & 0x7f, intervalMs >> 7, END_SYSEX));
    const listeners = new Map<string, (counts: number) => void>();
    const cancel = clock.after(SETTLE_MS, () => {
      const nowMs = clock.steadyMs();
      this.#dropUntilMs = null;
      for (const channel of this.#channels) {
        const listener = (counts: number) => this.#take(channel, counts);
        listeners.set(`analog-read-${channel}`, listener);
        io.on(`analog-read-${channel}`, listener);
        this.#lastMs.set(channel, nowMs);
        write(Uint8Array.of(REPORT_ANALOG | channel, 1));
      }
    });
    this.#stop = () => {
      cancel();
      for (const [event, listener] of listeners) io.off(event, listener);
      this.#lastMs.clear();
    };
  }

  /** Hands on nothing more. The board goes on reporting until it is told otherwise or reset. */
  stop(): void {
    this.#stop?.();
    this.#stop = null;
    this.#dropping = true;
  }

  /** For how long the quietest channel has given no sample [ms]; 0 while reporting is not switched on. */
  silenceMs(): number {
    if (this.#lastMs.size === 0) return 0;
    return this.#options.clock.steadyMs() - Math.min(...this.#lastMs.values());
  }

  #take(channel: number, counts: number): void {
    const nowMs = this.#options.clock.steadyMs();
    this.#lastMs.set(channel, nowMs);
    if (this.#dropping) {
      this.#dropUntilMs ??= nowMs + DROP_MS;
      // Begins with the first channel of an instant.
      if (nowMs < this.#dropUntilMs || channel !== this.#channels[0]) return;
      this.#dropping = false;
    }
    this.#options.onSample(channel, counts, nowMs);
  }
}
