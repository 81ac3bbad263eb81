/**
 * The modem as the rig has it: keeps the line open, brings the modem up, opens its one TCP connection when one is wanted, and
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
import { trace } from "../core/log.js";
import type { SerialLine } from "../core/serial-line.js";
import type { AtChannel } from "./at-channel.js";
import type { AtPort, Unsolicited } from "./at-command.js";
import { awaitNetwork } from "./await-network.js";
import { Bell, unlessAborted } from "./bell.js";
import { bringUpContext, connectSocket, setUpModem } from "./bring-up.js";
import type { PowerKey } from "./find-modem.js";
import { GprsSocket } from "./gprs-socket.js";
import { isForAPerson, isSilence, linkFailureOf } from "./link-failure.js";
import { ModemLine } from "./modem-line.js";
import { ModemReport, SUPPLY_HINT } from "./modem-report.js";
import { answers, ModemWatch } from "./modem-watch.js";
import { PinMemory } from "./pin-memory.js";
import { LADDER_START, type LinkFailure, nextStep, STABLE_AFTER_MS } from "./recovery-ladder.js";
import { type Progress, performRung, RUNG_IN_WORDS } from "./recovery-rungs.js";
import { connectTcp, shut } from "./sim900-commands.js";
import { type Peer, SocketRequests } from "./socket-requests.js";

export type { PowerKey };

const log = trace("rig:modem");

/** A line that cannot be opened, and one on which nothing answers, is tried again after this. */
const NO_LINE_PAUSE_MS = 5000;
/** From AT+CFUN=1,1 to RDY takes 3 to 5 s; with autobaud it is not said. */
const RESTART_LIMIT_MS = 10_000;
/** How long a clean end may take before the line is closed. */
const LEAVE_LIMIT_MS = 4000;

export interface ModemOptions {
  readonly line: SerialLine;
  readonly config: ModemConfig;
  /** What config.pinFile holds; null without one. */
  readonly pin: string | null;
  /** Where it is remembered that a PIN was refused. */
  readonly dataDirectory: string;
  /** Never shown in `at` events. */
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
  readonly #line: ModemLine;
  readonly #pinMemory: PinMemory | null;
  readonly #watch: ModemWatch;
  readonly #requests: SocketRequests;
  /** Rings for a request, another mode, messages that can be sent, the stop. */
  readonly #bell: Bell;
  /** Rings for what the modem says of its SIM and its registration. */
  readonly #news: Bell;
  /** Rings for a restart that is expected. */
  readonly #restart: Bell;
  #mode: "auto" | "manual";
  #stopped = false;
  #running: Promise<void> | null = null;
  /** Aborted by what ends the present attempt at a link: a restart, a lost line, manual mode, the stop. */
  #attempt = new AbortController();
  #progress: Progress = "nothing";
  #receive: "pull" | "push" = "pull";
  #ladder = LADDER_START;
  #socket: GprsSocket | null = null;
  /** The modem was found, and has not restarted since. */
  #alive = false;
  /** A restart is of our own making. */
  #restartExpected = false;
  /** Of the connection that failed last. */
  #carriedBothWays = false;

