/**
 * Keeps one board working for as long as the rig runs: opens its port, brings it up, samples, notices when it is lost or has
 * been reset, and starts again. Port -> samples and pins, with `board` events at the side.
 * Source: boot and answer times of StandardFirmata 2.5 on an UNO; REPORT_VERSION as the sign of life (Firmata protocol 2.6).
 */
import { type Clock, sleep } from "../core/clock.js";
import { BoardError, describeError } from "../core/errors.js";
import type { BoardState, EmitEvent } from "../core/events.js";
import { trace } from "../core/log.js";
import type { BoardPins } from "../core/pins.js";
import type { Port } from "../core/port.js";
import { FirmataPins } from "./board-pins.js";
import { FirmataBoard, type FirmwareVersion } from "./firmata-board.js";
import type { GuardCounters } from "./firmata-guard.js";
import { planSampling, Sampler } from "./sampler.js";

const log = trace("rig:board:supervisor");

/** Wait before opening the port again [ms]: doubled after each failure, up to the longest. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
/** How often the board's signs of life are looked at [ms]. */
const WATCH_MS = 500;
/** Silence after which the board is asked for its version, and again for as long as it lasts [ms]. */
const ASK_AFTER_MS = 1500;
/** Silence after which the board is lost [ms]. An UNO whose reset button was pressed is silent for about 3.2 s and comes back. */
const LOST_AFTER_MS = 3500;
/** Time without a sample of some channel after which a board that answers is set up anew [ms]. */
const SAMPLES_MISSING_MS = 2000;
/** Setups without a sample in between before such a board is given up and reset by opening its port anew. */
const MAX_FRUITLESS_SETUPS = 3;
/** A watch that comes later than this was held up by the host itself, which must not be held against the board [ms]. */
const HOST_STALLED_MS = 1500;

/** A board that is ready; over when onLost is called. */
export interface BoardSession {
  /** All pins as after a reset: D2-D13 outputs at LOW, A0-A5 analog. Modes have to be set anew. */
  readonly pins: BoardPins;
  readonly firmware: FirmwareVersion;
  /** Time between two samples of each channel, by the board's clock [ms]. */
  readonly samplingIntervalMs: number;
}

export interface BoardSupervisorOptions {
  /** Id of the meter, for events. */
  readonly meter: string;
  readonly port: Port;
  /** ADC channels to sample, 0 is A0. */
  readonly channels: readonly number[];
  readonly clock: Clock;
  readonly emit: EmitEvent;
  /** The board is ready, for the first time or anew: set pin modes and rewrite what it drives. */
  readonly onReady: (session: BoardSession) => void;
  /** The session is over: unplugged, silent, or reset. Always comes between two calls of onReady; not called by stop(). */
  readonly onLost: (reason: string) => void;
  /** @param adcCounts 0..1023; @param arrivalMs when it reached this host, steady time [ms] */
  readonly onSample: (channel: number, adcCounts: number, arrivalMs: number) => void;
  /** From opening the port to a board that is ready [ms]. */
  readonly timeLimitMs?: number;
}

interface Setup {
  readonly pins: FirmataPins;
  readonly sampler: Sampler;
}

export class BoardSupervisor {
  readonly #options: BoardSupervisorOptions;
  readonly #abort = new AbortController();
  #running: Promise<void> | null = null;
  #board: FirmataBoard | null = null;
  #setup: Setup | null = null;
  #firmware: string | null = null;
  /** Of the sessions that are over. */
  #past: GuardCounters = { discardedBytes: 0, refusedMessages: 0 };
  #resets = 0;
  #fruitlessSetups = 0;

  constructor(options: BoardSupervisorOptions) {
    this.#options = options;
  }

