/**
 * One session with one Arduino: an open Duplex -> a johnny-five Board on firmata-io that is ready, or an error that says why not.
 * johnny-five is kept for bringing the board up; its components are not used, as they cannot be freed when a board is lost.
 * Source: johnny-five 2.1.0 lib/board.js, firmata-io 2.3.0 lib/firmata.js, Firmata protocol 2.6.
 */
import type { Duplex } from "node:stream";
import firmata, { type Firmata } from "firmata-io";
import five from "johnny-five";
import type { Clock } from "../core/clock.js";
import { describeError, PortError } from "../core/errors.js";
import { trace } from "../core/log.js";
import { type ConnectEvidence, explainConnectFailure } from "./connect-failure.js";
import type { GuardCounters } from "./firmata-guard.js";
import { FirmataTransport } from "./firmata-transport.js";

const log = trace("rig:board:firmata");

const REPORT_VERSION = Uint8Array.of(0xf9);
/** What to ask again while it is awaited. A board that opening did not reset announces nothing by itself. */
const QUERIES = {
  version: REPORT_VERSION,
  firmware: Uint8Array.of(0xf0, 0x79, 0xf7),
  capabilities: Uint8Array.of(0xf0, 0x6b, 0xf7),
  mapping: Uint8Array.of(0xf0, 0x69, 0xf7),
} as const;
/** Ten times what the longest answer takes (capabilities, 195 bytes in 34 ms) [ms]. */
const ASK_AGAIN_MS = 400;
/** A reset UNO boots for about 3.2 s: 1 s of bootloader, 2.1 s of blinking its version on D13 [ms]. */
const DEFAULT_TIME_LIMIT_MS = 8000;

export interface FirmwareVersion {
  /** Name of the sketch without ".ino". */
  readonly name: string;
  readonly major: number;
  readonly minor: number;
}

export interface ConnectOptions {
  /** Name of the port, for messages. */
  readonly portName: string;
  readonly clock: Clock;
  /** From the call to a board that is ready [ms]; 8000 if left out. */
  readonly timeLimitMs?: number;
  readonly signal?: AbortSignal;
}

export class FirmataBoard {
  readonly io: Firmata;
  /** The johnny-five Board; its components leak, so nothing of the rig makes any on it. */
  readonly five: InstanceType<typeof five.Board>;
  readonly #transport: FirmataTransport;
  readonly #clock: Clock;
  #lastMessageMs: number;
  #closing: Promise<void> | null = null;
  #onLost: (reason: string) => void = () => undefined;
  #onReset: () => void = () => undefined;

