/**
 * The modem's one TCP connection as a Duplex: writes -> AT+CIPSEND, AT+CIPRXGET=2 (or +IPD) -> reads.
 *
 *   write --> cut to the modem's size --> CIPSEND=n, payload --> SEND OK --> write is done
 *   reader wants --> CIPRXGET=2,n --> bytes, how many are left --> push, until none are left or the reader is full
 *
 * The connection is there already when this is made. What the modem says unasked (CLOSED, +PDP: DEACT, +CIPRXGET: 1) is
 * told to it by its owner. It ends with `close`, exactly once, and what has to be tidied up in the modem is done by `released`.
 * Source: SIM900 AT Command Manual V1.03 chapter 8; AN_SIM900_TCPIP V1.02 section 5.
 */
import { Duplex } from "node:stream";
import type { Clock } from "../core/clock.js";
import { describeError, ModemError } from "../core/errors.js";
import { trace } from "../core/log.js";
import type { AtCommand, AtPort } from "./at-command.js";
import { restartedUnheard } from "./link-failure.js";
import { ModemRefusal } from "./result-codes.js";
import { close, pull, send, shut, status } from "./sim900-tcp.js";

const log = trace("rig:modem:socket");

/** Asked for at once: half a second of the line at 9600 baud, after which a waiting write has its turn [B]. */
const PULL_BYTES = 512;
/**
 * +CIPRXGET: 1 comes once for what arrives, and is sometimes lost: a pull is tried without it. It costs 18 bytes out and
 * 28 in, 5 % of a second at 9600 baud, so that these periods take 2.4 % and 0.5 % of the line [ms].
 */
const POLL_EXPECTING_MS = 2000;
const POLL_IDLE_MS = 10_000;
/** How long after a write an answer is expected, unless something comes before; most peers answer within 5 to 10 s [ms]. */
const EXPECT_FOR_MS = 30_000;
/** Handed over by a writer before it is told to wait: two seconds of the line at 9600 baud [B]. */
const WRITE_BUFFER_BYTES = 2048;

export interface GprsSocketOptions {
  readonly port: AtPort;
  readonly clock: Clock;
  /** What to call the other end in messages: "broker.example:1883". */
  readonly peer: string;
  /** pull: AT+CIPRXGET=1 was set. push: AT+CIPHEAD=1, and the bytes come by pushed(). */
  readonly receive: "pull" | "push";
}

/**
 * How the modem was left: "closed" without the connection, "shut" without the context either (AT+CIPSHUT), "kept" where it did
 * not let go of the connection.
 */
export type Release = "closed" | "shut" | "kept";

/** The modem says what it takes once it is connected; AN_SIM900_TCPIP prints 1380, and 1024 B are 1.07 s at 9600 baud [B]. */
export const LARGEST_SEND_BYTES = 1024;

export class GprsSocket extends Duplex {
  /** Largest AT+CIPSEND [B]. */
  maxSendBytes = LARGEST_SEND_BYTES;
  readonly #options: GprsSocketOptions;
  readonly #abort = new AbortController();
  /** Why it is over, as far as it is known; the first reason stays. */
  #reason: ModemError | undefined;
  /** The modem has no connection any more: nothing to close there. */
  #gone = false;
  #reading: "open" | "ended" = "open";
  #wanted = false;
  /** The modem has said, or may have, that it holds bytes. */
  #held = false;
  #pulling = false;
  #bytesIn = 0;
  #bytesOut = 0;
  #expectUntilMs = Number.NEGATIVE_INFINITY;
  #cancelPoll: () => void = () => undefined;
  #release: (how: Release) => void = () => undefined;
  /** Resolves after `close`, when the modem can take a new connection, unless it has kept this one. */
  readonly released: Promise<Release>;

  constructor(options: GprsSocketOptions) {
    super({ allowHalfOpen: false, writableHighWaterMark: WRITE_BUFFER_BYTES });
    this.#options = options;
    this.released = new Promise((resolve) => {
      this.#release = resolve;
    });
    this.#schedulePoll();
  }