  constructor(options: ModemOptions) {
    const { clock, config, dataDirectory, emit, line, pin, secrets } = options;
    this.#options = options;
    this.#mode = config.mode;
    this.#line = new ModemLine({
      line,
      clock,
      secrets: [...secrets, config.password, pin ?? ""],
      emit: options.trace ? emit : null,
      onUnsolicited: (said) => this.#hear(said),
      onLost: (loss) => this.#interrupt(loss),
    });
    this.#report = new ModemReport(emit, () => this.#line.strayBytes);
    this.#bell = new Bell(clock);
    this.#news = new Bell(clock);
    this.#restart = new Bell(clock);
    this.#requests = new SocketRequests(() => this.#bell.ring());
    this.#watch = new ModemWatch({ clock, emit, report: this.#report, onMessages: () => this.#bell.ring() });
    const { pinFile } = config;
    this.#pinMemory = pinFile === undefined ? null : new PinMemory({ dataDirectory, pinFile });
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
    connectTcp(peer.host, peer.port);
    return await this.#requests.add(peer, signal);
  }

  /**
   * Waits until the modem can send, then sends. An `sms` event says the outcome.
   * @param number 3 to 15 digits, with or without + before them. Rejects as Messages.send, or with the signal's reason
   */
  async sendSms(number: string, text: string, signal: AbortSignal): Promise<void> {
    while (this.#watch.messages === null) {
      if (this.#stopped) throw stopped();
      await this.#bell.wait(signal);
    }
    await this.#watch.messages.send(number, text, signal);
  }

  /** manual: closes the line, so that another program can have it; auto: takes it back and starts from the beginning. */
  setMode(mode: "auto" | "manual"): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    if (mode === "manual") this.#interrupt(new ModemError("modem/manual", "the modem is left alone"));
    this.#bell.ring();
  }

  /** Ends the connection and closes the line, within about 10 s whatever the modem does; leaves no timer. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#requests.end(stopped());
    this.#interrupt(stopped());
    this.#bell.ring();
    await this.#running;
    this.#report.say("stopped", "stopped");
  }

  async #run(): Promise<void> {
    this.#report.say("starting", `opening ${this.#options.line.name} at ${this.#options.config.baud} baud`);
    let failure: unknown;
    while (!this.#stopped) {
      this.#attempt = new AbortController();
      const { signal } = this.#attempt;
      if (this.#mode === "manual") {
        await this.#beManual(signal);
        failure = undefined;
        continue;
      }
      try {
        if (failure !== undefined) await this.#recover(failure, signal);
        await this.#link(signal);
      } catch (error) {
        failure = signal.aborted ? signal.reason : error;
      }
    }
    await this.#leave();
  }

  async #beManual(signal: AbortSignal): Promise<void> {
    await this.#leave();
    this.#ladder = LADDER_START;
    this.#report.sayCoverage(null, null);
    this.#report.say("manual", `${this.#options.line.name} is left alone until the mode is auto again`);
    while (this.#mode === "manual" && !signal.aborted) {
      await this.#bell.wait(signal).catch(() => undefined);
    }
  }

  /** From what is up to a link that serves sockets, until it fails: then that is thrown. */
  async #link(signal: AbortSignal): Promise<never> {
    const { config, pin, clock } = this.#options;
    this.#carriedBothWays = false;
    const say = this.#report.say.bind(this.#report);
    const sayCoverage = this.#report.sayCoverage.bind(this.#report);
    let port = this.#line.channel;
    if (port === null || this.#progress === "nothing") {
      port = await this.#find(signal);
      const identity = await setUpModem({ port, config, signal, say });
      this.#report.say("starting", `${identity} on ${this.#options.line.name}`);
      this.#progress = "modem";
    }
    await awaitNetwork({
      ...{ port, pin, pinMemory: this.#pinMemory, clock, signal, say, sayCoverage },
      waitForNews: (limitMs) => this.#news.wait(signal, limitMs),
    });
    await this.#watch.look(port, signal);
    if (this.#progress === "modem") {
      this.#receive = await bringUpContext({ port, config, signal, say });
      this.#progress = "context";
    }
    const stopLooking = this.#watch.keepLooking(port, signal, (reason) => this.#interrupt(reason));
    try {
      for (;;) await this.#serve(port, signal);
    } finally {
      stopLooking();
    }
  }

  async #find(signal: AbortSignal): Promise<AtChannel> {
    const { config, powerKey } = this.#options;
    this.#forget();
    const channel = await this.#line.find({
      baudBps: config.baud,
      powerKey,
      signal,
      say: (detail) => this.#report.say("no-answer", detail),
    });
    this.#alive = true;
    return channel;
  }

  /** One connection, from the request for it to its end. Returns where its owner ended it; throws where it broke. */
  async #serve(port: AtPort, signal: AbortSignal): Promise<void> {
    const { config, clock } = this.#options;
    const say = this.#report.say.bind(this.#report);
    if (this.#requests.first === undefined) say("connecting", "the context is up; no connection is wanted");
    while (this.#requests.first === undefined) await this.#bell.wait(signal);
    const request = this.#requests.first;
    const peer = `${request.peer.host}:${request.peer.port}`;
    const maxSendBytes = await connectSocket({ port, config, signal, say }, request.peer);
    const socket = new GprsSocket({ port, clock, peer, receive: this.#receive, maxSendBytes });
    const closed = new Promise<void>((resolve) => socket.once("close", resolve));
    socket.on("error", (error) => log("socket: %s", describeError(error)));
    this.#socket = socket;
    const cancelStable = clock.after(STABLE_AFTER_MS, () => {
      this.#ladder = LADDER_START;
    });
    say("online", `connected to ${peer}`);
    const wanted = request.fulfil(socket);
    if (!wanted) socket.destroy();
    await closed;
    cancelStable();
    this.#socket = null;
    this.#carriedBothWays = socket.carriedBothWays;
    const released = await unlessAborted(socket.released, signal);
    if (!released)
      throw new ModemError("modem/wrong-state", `the modem does not let go of the connection to ${peer}`);
    if (!wanted || socket.endedCleanly) return;
    throw (
      socket.reason ??
      new ModemError("modem/given-up", `the connection to ${peer} was given up: nothing came back`)
    );
  }

  /** After a failure: says it, waits, and does what the ladder says. */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, powerKey, random } = this.#options;
    if (error instanceof ModemError && error.code === "modem/manual") return;
    if (isForAPerson(error)) {
      this.#forget();
      await this.#line.close();
      this.#report.say(error instanceof StorageError ? "sim" : "no-answer", describeError(error));
      await sleep(clock, NO_LINE_PAUSE_MS, signal);
      return;
    }
    let failure: LinkFailure = linkFailureOf(error, this.#carriedBothWays);
    const channel = this.#line.channel;
    if (channel !== null && isSilence(error) && (await answers(channel, signal))) failure = "pdp";
    if (failure === "restarted" || failure === "silent") this.#forget();
    const { state, step } = nextStep(this.#ladder, failure, powerKey !== null, random);
    this.#ladder = state;
    const pause = step.pauseMs < 1000 ? "" : `, in ${Math.round(step.pauseMs / 1000)} s`;
    const remedy = step.rung === null ? "bringing it up anew" : RUNG_IN_WORDS[step.rung];
    this.#report.say("recovering", `${describeError(error)}; ${remedy}${pause}`, step.rung ?? undefined);
    await sleep(clock, step.pauseMs, signal);
    const port = this.#line.channel;
    if (step.rung === null || port === null) return;
    this.#progress = await performRung(step.rung, this.#progress, {
      ...{ port, powerKey, clock, signal },
      expectRestart: (cause) => this.#expectRestart(cause, signal),
    });
    if (this.#progress === "nothing") this.#forget();
  }

  async #expectRestart(cause: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    const restarted = this.#restart.wait(AbortSignal.any([signal, waiting.signal]), RESTART_LIMIT_MS);
    this.#restartExpected = true;
    try {
      if (!(await cause())) waiting.abort();
      await restarted.catch(() => signal.throwIfAborted());
    } finally {
      waiting.abort();
      restarted.catch(() => undefined);
      this.#restartExpected = false;
    }
  }

  #hear(said: Unsolicited): void {
    switch (said.kind) {
      case "ready":
        this.#hearRestart();
        break;
      case "power-down":
        if (this.#alive) this.#interrupt(new ModemError("modem/silent", "the modem was switched off"));
        break;
      case "supply":
        this.#report.saySupply(said.text);
        break;
      case "closed":
        this.#socket?.closedByPeer();
        break;
      case "pdp-deact":
        // While the context is being brought up, it is part of the answer.
        if (this.#progress === "context") {
          this.#interrupt(
            new ModemError("modem/pdp-deact", "the network took the PDP context away (+PDP: DEACT)"),
          );
        }
        break;
      case "data-waiting":
        this.#socket?.dataWaiting();
        break;
      case "data":
        this.#socket?.pushed(said.bytes);
        break;
      case "registration":
      case "sim":
        this.#news.ring();
        break;
      case "message":
        this.#watch.heardMessage(said.index, this.#attempt.signal);
        break;
      case "network-time":
        this.#watch.heardTime(said.text);
        break;
      default:
        log("%s: %s", said.kind, said.text);
    }
  }

  #hearRestart(): void {
    if (this.#restartExpected) {
      this.#restart.ring();
    } else if (this.#alive) {
      this.#report.countBrownOut();
      this.#interrupt(
        new ModemError("modem/restarted", "the modem restarted by itself (RDY)", { hint: SUPPLY_HINT }),
      );
    }
  }

  #interrupt(reason: ModemError): void {
    if (["modem/manual", "modem/stopped"].includes(reason.code)) this.#socket?.destroy();
    else this.#socket?.fail(reason);
    if (reason.code === "modem/restarted") this.#forget();
    this.#attempt.abort(reason);
  }

  /** What was up is not any more. */
  #forget(): void {
    this.#alive = false;
    this.#progress = "nothing";
    this.#watch.forget();
  }

  /** Leaves the modem without a connection and closes the line. */
  async #leave(): Promise<void> {
    const { clock } = this.#options;
    const channel = this.#line.channel;
    if (channel !== null && this.#alive) {
      const limit = new AbortController();
      const cancel = clock.after(LEAVE_LIMIT_MS, () =>
        limit.abort(new ModemError("modem/timeout", "no time left")),
      );
      await channel
        .run(shut(), limit.signal)
        .catch((error: unknown) => log("leave: %s", describeError(error)));
      cancel();
    }
    this.#forget();
    await this.#line.close();
  }
}

function stopped(): ModemError {
  return new ModemError("modem/stopped", "the modem was stopped");
}
