/**
 * The serial line under the AT channel: bytes of the stream -> elements, writes -> bytes, everything traced. Ends once.
 * Source: SIM900 AT Command Manual V1.03, 1.4.
 */
import type { Duplex } from "node:stream";
import type { Clock } from "../core/clock.js";
import { ModemError, PortError } from "../core/errors.js";
import type { AtElement } from "./at-command.js";
import { AtReader } from "./at-reader.js";
import type { AtTraceEntry } from "./at-trace.js";

export interface AtWireOptions {
  readonly clock: Clock;
  /** What came; lines and prompts are not traced yet, since only their reader knows how they may be shown. */
  readonly onElement: (element: AtElement) => void;
  /** Counted bytes have stopped in the middle. */
  readonly onBrokenPayload: () => void;
  readonly onTrace: (entry: AtTraceEntry) => void;
  /** Called once. */
  readonly onLost: (loss: ModemError) => void;
}

/** 1460 bytes at 1200 baud take 12 s. */
const WRITE_LIMIT_MS = 30_000;
/** Between two bytes of counted payload; the modem sends them without a pause. */
const PAYLOAD_PAUSE_LIMIT_MS = 2000;

export class AtWire {
  readonly #stream: Duplex;
  readonly #options: AtWireOptions;
  readonly #reader = new AtReader();
  #strayBytes = 0;
  #loss: ModemError | null = null;
  readonly #unwritten = new Set<() => void>();
  #cancelPauseTimer: () => void = () => undefined;

  constructor(stream: Duplex, options: AtWireOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on("data", (bytes: Buffer) => this.#feed(bytes));
    stream.on("error", (error) => this.lose(lineLost(error)));
    stream.once("close", () => this.lose(lineLost(undefined)));
  }

  /** Why the line is gone; null while it is there. */
  get loss(): ModemError | null {
    return this.#loss;
  }

  get strayBytes(): number {
    return this.#strayBytes;
  }

  /** Bytes that came in good order, and that nobody can explain. */
  countStray(bytes: number): void {
    this.#strayBytes += bytes;
  }

  expect(what: { readonly prompt: boolean; readonly pullsUpToBytes: number }): void {
    this.#reader.expect(what);
  }

  /** Counted bytes that are missing do not come any more. */
  abandonPayload(): void {
    this.#cancelPauseTimer();
    for (const { bytes } of this.#reader.abandonPayload()) this.#takeStray(bytes);
  }

  /** Resolves when the bytes are out, or the line is gone. @param shown what the trace says instead of the bytes */
  write(kind: "command" | "payload", bytes: Uint8Array, shown?: string): Promise<void> {
    this.trace(">", kind, shown ?? latin1(bytes));
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        this.#unwritten.delete(finish);
        resolve();
      };
      const cancel = this.#options.clock.after(WRITE_LIMIT_MS, () => this.lose(lineStuck()));
      this.#unwritten.add(finish);
      // That it failed is said by the stream's error or close.
      this.#stream.write(bytes, finish);
    });
  }

  trace(direction: AtTraceEntry["direction"], kind: AtTraceEntry["kind"], raw: string): void {
    this.#options.onTrace({ direction, kind, raw });
  }

  /** The line is given up, or gone; the first reason stays. */
  lose(loss: ModemError): void {
    if (this.#loss !== null) return;
    this.#loss = loss;
    this.#cancelPauseTimer();
    for (const finish of [...this.#unwritten]) finish();
    this.#stream.destroy();
    this.#options.onLost(loss);
  }

  /** Resolves when the stream is closed. */
  async close(): Promise<void> {
    this.lose(new ModemError("modem/lost", "the line to the modem was closed"));
    if (!this.#stream.closed) await new Promise<void>((resolve) => this.#stream.once("close", resolve));
  }

  #feed(bytes: Uint8Array): void {
    if (this.#loss !== null) return;
    for (const element of this.#reader.feed(bytes)) {
      // What came before may have made its hearer close the line.
      if (this.#loss !== null) return;
      if (element.type === "stray") {
        this.#takeStray(element.bytes);
        continue;
      }
      if (element.type === "payload") this.trace("<", "payload", latin1(element.bytes));
      this.#options.onElement(element);
    }
    this.#cancelPauseTimer();
    if (!this.#reader.inPayload || this.#loss !== null) return;
    this.#cancelPauseTimer = this.#options.clock.after(PAYLOAD_PAUSE_LIMIT_MS, () => {
      this.abandonPayload();
      this.#options.onBrokenPayload();
    });
  }

  #takeStray(bytes: Uint8Array): void {
    this.trace("<", "stray", latin1(bytes));
    this.#strayBytes += bytes.length;
  }
}

function lineLost(cause: Error | undefined): ModemError {
  const why = cause === undefined ? "" : `: ${cause.message}`;
  // The line knows what to look at: a TCP connection has no cable.
  const ofLine = cause instanceof PortError ? cause.hint : undefined;
  return new ModemError("modem/lost", `the line to the modem was lost${why}`, {
    hint: ofLine ?? "check the cable; it is opened again when it is back",
    cause,
  });
}

function lineStuck(): ModemError {
  return new ModemError("modem/lost", `the line to the modem took no bytes for ${WRITE_LIMIT_MS} ms`, {
    hint: "check the adapter, and that hardware flow control is off",
  });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