  /** Why it ended, or is about to; undefined where our own side ended it. */
  get reason(): ModemError | undefined {
    return this.#reason;
  }

  /** Our own side ended it, and the modem has closed it. */
  get endedCleanly(): boolean {
    return this.#gone && this.#reason === undefined;
  }

  get carriedBothWays(): boolean {
    return this.#bytesIn > 0 && this.#bytesOut > 0;
  }

  /** +CIPRXGET: 1 */
  dataWaiting(): void {
    this.#held = true;
    void this.#pull();
  }

  /** +IPD. What comes faster than it is read is kept: a line of 960 B/s cannot bring much. */
  pushed(bytes: Uint8Array): void {
    if (this.#reading !== "open" || this.destroyed) return;
    this.#arrived(bytes);
  }

  /** CLOSED: what the modem still holds is read first, then the readable side ends. */
  closedByPeer(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#reason ??= this.#closedError();
    if (this.#options.receive === "push") this.#endReading();
    else this.dataWaiting();
  }

  /** The connection is gone with more than itself: +PDP: DEACT, a restart, a silent or lost modem. */
  fail(reason: ModemError): void {
    this.#gone = true;
    this.#reason ??= reason;
    this.destroy(this.#reason);
  }

  override _read(): void {
    this.#wanted = true;
    if (this.#held) void this.#pull();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(bytes).then(() => done(), done);
  }

  /** What was corked goes together: mqtt.js corks the pieces of a packet. */
  override _writev(
    writes: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(Buffer.concat(writes.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    const finish = () => {
      this.#endReading();
      done();
    };
    if (this.#gone) {
      finish();
      return;
    }
    this.#run(close({ quick: false })).then(
      () => {
        this.#gone = true;
        finish();
      },
      (error: unknown) => {
        // Left to _destroy, which is less polite.
        log("CIPCLOSE: %s", describeError(error));
        finish();
      },
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#cancelPoll();
    this.#abort.abort(
      error ?? new ModemError("modem/closed", `the connection to ${this.#options.peer} was ended here`),
    );
    this.#tidyUp().then(
      (how) => this.#release(how),
      (failure: unknown) => {
        log("the modem keeps the connection: %s", describeError(failure));
        this.#release("kept");
      },
    );
    done(error);
  }

  async #send(bytes: Buffer): Promise<void> {
    const { maxSendBytes } = this;
    try {
      for (let from = 0; from < bytes.length; from += maxSendBytes) {
        if (this.#reason !== undefined) throw this.#reason;
        const part = bytes.subarray(from, from + maxSendBytes);
        await this.#run(send(part));
        this.#bytesOut += part.length;
        this.#expectAnswer();
      }
    } catch (error) {
      this.#abort.signal.throwIfAborted();
      const what = `${bytes.length} bytes could not be sent`;
      const reason = await this.#explain(error, "modem/send-failed", what);
      // Ended meanwhile: that is why, and not that the question was given up.
      this.#abort.signal.throwIfAborted();
      this.#reason ??= reason;
      throw this.#reason;
    }
  }

  /** Pulls as long as the modem holds bytes and the reader takes them; one run of it at a time. */
  async #pull(): Promise<void> {
    if (this.#pulling || this.#options.receive === "push") return;
    this.#pulling = true;
    try {
      while (this.#wanted && this.#held && this.#reading === "open" && !this.destroyed) {
        this.#held = false; // said again while the answer comes, it stands for more
        const { bytes, left } = await this.#run(pull(PULL_BYTES));
        if (this.#reading !== "open" || this.destroyed) break;
        // None came although some are left: the poll tries again, not this loop at once.
        if (left > 0 && bytes.length > 0) this.#held = true;
        if (bytes.length > 0) this.#arrived(bytes);
        if (this.#gone && !this.#held) this.#endReading();
      }
    } catch (error) {
      await this.#pullFailed(error);
    } finally {
      this.#pulling = false;
      this.#schedulePoll();
    }
  }

  async #pullFailed(error: unknown): Promise<void> {
    if (this.destroyed) return;
    if (this.#gone) {
      this.#endReading();
      return;
    }
    const reason = await this.#explain(error, "modem/receive-failed", "what has arrived could not be read");
    if (this.destroyed) return;
    // An error result while the connection stands: the next poll tries again. After anything else bytes may be missing.
    const nothingLost = error instanceof ModemRefusal && error.result !== null;
    if (nothingLost && reason.code === "modem/receive-failed") return;
    this.#reason ??= reason;
    if (this.#gone) this.#endReading();
    else this.destroy(this.#reason);
  }

  #arrived(bytes: Uint8Array): void {
    this.#bytesIn += bytes.length;
    this.#expectUntilMs = Number.NEGATIVE_INFINITY;
    // _read, called within push when the reader goes on, sets it again.
    this.#wanted = false;
    if (this.push(Buffer.from(bytes))) this.#wanted = true;
  }

  #endReading(): void {
    if (this.#reading === "ended") return;
    this.#reading = "ended";
    this.#cancelPoll();
    this.push(null);
  }

  #expectAnswer(): void {
    this.#expectUntilMs = this.#options.clock.steadyMs() + EXPECT_FOR_MS;
    this.#schedulePoll();
  }

  #schedulePoll(): void {
    this.#cancelPoll();
    if (this.destroyed || this.#reading === "ended" || this.#options.receive === "push") return;
    const { clock } = this.#options;
    const expecting = clock.steadyMs() < this.#expectUntilMs;
    this.#cancelPoll = clock.after(expecting ? POLL_EXPECTING_MS : POLL_IDLE_MS, () => {
      // A reader that is full reads on by itself; asking for more than it takes would only use the line.
      if (!this.#wanted || this.#pulling) this.#schedulePoll();
      else this.dataWaiting();
    });
  }

  /**
   * Finds out what a failed command means: a lost CLOSED shows only here.
   * Source: AN_SIM900_TCPIP V1.02 figure 2: AT+CIPSTATUS says CONNECT OK as long as there is a connection.
   */
  async #explain(error: unknown, code: string, what: string): Promise<ModemError> {
    if (this.#reason !== undefined) return this.#reason;
    if (error instanceof ModemError && ["modem/lost", "modem/no-prompt"].includes(error.code)) return error;
    const { peer } = this.#options;
    let state: string;
    try {
      state = await this.#run(status());
    } catch (cause) {
      return new ModemError("modem/silent", `${what} (${peer}), and AT+CIPSTATUS was not answered either`, {
        cause,
        hint: "check the modem's supply and its cable",
      });
    }
    if (state === "CONNECT OK") {
      return new ModemError(code, `${what} (${peer}): ${describeError(error)}`, { cause: error });
    }
    this.#gone = true;
    if (state === "IP INITIAL") return restartedUnheard();
    return new ModemError(
      "modem/closed",
      `${peer} closed the connection, which the modem had not said: ${state}`,
      {
        cause: error,
      },
    );
  }

  /** Until the modem has no connection any more, so that the next one can be opened. */
  async #tidyUp(): Promise<Release> {
    if (this.#gone || this.#reason?.code === "modem/silent") return "closed";
    const { port } = this.#options;
    try {
      await port.run(close({ quick: true }));
      return "closed";
    } catch (error) {
      log("CIPCLOSE=1: %s", describeError(error));
      await port.run(shut());
      return "shut";
    }
  }

  #run<T>(command: AtCommand<T>): Promise<T> {
    return this.#options.port.run(command, this.#abort.signal);
  }

  #closedError(): ModemError {
    return new ModemError("modem/closed", `${this.#options.peer} closed the connection`);
  }
}