  private constructor(stream: Duplex, clock: Clock) {
    this.#clock = clock;
    this.#lastMessageMs = clock.steadyMs();
    this.#transport = new FirmataTransport(stream);
    this.io = new firmata.Firmata(this.#transport);
    // Its one late query is replaced by #awaitReady, which asks in time and again.
    clearTimeout(this.io.reportVersionTimeoutId);
    this.io.on("error", (error: unknown) => log("firmata-io: %s", describeError(error)));
    this.io.on("string", (text: string) => log("board says: %s", text));
    this.five = new five.Board({ io: this.io, repl: false, debug: false, sigint: false });
    // Without a listener an `error` ends the process; it carries an Error or a log object of johnny-five.
    this.five.on("error", (error: unknown) => log("johnny-five: %o", error));
    this.#transport.on("data", () => {
      this.#lastMessageMs = clock.steadyMs();
    });
    this.#transport.emit("open");
    // Armed by `open`: after 10 s it would report an error twice, ready or not.
    if (this.five.timer !== null) clearTimeout(this.five.timer);
  }

  /**
   * Brings up the board at the far end of `stream`. The pins come from the board's own capability reply: a MEGA or a firmware
   * without pull-up mode is then known for what it is. The reply stops the board for 34 ms, so it is asked for here only,
   * before anything is sampled.
   * Rejects with a BoardError (see connect-failure.ts), with the stream's PortError if the port is lost meanwhile, or with
   * the signal's reason; the stream is destroyed then.
   */
  static async connect(stream: Duplex, options: ConnectOptions): Promise<FirmataBoard> {
    const board = new FirmataBoard(stream, options.clock);
    try {
      await board.#awaitReady(options);
    } catch (error) {
      await board.close();
      throw error;
    }
    board.#watch();
    return board;
  }

  get firmware(): FirmwareVersion {
    const { name = "unknown", version } = this.io.firmware;
    return {
      name: name.replace(/\.(ino|pde|cpp)$/, ""),
      major: version?.major ?? 0,
      minor: version?.minor ?? 0,
    };
  }

  /** Version of the protocol; StandardFirmata 2.5 and later speak 2.5 or later. */
  get protocol(): { readonly major: number; readonly minor: number } {
    return { major: this.io.version.major ?? 0, minor: this.io.version.minor ?? 0 };
  }

  get counters(): GuardCounters {
    return this.#transport.counters;
  }

  /** When the last valid message came [ms, steady]. */
  get lastMessageMs(): number {
    return this.#lastMessageMs;
  }

  /** Calls `listener` once, with the cause, when the stream ends by itself. */
  onLost(listener: (reason: string) => void): void {
    this.#onLost = listener;
  }

  /** Calls `listener` whenever the board has booted anew: its pin modes, reporting and sampling interval are gone. */
  onReset(listener: () => void): void {
    this.#onReset = listener;
  }

  /** Sends whole Firmata messages; dropped silently once the session has ended. */
  write(message: Uint8Array): void {
    this.#transport.write(message);
  }

  /** Asks for a sign of life, which costs the board 0.1 ms. */
  askVersion(): void {
    this.write(REPORT_VERSION);
  }

  /**
   * Ends the session and the stream; leaves no timer, no listener, and nothing in johnny-five's caches.
   * Resolves when the port can be opened again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  #release(): Promise<void> {
    const detached = this.#transport.detach();
    clearTimeout(this.io.reportVersionTimeoutId);
    if (this.five.timer !== null) clearTimeout(this.five.timer);
    this.io.removeAllListeners();
    this.five.removeAllListeners();
    const index = five.Board.cache.indexOf(this.five);
    if (index >= 0) five.Board.cache.splice(index, 1);
    five.Board.Pins.normalize.clear();
    return detached;
  }

  #awaitReady({ portName, timeLimitMs = DEFAULT_TIME_LIMIT_MS, signal }: ConnectOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      let awaited: ConnectEvidence["awaited"] = "version";
      let streamError: Error | undefined;
      let stopAsking: () => void = () => undefined;
      const askUntilAnswered = () => {
        stopAsking();
        stopAsking = this.#clock.every(ASK_AGAIN_MS, () => this.write(QUERIES[awaited]));
      };
      const advanceTo = (next: ConnectEvidence["awaited"]) => () => {
        awaited = next;
        askUntilAnswered();
      };
      const onError = (error: Error) => {
        streamError = error;
      };
      const onClose = () =>
        finish(streamError ?? new PortError("port/lost", `${portName} closed while the board was starting`));
      const onAbort = () => finish(signal?.reason ?? new Error("aborted"));
      const finish = (error?: unknown) => {
        stopAsking();
        cancelLimit();
        signal?.removeEventListener("abort", onAbort);
        this.#transport.off("error", onError).off("close", onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const cancelLimit = this.#clock.after(timeLimitMs, () => {
        const { receivedBytes, firstBytes } = this.#transport;
        finish(explainConnectFailure({ portName, timeLimitMs, awaited, receivedBytes, firstBytes }));
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#transport.on("error", onError).on("close", onClose);
      this.io.once("reportversion", advanceTo("firmware"));
      this.io.once("queryfirmware", advanceTo("capabilities"));
      this.io.once("capability-query", advanceTo("mapping"));
      this.five.once("ready", () => finish());
      askUntilAnswered();
      if (signal?.aborted) onAbort();
    });
  }

  #watch(): void {
    let streamError: Error | undefined;
    this.#transport.on("error", (error: Error) => {
      streamError = error;
    });
    this.#transport.on("close", () => {
      this.#onLost(streamError === undefined ? "the port was closed" : describeError(streamError));
    });
    // The wire keeps order, and nothing asks for the firmware's name from here on: a report of it comes from a boot.
    this.io.on("queryfirmware", () => this.#onReset());
  }
}
