/**
 * The AT channel: commands in, one at a time -> answers; what the modem says unasked -> onUnsolicited.
 *
 *   stream -> AtReader -> line -> echo?          dropped
 *                                 clear URC?     onUnsolicited
 *                                 running command's (AtRun)? its answer
 *                                 URC after all? onUnsolicited
 *                                 else           onUnsolicited, stray
 *
 * Out of step: after a command without final result, its answer may come at any time and look like the next one's. So before the
 * next command the channel sends AT until an OK comes, and lets some quiet pass, in which late results are swallowed. An AT of
 * the caller's is such a probe itself.
 * Source: SIM900 AT Command Manual V1.03, 1.4.5; behaviour of late results and unasked lines as seen with SIM900 and SIM800.
 */
import type { Duplex } from "node:stream";
import { type Clock, sleep } from "../core/clock.js";
import { describeError, ModemError } from "../core/errors.js";
import type { AtCommand, AtPort, Unsolicited } from "./at-command.js";
import { AtReader, isPushHeader, type WireElement } from "./at-reader.js";
import { AtRun, type RunOutcome } from "./at-run.js";
import type { AtTraceEntry } from "./at-trace.js";
import { announcesMessageText, recogniseUnsolicited } from "./unsolicited.js";

export interface AtChannelOptions {
  readonly clock: Clock;
  /** Must not throw. What is stray may hold anything that was on the wire: mask it before it is shown. */
  readonly onUnsolicited: (said: Unsolicited) => void;
  /** Must not throw. Secrets and all: for AtTrace. */
  readonly onTrace: (entry: AtTraceEntry) => void;
}

/** 1460 bytes at 1200 baud take 12 s. */
const WRITE_LIMIT_MS = 30_000;
/** Between two bytes of counted payload; the modem sends them without a pause. */
const PAYLOAD_PAUSE_LIMIT_MS = 2000;
const PROBES = 5;
/** After the probe's OK: a late answer and the answer to an earlier probe come within this. */
const SETTLE_MS = 500;
const PROBE: AtCommand<void> = {
  text: "AT",
  timeoutMs: 1000,
  match: () => (element) =>
    element.type === "line" && element.text === "OK"
      ? { kind: "done", value: undefined }
      : { kind: "foreign" },
};

interface Job {
  readonly command: AtCommand<unknown>;
  /** The caller knows the outcome: done, failed or cancelled. */
  over: boolean;
  succeed(value: unknown): void;
  fail(reason: unknown): void;
}

export class AtChannel implements AtPort {
  readonly closed: Promise<ModemError>;
  readonly #stream: Duplex;
  readonly #options: AtChannelOptions;
  readonly #reader = new AtReader();
  #queue: Job[] = [];
  #serving: Job | null = null;
  #working = false;
  #run: AtRun<unknown> | null = null;
  /** The one before, whose echo may come late. */
  #lastRun: AtRun<unknown> | null = null;
  #inStep = true;
  /** Payload of an answer that may come late [bytes]. */
  #latePullBytes = 0;
  #pushed = false;
  #messageText = false;
  #strayBytes = 0;
  #loss: ModemError | null = null;
  readonly #gone = new AbortController();
  #tellClosed: (loss: ModemError) => void = () => undefined;
  readonly #writeTimers = new Set<() => void>();
  #cancelPayloadTimer: () => void = () => undefined;

