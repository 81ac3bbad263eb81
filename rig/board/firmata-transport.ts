/**
 * A Duplex as firmata-io wants its transport: an EventEmitter with `open`, `data`, `close`, `error` and `write(bytes, done)`.
 * Takes bytes of the board through the guard; gathers what is written within one tick into one write of the stream.
 * Source: what firmata-io 2.3.0 uses of its transport (lib/firmata.js, constructor and writeToTransport).
 *
 * The downlink is one queue, first come first served: a screen redraw delays what is written behind it.
 */
import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { FirmataGuard, type GuardCounters } from "./firmata-guard.js";

/** Bytes kept of what came first, for the message that says what is wrong. */
const FIRST_BYTES_KEPT = 32;

export class FirmataTransport extends EventEmitter {
  readonly #stream: Duplex;
  readonly #guard = new FirmataGuard();
  /** Gathered in this tick; null when nothing waits to be written. */
  #gathered: { readonly chunks: Uint8Array[]; readonly done: (() => void)[] } | null = null;
  #open = true;
  #firstBytes = Buffer.alloc(0);
  #receivedBytes = 0;

  constructor(stream: Duplex) {
    super();
    this.#stream = stream;
    stream.on("data", this.#onData);
    stream.on("end", this.#onEnd);
    stream.on("error", this.#onError);
    stream.on("close", this.#onClose);
  }

  get counters(): GuardCounters {
    return this.#guard.counters;
  }

  /** Bytes received from the board, valid or not [bytes]. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The first bytes that came, at most 32. */
  get firstBytes(): Uint8Array {
    return this.#firstBytes;
  }

  /** Writes whole messages; `done` is called when the stream has taken them, or when it is closed and they are dropped. */
  write(bytes: Uint8Array, done?: () => void): void {
    if (!this.#open) {
      done?.();
      return;
    }
    if (this.#gathered === null) {
      this.#gathered = { chunks: [], done: [] };
      queueMicrotask(() => this.#flush());
    }
    this.#gathered.chunks.push(bytes);
    if (done !== undefined) this.#gathered.done.push(done);
  }

  /** Lets go of the stream and destroys it; no event comes afterwards. Resolves when the stream is closed. */
  async detach(): Promise<void> {
    this.#open = false;
    this.#stream.off("data", this.#onData);
    this.#stream.off("end", this.#onEnd);
    this.#stream.off("error", this.#onError);
    this.#stream.off("close", this.#onClose);
    // A stream that fails while it is being closed has no one left to tell.
    this.#stream.on("error", () => undefined);
    this.removeAllListeners();
    if (this.#stream.closed) return;
    const closed = new Promise<void>((resolve) => this.#stream.once("close", resolve));
    this.#stream.destroy();
    await closed;
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = null;
    if (gathered === null) return;
    const done = () => {
      for (const callback of gathered.done) callback();
    };
    if (!this.#open || this.#stream.destroyed) done();
    else this.#stream.write(Buffer.concat(gathered.chunks), done);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#receivedBytes += chunk.length;
    if (this.#firstBytes.length < FIRST_BYTES_KEPT) {
      this.#firstBytes = Buffer.concat([this.#firstBytes, chunk]).subarray(0, FIRST_BYTES_KEPT);
    }
    const messages = this.#guard.push(chunk);
    if (messages.length > 0) this.emit("data", messages);
  };

  readonly #onEnd = (): void => {
    this.#stream.destroy();
  };

  readonly #onError = (error: Error): void => {
    this.emit("error", error);
  };

  readonly #onClose = (): void => {
    this.#open = false;
    this.emit("close");
  };
}
