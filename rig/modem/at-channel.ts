/**
 * The AT channel: commands in, one at a time -> answers; what the modem says unasked -> onUnsolicited.
 *
 *   stream -> AtWire -> line -> echo?                 dropped
 *                               surely unasked?       onUnsolicited
 *                               of the command's run? its answer
 *                               unasked after all?    onUnsolicited
 *                               else                  onUnsolicited, stray
 *
 * Out of step: after a command without final result, its answer may come at any time and look like the next one's. So before the
 * next command the channel sends AT until an OK comes, and lets some quiet pass, in which late results are swallowed. An AT of
 * the caller's is such a probe itself.
 * Source: SIM900 AT Command Manual V1.03, 1.4.5; behaviour of late results and unasked lines as seen with SIM900 and SIM800.
 */
import type { Duplex } from "node:stream";
import { type Clock, sleep } from "../core/clock.js";
import { ModemError } from "../core/errors.js";
import type { AtCommand, AtElement, AtPort, Unsolicited } from "./at-command.js";
import { isPushHeader } from "./at-reader.js";
import { AtRun, type RunOutcome } from "./at-run.js";
import type { AtTraceEntry } from "./at-trace.js";
import { AtWire } from "./at-wire.js";
import { ModemRefusal } from "./result-codes.js";
import { at } from "./sim900-commands.js";
import { announcesMessageText, recogniseUnsolicited } from "./unsolicited.js";

export interface AtChannelOptions {
  readonly clock: Clock;
  /** Must not throw. What is stray may hold anything that was on the wire: mask it before it is shown. */
  readonly onUnsolicited: (said: Unsolicited) => void;
  /** Must not throw. Secrets and all: for AtTrace. */
  readonly onTrace: (entry: AtTraceEntry) => void;
}

/** The text follows its +CMT: at once; where it does not, that line was noise, and must not swallow an answer. */
const MESSAGE_TEXT_WITHIN_MS = 1000;
const PROBES = 5;
/** After the probe's OK: a late answer and the answer to an earlier probe come within this. */
const SETTLE_MS = 500;
const PROBE = at();

interface Job {
  readonly command: AtCommand<unknown>;
  /** The caller knows the outcome: done, failed or cancelled. */
  over: boolean;
  succeed(value: unknown): void;
  fail(reason: unknown): void;
}

export class AtChannel implements AtPort {
  readonly closed: Promise<ModemError>;
  readonly #options: AtChannelOptions;
  readonly #wire: AtWire;
  #queue: Job[] = [];
  #serving: Job | null = null;
  #working = false;
  #run: AtRun<unknown> | null = null;
  /** The one before, whose echo may come late. */
  #lastRun: AtRun<unknown> | null = null;
  #inStep = true;
  /** Payload of an answer that may come late [bytes]. */
  #latePullBytes = 0;
  /** The bytes after `+IPD,<n>:` come next. */
  #pushed = false;
  /** The text after `+CMT:` comes next. */
  #messageTextUntilMs = Number.NEGATIVE_INFINITY;
  readonly #gone = new AbortController();
  #tellClosed: (loss: ModemError) => void = () => undefined;

  /** @param stream opened at the modem's baud rate; the channel is its only user and closes it */
  constructor(stream: Duplex, options: AtChannelOptions) {
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    this.#wire = new AtWire(stream, {
      clock: options.clock,
      onElement: (element) => this.#take(element),
      onBrokenPayload: () => {
        this.#pushed = false;
        this.#run?.losePayload();
      },
      onTrace: options.onTrace,
      onLost: (loss) => this.#fallSilent(loss),
    });
  }

  /** Bytes that nothing explains, since the line was opened. */
  get strayBytes(): number {
    return this.#wire.strayBytes;
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
      if (signal?.aborted || this.#wire.loss !== null) {
        reject(signal?.aborted ? signal.reason : this.#wire.loss);
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
    if (this.#wire.loss === null) await this.#wire.write("payload", bytes);
    if (this.#wire.loss !== null) throw this.#wire.loss;
  }

  /** Fails whatever runs or waits with "modem/lost"; resolves when the line is closed. */
  close(): Promise<void> {
    return this.#wire.close();
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
    const late = outcome.kind === "done" || outcome.error instanceof ModemRefusal;
    if (job.over && late) {
      this.#options.onUnsolicited({ kind: "stray", text: this.#lastRun?.lastLine ?? "" });
    }
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
    if (this.#wire.loss !== null) return { kind: "failed", error: this.#wire.loss, outOfStep: false };
    const run = new AtRun(command, this.#options.clock, this.#wire);
    this.#run = run;
    this.#wire.expect({
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
      if (!this.#pushed) this.#wire.abandonPayload();
    }
    this.#wire.expect({ prompt: false, pullsUpToBytes: this.#inStep ? 0 : this.#latePullBytes });
    return outcome;
  }

  #take(element: AtElement): void {
    if (element.type === "line") {
      this.#takeLine(element.text);
    } else if (element.type === "prompt") {
      this.#wire.trace("<", "prompt", ">");
      this.#run?.take(element);
    } else if (this.#pushed) {
      this.#pushed = false;
      this.#options.onUnsolicited({ kind: "data", bytes: element.bytes });
    } else if (this.#run?.take(element) !== true) {
      this.#wire.countStray(element.bytes.length);
    }
  }

  #takeLine(text: string): void {
    const echoed = [this.#run, this.#lastRun].find((run) => run?.command.text === text)?.command;
    this.#wire.trace("<", "line", echoed?.shown ?? text);
    if (echoed !== undefined) return;
    const isMessageText = this.#options.clock.steadyMs() < this.#messageTextUntilMs;
    this.#messageTextUntilMs = Number.NEGATIVE_INFINITY;
    if (isMessageText) {
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
    if (announcesMessageText(line)) {
      this.#messageTextUntilMs = this.#options.clock.steadyMs() + MESSAGE_TEXT_WITHIN_MS;
    }
    if (said.kind === "ready" || said.kind === "power-down") this.#forgetAll(line);
    else this.#run?.hear(said, line);
    this.#options.onUnsolicited(said);
  }

  /** The module has started or stopped: no answer comes any more to what it was asked before. */
  #forgetAll(line: string): void {
    const error = new ModemError(
      "modem/restarted",
      `the modem has restarted or was switched off: ${line} came`,
      {
        hint: "if nobody has done that, its supply is too weak: 5 V / 2 A, short wires",
      },
    );
    this.#inStep = true;
    this.#run?.fail(error, false);
    for (const job of this.#jobs()) job.fail(error);
  }

  #strayLine(text: string): void {
    this.#wire.countStray(text.length);
    this.#options.onUnsolicited({ kind: "stray", text });
  }

  #jobs(): Job[] {
    return this.#serving === null ? [...this.#queue] : [this.#serving, ...this.#queue];
  }

  #fallSilent(loss: ModemError): void {
    this.#gone.abort();
    this.#run?.fail(loss, false);
    for (const job of this.#jobs()) job.fail(loss);
    this.#tellClosed(loss);
  }
}
