/**
 * The byte stream to one virtual board, as the operating system would give it for a serial port.
 * Host writes -> SerialLines.write; the board's bytes -> `data`. Made by bench-ports.ts, once per opening.
 */
import { Duplex } from "node:stream";

/** What an operating system holds of a serial port's output before a write has to wait [bytes]. */
const OUTPUT_BUFFER_BYTES = 4096;
/** The board's bytes that are kept for a reader that does not read; what comes then is lost, as on a real port. */
const INPUT_BUFFER_BYTES = 65_536;

export interface BoardStreamOptions {
  /** Puts host bytes on the board's line; the array may be given away. */
  readonly write: (bytes: Uint8Array) => void;
  /** The stream is being destroyed, by its user or by a pulled cable. */
  readonly closed: () => void;
}

export class BoardStream extends Duplex {
  /** Bytes of the board that were lost because nobody read. */
  lostBytes = 0;
  readonly #options: BoardStreamOptions;
  #writtenBytes = 0;
  #takenBytes = 0;
  #waiting: (() => void) | null = null;

  constructor(options: BoardStreamOptions) {
    super({ readableHighWaterMark: INPUT_BUFFER_BYTES, allowHalfOpen: true });
    this.#options = options;
  }

  /** The board sent these bytes. */
  deliver(bytes: Uint8Array): void {
    if (this.destroyed || bytes.length === 0) return;
    if (this.readableLength + bytes.length > INPUT_BUFFER_BYTES) {
      this.lostBytes += bytes.length;
      return;
    }
    this.push(bytes);
  }

  /** The board has taken so many of the host's bytes since the opening. */
  taken(totalBytes: number): void {
    this.#takenBytes = totalBytes;
    if (!this.#full) this.#resume();
  }

  override _read(): void {
    // The board sends when it likes: `deliver` pushes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#writtenBytes += chunk.length;
    this.#options.write(new Uint8Array(chunk));
    if (this.#full) this.#waiting = done;
    else done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#options.closed();
    this.#resume();
    done(error);
  }

  get #full(): boolean {
    return this.#writtenBytes - this.#takenBytes > OUTPUT_BUFFER_BYTES;
  }

  #resume(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }
}
