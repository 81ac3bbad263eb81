/**
 * The host's end of the modem's line, as an operating system gives it for a serial port.
 * Made by VirtualModem, once per opening; closing it leaves the modem as it is.
 */
import { Duplex } from "node:stream";

/** What an operating system holds of a serial port's output before a write has to wait [bytes]. */
const OUTPUT_BUFFER_BYTES = 4096;
/** The modem's bytes that are kept for a reader that does not read; what comes then is lost, as without flow control. */
const INPUT_BUFFER_BYTES = 65_536;

export interface LineStreamOptions {
  readonly write: (bytes: Uint8Array) => void;
  /** Bytes written that the modem has not received yet. */
  readonly unreadBytes: () => number;
  readonly closed: () => void;
}

export class LineStream extends Duplex {
  readonly #options: LineStreamOptions;
  #waiting: { readonly belowBytes: number; readonly done: () => void } | null = null;

  constructor(options: LineStreamOptions) {
    super({ readableHighWaterMark: INPUT_BUFFER_BYTES });
    this.#options = options;
  }

  /** The modem sent these bytes. */
  deliver(bytes: Uint8Array): void {
    if (this.destroyed || this.readableLength + bytes.length > INPUT_BUFFER_BYTES) return;
    this.push(bytes);
  }

  /** The modem has received some more. */
  taken(): void {
    if (this.#waiting !== null && this.#options.unreadBytes() <= this.#waiting.belowBytes) this.#resume();
  }

  override _read(): void {
    // The modem sends when it likes: `deliver` pushes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#options.write(new Uint8Array(chunk));
    this.#wait(OUTPUT_BUFFER_BYTES, done);
  }

  override _final(done: () => void): void {
    this.#wait(0, () => {
      this.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#options.closed();
    this.#resume();
    done(error);
  }

  #wait(belowBytes: number, done: () => void): void {
    this.#waiting = { belowBytes, done };
    this.taken();
  }

  #resume(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.done();
  }
}