  /** @param stream opened at the modem's baud rate; the channel is its only user and closes it */
  constructor(stream: Duplex, options: AtChannelOptions) {
    this.#stream = stream;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    stream.on("data", (bytes: Buffer) => this.#feed(bytes));
    stream.on("error", (error) => this.#lose(lineLost(error)));
    stream.once("close", () => this.#lose(lineLost(undefined)));
  }

  /** Bytes that nothing explains, since the line was opened. */
  get strayBytes(): number {
    return this.#strayBytes;
  }

  /**
   * Cancelled before it was written, the command never is. Cancelled later, it goes on (also its payload is written, so that the
   * modem leaves the prompt), its result is reported as stray, and the next command waits for that.
   */
  run<T>(command: AtCommand<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!/^[ -~]+$/.test(command.text)) {
        reject(new RangeError(`a command is one line of printable ASCII: ${command.shown ?? command.text}`));
        return;
      }
      if (signal?.aborted || this.#loss !== null) {
        reject(signal?.aborted ? signal.reason : this.#loss);
        return;
      }
      const onAbort = () => job.fail(signal?.reason);
      const finish = (settle: () => void) => {
        if (job.over) return;
        job.over = true;
        signal?.removeEventListener("abort", onAbort);
        this.#queue = this.#queue.filter((waiting) => waiting !== job);
        settle();
      };
      const job: Job = {
        command,
        over: false,
        succeed: (value) => finish(() => resolve(value as T)),
        fail: (reason) => finish(() => reject(reason)),
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#queue.push(job);
      if (!this.#working) void this.#work();
    });
  }

  /**
   * Writes bytes outside of any command (ESC, +++, CRs to fill a half-typed send). Resolves when they are out.
   * @throws RangeError while a command runs or waits; ModemError "modem/lost"
   */
  async writeRaw(bytes: Uint8Array): Promise<void> {
    if (this.#serving !== null || this.#queue.length > 0)
      throw new RangeError("bytes outside of any command were to be written while a command runs");
    if (this.#loss === null) await this.#write("payload", bytes);
    if (this.#loss !== null) throw this.#loss;
  }

  /** Fails whatever runs or waits with "modem/lost"; resolves when the line is closed. */
  async close(): Promise<void> {
    this.#lose(new ModemError("modem/lost", "the line to the modem was closed"));
    if (!this.#stream.closed) await new Promise<void>((resolve) => this.#stream.once("close", resolve));
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      this.#serving = job;
      await this.#serve(job);
      this.#serving = null;
    }
    this.#working = false;
  }

  async #serve(job: Job): Promise<void> {
    const isProbe = job.command.text === PROBE.text;
    if (!this.#inStep && !isProbe) await this.#getInStep(job);
    if (job.over) return;
    const outcome = await this.#perform(job.command);
    const late = this.#lastRun?.lastLine ?? "";
    if (job.over && this.#inStep && late !== "") this.#options.onUnsolicited({ kind: "stray", text: late });
    // Whoever learns the outcome may write at once, also outside of commands.
    this.#serving = null;
    if (outcome.kind === "done") job.succeed(outcome.value);
    else job.fail(outcome.error);
    if (isProbe && !this.#inStep && outcome.kind === "done") await this.#settle();
  }

  /** Fails the job if no probe is answered. */
  async #getInStep(job: Job): Promise<void> {
    for (let probe = 0; probe < PROBES && !job.over; probe += 1) {
      const outcome = await this.#perform(PROBE);
      if (outcome.kind === "failed") continue;
      await this.#settle();
      return;
    }
    const shown = job.command.shown ?? job.command.text;
    job.fail(
      new ModemError("modem/timeout", `no OK to AT, ${PROBES} times ${PROBE.timeoutMs} ms, before ${shown}`, {
        hint: "check the modem's supply, the serial wires and the baud rate",
      }),
    );
  }

  async #settle(): Promise<void> {
    // Cut short only where the line is gone.
    await sleep(this.#options.clock, SETTLE_MS, this.#gone.signal).catch(() => undefined);
    this.#inStep = true;
  }

  async #perform(command: AtCommand<unknown>): Promise<RunOutcome<unknown>> {
    if (this.#loss !== null) return { kind: "failed", error: this.#loss, outOfStep: false };
    const run = new AtRun(command, {
      clock: this.#options.clock,
      write: (kind, bytes, shown) => this.#write(kind, bytes, shown),
    });
    this.#run = run;
    this.#reader.expect({
      prompt: command.payload !== undefined,
      pullsUpToBytes: Math.max(command.pullsUpToBytes ?? 0, this.#inStep ? 0 : this.#latePullBytes),
    });
    void run.start();
    const outcome = await run.ended;
    this.#run = null;
    this.#lastRun = run;
    if (outcome.kind === "failed" && outcome.outOfStep) {
      this.#inStep = false;
      this.#latePullBytes = command.pullsUpToBytes ?? this.#latePullBytes;
      if (!this.#pushed) for (const element of this.#reader.abandonPayload()) this.#take(element);
    }
    this.#reader.expect({ prompt: false, pullsUpToBytes: this.#inStep ? 0 : this.#latePullBytes });
    return outcome;
  }

  #feed(bytes: Uint8Array): void {
    if (this.#loss !== null) return;
    for (const element of this.#reader.feed(bytes)) this.#take(element);
    this.#cancelPayloadTimer();
    this.#cancelPayloadTimer = () => undefined;
    if (!this.#reader.inPayload || this.#loss !== null) return;
    this.#cancelPayloadTimer = this.#options.clock.after(PAYLOAD_PAUSE_LIMIT_MS, () => {
      for (const element of this.#reader.abandonPayload()) this.#take(element);
      this.#pushed = false;
      this.#run?.losePayload();
    });
  }

  #take(element: WireElement): void {
    if (element.type === "line") {
      this.#takeLine(element.text);
    } else if (element.type === "prompt") {
      this.#trace("<", "prompt", ">");
      this.#run?.take(element);
    } else if (element.type === "stray") {
      this.#trace("<", "stray", latin1(element.bytes));
      this.#strayBytes += element.bytes.length;
    } else {
      this.#trace("<", "payload", latin1(element.bytes));
      const pushed = this.#pushed;
      this.#pushed = false;
      if (pushed) this.#options.onUnsolicited({ kind: "data", bytes: element.bytes });
      else if (this.#run?.take(element) !== true) this.#strayBytes += element.bytes.length;
    }
  }

  #takeLine(text: string): void {
    const echoed = [this.#run, this.#lastRun].find((run) => run?.command.text === text)?.command;
    this.#trace("<", "line", echoed?.shown ?? text);
    if (echoed !== undefined) return;
    if (this.#messageText) {
      this.#messageText = false;
      this.#strayLine(text);
      return;
    }
    if (isPushHeader(text)) {
      this.#pushed = true;
      return;
    }
    const recognised = recogniseUnsolicited(text);
    const mine = recognised?.maybeAnswer !== false && this.#run?.take({ type: "line", text }) === true;
    if (recognised !== null && !mine) this.#hear(recognised.said, text);
    // A restart that was asked for is one all the same.
    else if (recognised?.said.kind === "ready") this.#options.onUnsolicited(recognised.said);
    else if (!mine) this.#strayLine(text);
  }

  #hear(said: Unsolicited, line: string): void {
    this.#messageText = announcesMessageText(line);
    if (said.kind === "ready") {
      const error = new ModemError("modem/restarted", "the modem has restarted: RDY came", {
        hint: "if nobody restarted it, its supply is too weak: 2 A at 4 V, short wires",
      });
      this.#inStep = true;
      this.#run?.fail(error, false);
      for (const job of this.#jobs()) job.fail(error);
    } else {
      this.#run?.hear(said, line);
    }
    this.#options.onUnsolicited(said);
  }

  #strayLine(text: string): void {
    this.#strayBytes += text.length;
    this.#options.onUnsolicited({ kind: "stray", text });
  }

  #write(kind: "command" | "payload", bytes: Uint8Array, shown?: string): Promise<void> {
    this.#trace(">", kind, shown ?? latin1(bytes));
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        this.#writeTimers.delete(finish);
        resolve();
      };
      const cancel = this.#options.clock.after(WRITE_LIMIT_MS, () => this.#lose(lineStuck()));
      this.#writeTimers.add(finish);
      // That it failed is said by the stream's error or close.
      this.#stream.write(bytes, finish);
    });
  }

  #trace(direction: AtTraceEntry["direction"], kind: AtTraceEntry["kind"], raw: string): void {
    this.#options.onTrace({ direction, kind, raw });
  }

  #jobs(): Job[] {
    return this.#serving === null ? [...this.#queue] : [this.#serving, ...this.#queue];
  }

  #lose(loss: ModemError): void {
    if (this.#loss !== null) return;
    this.#loss = loss;
    this.#cancelPayloadTimer();
    this.#gone.abort();
    this.#run?.fail(loss, false);
    for (const job of this.#jobs()) job.fail(loss);
    for (const finish of [...this.#writeTimers]) finish();
    this.#stream.destroy();
    this.#tellClosed(loss);
  }
}

function lineLost(cause: Error | undefined): ModemError {
  return new ModemError(
    "modem/lost",
    `the line to the modem was lost${cause === undefined ? "" : `: ${describeError(cause)}`}`,
    { hint: "check the cable; it is opened again when it is back", cause },
  );
}

function lineStuck(): ModemError {
  return new ModemError("modem/lost", `the line to the modem took no bytes for ${WRITE_LIMIT_MS} ms`, {
    hint: "check the adapter, and that hardware flow control is off",
  });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