  /** Starts connecting; from here on events and callbacks tell what happens. Once only. */
  start(): void {
    if (this.#running !== null)
      throw new TypeError(`the board of ${this.#options.meter} was started already`);
    this.#emit("connecting");
    this.#running = this.#run();
  }

  /** Ends the session and resolves when the port is closed; leaves no timer and no listener. */
  async stop(): Promise<void> {
    this.#abort.abort(new BoardError("board/stopped", `the board of ${this.#options.meter} was stopped`));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    let retryMs = FIRST_RETRY_MS;
    let lastCause: string | null = null;
    while (!signal.aborted) {
      const board = await this.#connect();
      if (signal.aborted) {
        if (board instanceof FirmataBoard) await board.close();
        break;
      }
      if (board instanceof FirmataBoard) {
        lastCause = await this.#serve(board);
        retryMs = FIRST_RETRY_MS;
      } else {
        const cause = describeError(board.failure);
        // The same cause is said once, however often the attempt is made.
        if (cause !== lastCause) this.#emit("lost", cause);
        lastCause = cause;
      }
      await sleep(clock, retryMs, signal).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  }

  async #connect(): Promise<FirmataBoard | { readonly failure: unknown }> {
    const { port, clock, timeLimitMs } = this.#options;
    const { signal } = this.#abort;
    try {
      const stream = await port.open(signal);
      const limit = timeLimitMs === undefined ? {} : { timeLimitMs };
      return await FirmataBoard.connect(stream, { portName: port.name, clock, signal, ...limit });
    } catch (failure) {
      log("%s: %s", this.#options.meter, describeError(failure));
      return { failure };
    }
  }

  /** One session, from ready to its end. @returns why it ended */
  async #serve(board: FirmataBoard): Promise<string | null> {
    const { signal } = this.#abort;
    this.#board = board;
    this.#fruitlessSetups = 0;
    const reason = await new Promise<string | null>((resolve) => {
      const stopWatching = this.#options.clock.every(
        WATCH_MS,
        this.#makeWatch(board, (lost) => end(lost)),
      );
      const onAbort = () => end(null);
      const end = (why: string | null) => {
        stopWatching();
        signal.removeEventListener("abort", onAbort);
        resolve(why);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      board.onLost(end);
      board.onReset(() => {
        this.#resets += 1;
        this.#fruitlessSetups = 0;
        this.#setUp(board, "the board was reset");
      });
      this.#setUp(board, null);
    });
    this.#tearDown();
    const { discardedBytes, refusedMessages } = board.counters;
    await board.close();
    this.#past = {
      discardedBytes: this.#past.discardedBytes + discardedBytes,
      refusedMessages: this.#past.refusedMessages + refusedMessages,
    };
    this.#board = null;
    if (reason !== null) {
      this.#emit("lost", reason);
      this.#options.onLost(reason);
    }
    return reason;
  }

  /** Makes pins and sampling as after a reset, and says so. @param cause why again; null for the first time */
  #setUp(board: FirmataBoard, cause: string | null): void {
    const { channels, clock, onReady, onLost, onSample } = this.#options;
    this.#tearDown();
    if (cause !== null) onLost(cause);
    const { io, firmware } = board;
    const write = (message: Uint8Array) => board.write(message);
    const { intervalMs, warning } = planSampling(channels.length, board.protocol);
    const sampler = new Sampler({ io, write, clock, channels, intervalMs, onSample });
    const pins = new FirmataPins(io, write);
    this.#setup = { pins, sampler };
    this.#firmware = `${firmware.name} ${firmware.major}.${firmware.minor}`;
    const details = [cause === null ? null : `${cause} and set up anew`, warning].filter(
      (text) => text !== null,
    );
    this.#emit("ready", details.length === 0 ? undefined : details.join("; "));
    // Before onReady, so that the interval does not queue behind a screen redraw.
    sampler.start();
    onReady({ pins, firmware, samplingIntervalMs: intervalMs });
  }

  #tearDown(): void {
    this.#setup?.sampler.stop();
    this.#setup?.pins.release();
    this.#setup = null;
  }

  /** @returns what looks after the board every WATCH_MS: asks a silent one, gives up a dead one, sets up one that stopped sampling. */
  #makeWatch(board: FirmataBoard, lose: (reason: string) => void): () => void {
    const { clock, port } = this.#options;
    let lastWatchMs = clock.steadyMs();
    let countFromMs = lastWatchMs;
    let lastAskedMs = lastWatchMs;
    return () => {
      const nowMs = clock.steadyMs();
      if (nowMs - lastWatchMs > HOST_STALLED_MS) countFromMs = nowMs;
      lastWatchMs = nowMs;
      const sampler = this.#setup?.sampler;
      if (sampler?.delivers) this.#fruitlessSetups = 0;
      const silentMs = nowMs - Math.max(board.lastMessageMs, countFromMs);
      const samplesMissing = Math.min(sampler?.silenceMs() ?? 0, nowMs - countFromMs) >= SAMPLES_MISSING_MS;
      if (silentMs >= LOST_AFTER_MS) {
        lose(`no sign of life on ${port.name} for ${LOST_AFTER_MS} ms: check cable and power`);
      } else if (samplesMissing && silentMs < ASK_AFTER_MS) {
        // It answers and does not sample: it may have been reset without our hearing it.
        this.#fruitlessSetups += 1;
        if (this.#fruitlessSetups <= MAX_FRUITLESS_SETUPS) this.#setUp(board, "sampling had stopped");
        else lose(`the board on ${port.name} answers but sends no samples: check its firmware`);
      } else if (silentMs >= ASK_AFTER_MS && nowMs - lastAskedMs >= ASK_AFTER_MS) {
        lastAskedMs = nowMs;
        board.askVersion();
      }
    };
  }

  #emit(state: BoardState, detail?: string): void {
    const { meter, port, emit } = this.#options;
    const current = this.#board?.counters ?? { discardedBytes: 0, refusedMessages: 0 };
    emit({
      event: "board",
      meter,
      state,
      firmware: this.#firmware,
      port: port.name,
      ...(detail === undefined ? {} : { detail }),
      counters: {
        discardedBytes: this.#past.discardedBytes + current.discardedBytes,
        refusedMessages: this.#past.refusedMessages + current.refusedMessages,
        resets: this.#resets,
      },
    });
  }
}
