/**
 * The modem as the rig has it: keeps the line open and a link up on it, opens its one TCP connection when one is wanted, and
 * recovers from whatever goes wrong. `modem` events say where it stands.
 *
 *   line --find--> modem --SIM, network--> registered --context--> CIPSTART --> GprsSocket --> who asked for it
 *     ^---------------^---------------------------^------------------^------------ failure: pause, rung, and from there again
 */
import type { Duplex } from "node:stream";
import { type Clock, sleep } from "../core/clock.js";
import type { ModemConfig } from "../core/config.js";
import { describeError, ModemError, StorageError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import type { SerialLine } from "../core/serial-line.js";
import { Bell } from "./bell.js";
import type { PowerKey } from "./find-modem.js";
import { GprsLink } from "./gprs-link.js";
import { isForAPerson, isSilence, linkFailureOf } from "./link-failure.js";
import type { Messages } from "./messages.js";
import { ModemReport } from "./modem-report.js";
import { PinMemory } from "./pin-memory.js";
import { afterWorking, LADDER_START, nextStep, STABLE_AFTER_MS } from "./recovery-ladder.js";
import { RUNG_IN_WORDS } from "./recovery-rungs.js";
import { connectTcp } from "./sim900-tcp.js";
import { type Peer, SocketRequests } from "./socket-requests.js";

export type { PowerKey };

/** A line that cannot be opened, and one on which nothing answers, is tried again after this. */
const NO_LINE_PAUSE_MS = 5000;

export interface ModemOptions {
  readonly line: SerialLine;
  readonly config: ModemConfig;
  /** What config.pinFile holds now; null without one. Asked whenever the SIM wants its PIN; may throw, then it is asked again. */
  readonly readPin: () => string | null;
  /** Where it is remembered which PINs were refused. */
  readonly dataDirectory: string;
  /** Never shown in `at` events, as the PIN and the access point's password. */
  readonly secrets: readonly string[];
  readonly powerKey: PowerKey | null;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly emit: EmitEvent;
  /** Whether `at` events tell what crosses the line. */
  readonly trace: boolean;
}

export class Modem {
  readonly #options: ModemOptions;
  readonly #report: ModemReport;
  readonly #requests: SocketRequests;
  readonly #link: GprsLink;
  /** Rings for a request, another mode, messages that can be sent, the stop. */
  readonly #bell: Bell;
  readonly #over = new AbortController();
  #mode: "auto" | "manual";
  #running: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  /** Aborted by what ends the present attempt at a link: a restart, a lost line, manual mode, the stop. */
  #attempt = new AbortController();
  #ladder = LADDER_START;

  constructor(options: ModemOptions) {
    const { clock, config, dataDirectory, emit } = options;
    this.#options = options;
    this.#mode = config.mode;
    this.#bell = new Bell(clock);
    this.#requests = new SocketRequests(() => this.#bell.ring());
    this.#report = new ModemReport(emit, () => this.#link.strayBytes);
    this.#link = new GprsLink({
      ...options,
      pinMemory: config.pinFile === undefined ? null : new PinMemory(dataDirectory),
      requests: this.#requests,
      bell: this.#bell,
      report: this.#report,
      onBroken: (reason) => this.#attempt.abort(reason),
      onConnected: () => this.#forgetFailuresWhenStable(),
    });
  }

  /** Opens the line and brings the modem up, again and again until stop(). Once only. */
  start(): void {
    if (this.#running !== null) throw new TypeError("the modem was started already");
    this.#running = this.#run();
  }

  /**
   * Waits through bring-up, pauses and recovery until the TCP connection is there; one at a time, the others wait for its end.
   * Rejects with RangeError for a peer that cannot be asked for, ModemError "modem/stopped", or the signal's reason.
   */
  async openSocket(peer: Peer, signal: AbortSignal): Promise<Duplex> {
    try {
      connectTcp(peer.host, peer.port);
    } catch (error) {
      this.#requests.refuse((error as RangeError).message);
      throw error;
    }
    return await this.#requests.add(peer, signal);
  }

  /** Resolves when the modem can send messages. Rejects with ModemError "modem/stopped", or with the signal's reason. */
  async readyForSms(signal: AbortSignal): Promise<void> {
    await this.#unlessStopped(signal, (either) => this.#whenMessages(either));
  }

  /**
   * Waits until the modem can send, then sends, once. An `sms` event says the outcome.
   * @param number 3 to 15 digits, with or without + before them. Rejects as Messages.send, with ModemError "modem/stopped", or
   * with the signal's reason
   */
  async sendSms(number: string, text: string, signal: AbortSignal): Promise<void> {
    await this.#unlessStopped(signal, async (either) => {
      const messages = await this.#whenMessages(either);
      await messages.send(number, text, either);
    });
  }

  /** manual: closes the line, so that another program can have it; auto: takes it back and starts from the beginning. */
  setMode(mode: "auto" | "manual"): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    if (mode === "manual") this.#endAttempt(new ModemError("modem/manual", "the modem is left alone"));
    this.#bell.ring();
  }

  /** Ends the connection and closes the line, within 5 s whatever the modem does; leaves no timer. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const reason = new ModemError("modem/stopped", "the modem was stopped");
    this.#over.abort(reason);
    this.#requests.end(reason);
    this.#endAttempt(reason);
    await this.#running;
    this.#report.say("stopped", "stopped");
  }

  async #whenMessages(signal: AbortSignal): Promise<Messages> {
    while (this.#link.messages === null) await this.#bell.wait(signal);
    return this.#link.messages;
  }

  /** Runs `work` with a signal that is aborted by the caller's or by stop(). */
  async #unlessStopped(signal: AbortSignal, work: (either: AbortSignal) => Promise<unknown>): Promise<void> {
    const either = new AbortController();
    const onAbort = () => either.abort(signal.aborted ? signal.reason : this.#over.signal.reason);
    const sources = [signal, this.#over.signal];
    for (const source of sources) source.addEventListener("abort", onAbort, { once: true });
    try {
      if (sources.some((source) => source.aborted)) onAbort();
      await work(either.signal);
    } finally {
      for (const source of sources) source.removeEventListener("abort", onAbort);
    }
  }

  async #run(): Promise<void> {
    const { line, config } = this.#options;
    const rate = line.kind === "tcp" ? "" : ` at ${config.baud} baud`;
    this.#report.say("starting", `opening ${line.name}${rate}`);
    let failure: unknown;
    while (!this.#over.signal.aborted) {
      this.#attempt = new AbortController();
      const { signal } = this.#attempt;
      if (this.#mode === "manual") {
        await this.#beManual(signal);
        failure = undefined;
        continue;
      }
      try {
        if (failure !== undefined) await this.#recover(failure, signal);
        await this.#link.serve(signal);
      } catch (error) {
        failure = signal.aborted ? signal.reason : error;
      }
    }
    await this.#link.leave();
  }

  async #beManual(signal: AbortSignal): Promise<void> {
    await this.#link.leave();
    this.#ladder = LADDER_START;
    this.#report.say("manual", `${this.#options.line.name} is left alone until the mode is auto again`);
    while (this.#mode === "manual" && !signal.aborted) {
      await this.#bell.wait(signal).catch(() => undefined);
    }
  }

  /** After a failure: says it, waits, and does what the ladder says. Rejects with the signal's reason. */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, powerKey, random } = this.#options;
    const carriedBothWays = this.#link.takeCarriedBothWays();
    if (error instanceof ModemError && error.code === "modem/manual") return;
    if (isForAPerson(error)) {
      await this.#link.drop();
      this.#report.say(error instanceof StorageError ? "sim" : "no-answer", describeError(error));
      await sleep(clock, NO_LINE_PAUSE_MS, signal);
      return;
    }
    const isDeaf = isSilence(error) && !(await this.#link.answers(signal));
    // One command that was not answered is of the network, as long as the modem answers others.
    const failure = isSilence(error) && !isDeaf ? "pdp" : linkFailureOf(error, carriedBothWays);
    if (failure === "restarted" || isDeaf) this.#link.forget();
    if (carriedBothWays) this.#ladder = afterWorking(this.#ladder);
    if (failure === "connection") {
      // Nobody may want it back, as at the end of a run: then nothing is to be mended.
      this.#report.say("connecting", describeError(error));
      while (this.#requests.first === undefined) await this.#bell.wait(signal);
    }
    const { state, step } = nextStep(this.#ladder, failure, powerKey !== null, random);
    this.#ladder = state;
    const pause = step.pauseMs < 1000 ? "" : `, in ${Math.round(step.pauseMs / 1000)} s`;
    const remedy = step.rung === null ? "bringing it up anew" : RUNG_IN_WORDS[step.rung];
    this.#report.say("recovering", `${describeError(error)}; ${remedy}${pause}`, step.rung ?? undefined);
    await this.#link.pause(step.pauseMs, signal);
    if (step.rung !== null) await this.#link.mend(step.rung, signal);
  }

  /** A connection that lasts shows that the trouble is over. @returns what to call at its end */
  #forgetFailuresWhenStable(): () => void {
    return this.#options.clock.after(STABLE_AFTER_MS, () => {
      this.#ladder = LADDER_START;
    });
  }

  #endAttempt(reason: ModemError): void {
    this.#link.hangUp();
    this.#attempt.abort(reason);
    this.#bell.ring();
  }
}
