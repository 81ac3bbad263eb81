/** One direction of a serial line: bytes come out in order, none before its last bit would have arrived. */
import type { Clock } from "../../../core/clock.js";
import { ByteQueue } from "./byte-queue.js";

/** Start bit, eight data bits, stop bit. */
const BITS_PER_BYTE = 10;
/** Bytes are handed on in bursts of about this length, as a PC's UART driver does. */
const BURST_MS = 10;

export class PacedQueue {
  readonly #clock: Clock;
  readonly #baudBps: () => number;
  readonly #deliver: (bytes: Uint8Array) => void;
  readonly #waiting = new ByteQueue();
  /** When the first bit of the run of bytes that is under way left [ms, steady]. */
  #runStartMs = 0;
  #runBytes = 0;
  #runBaudBps = 0;
  #cancel: (() => void) | null = null;

  /** @param baudBps asked at the start of every run of bytes */
  constructor(clock: Clock, baudBps: () => number, deliver: (bytes: Uint8Array) => void) {
    this.#clock = clock;
    this.#baudBps = baudBps;
    this.#deliver = deliver;
  }

  /** Bytes that have not arrived yet. */
  get length(): number {
    return this.#waiting.length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#waiting.push(bytes);
    if (this.#cancel !== null) return;
    this.#runStartMs = this.#clock.steadyMs();
    this.#runBytes = 0;
    this.#runBaudBps = this.#baudBps();
    this.#arm();
  }

  /** Forgets what has not arrived. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#waiting.clear();
  }

  get #bytesPerMs(): number {
    return this.#runBaudBps / BITS_PER_BYTE / 1000;
  }

  #arm(): void {
    const nextMs = Math.min(BURST_MS, this.#waiting.length / this.#bytesPerMs);
    this.#cancel = this.#clock.after(nextMs, () => this.#burst());
  }

  #burst(): void {
    this.#cancel = null;
    const elapsedMs = this.#clock.steadyMs() - this.#runStartMs;
    // A hair more than nothing, for a time that should be the end of a byte exactly and is a rounding error before it.
    const due = Math.floor(elapsedMs * this.#bytesPerMs + 1e-6) - this.#runBytes;
    const burst = this.#waiting.take(Math.max(0, due));
    this.#runBytes += burst.length;
    // Armed before the bytes are handed on: what they bring about may push more, or clear.
    if (this.#waiting.length > 0) this.#arm();
    if (burst.length > 0) this.#deliver(burst);
  }
}
