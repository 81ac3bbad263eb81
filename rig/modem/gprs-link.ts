/**
 * The way from the open line to a connection, and what is up of it: finds the modem, waits for the network, brings the context
 * up, opens sockets for who asks, and tells each what the modem says unasked. It mends nothing: what breaks is thrown.
 */
import { unlessAborted } from "../core/abort.js";
import type { Clock } from "../core/clock.js";
import type { ModemConfig } from "../core/config.js";
import { describeError, ModemError } from "../core/errors.js";
import type { EmitEvent, RecoveryRung } from "../core/events.js";
import { trace } from "../core/log.js";
import type { SerialLine } from "../core/serial-line.js";
import type { AtChannel } from "./at-channel.js";
import type { AtPort, Unsolicited } from "./at-command.js";
import { awaitNetwork, isRegistered } from "./await-network.js";
import { Bell } from "./bell.js";
import { bringUpContext, connectSocket, setUpModem } from "./bring-up.js";
import type { PowerKey } from "./find-modem.js";
import { GprsSocket } from "./gprs-socket.js";
import type { Messages } from "./messages.js";
import { ModemLine } from "./modem-line.js";
import { type ModemReport, SUPPLY_HINT } from "./modem-report.js";
import { answers, ModemWatch } from "./modem-watch.js";
import type { PinMemory } from "./pin-memory.js";
import { type Progress, performRung } from "./recovery-rungs.js";
import { shut } from "./sim900-commands.js";
import type { SocketRequest, SocketRequests } from "./socket-requests.js";

const log = trace("rig:modem:link");

/** From AT+CFUN=1,1 to RDY takes 3 to 5 s; with autobaud it is not said. */
const RESTART_LIMIT_MS = 10_000;
/** How long a clean end may take before the line is closed. */
const LEAVE_LIMIT_MS = 4000;

export interface GprsLinkOptions {
  readonly line: SerialLine;
  readonly config: ModemConfig;
  readonly readPin: () => string | null;
  /** null where no PIN file is configured. */
  readonly pinMemory: PinMemory | null;
  readonly secrets: readonly string[];
  readonly powerKey: PowerKey | null;
  readonly clock: Clock;
  readonly emit: EmitEvent;
  /** Whether `at` events tell what crosses the line. */
  readonly trace: boolean;
  readonly requests: SocketRequests;
  /** Rings for a new request, and by this when messages can be sent. */
  readonly bell: Bell;
  readonly report: ModemReport;
  /** What is up has broken: the attempt has to end. */
  readonly onBroken: (reason: ModemError) => void;
  /** A connection is there; the returned function is called at its end. */
  readonly onConnected: () => () => void;
}

export class GprsLink {
  readonly #options: GprsLinkOptions;
  readonly #line: ModemLine;
  readonly #watch: ModemWatch;
  /** Rings for what the modem says of its SIM and its registration. */
  readonly #news: Bell;
  /** Rings for what ends a pause: the network or the SIM is there again, or a modem that was silent has started. */
  readonly #goodNews: Bell;
  /** Rings for a restart that is expected. */
  readonly #restarted: Bell;
  #restart: "unexpected" | "expected" | "seen" = "unexpected";
  #progress: Progress = "nothing";
  /** The modem was found, and has not restarted since. */
  #alive = false;
  #receive: "pull" | "push" = "pull";
  #socket: GprsSocket | null = null;
  #carriedBothWays = false;
  #searchedInVain = false;
  #signal = new AbortController().signal;

  constructor(options: GprsLinkOptions) {
    this.#options = options;
    const { line, config, clock, emit, secrets, report, bell } = options;
    this.#line = new ModemLine({
      line,
      clock,
      secrets: [...secrets, config.password],
      emit: options.trace ? emit : null,
      onUnsolicited: (said) => this.#hear(said),
      onLost: (loss) => this.#break(loss),
    });
    this.#watch = new ModemWatch({ clock, emit, report, onMessages: () => bell.ring() });
    this.#news = new Bell(clock);
    this.#goodNews = new Bell(clock);
    this.#restarted = new Bell(clock);
  }

  get strayBytes(): number {
    return this.#line.strayBytes;
  }

  /** null while no message can be sent. */
  get messages(): Messages | null {
    return this.#watch.messages;
  }

  /** Whether the connection that ended last had carried bytes both ways. */
  get carriedBothWays(): boolean {
    return this.#carriedBothWays;
  }

  /** From what is up to a link that serves sockets, until it breaks: then that is thrown, or the signal's reason. */
  async serve(signal: AbortSignal): Promise<never> {
    const { config, pinMemory, clock, report } = this.#options;
    this.#signal = signal;
    this.#carriedBothWays = false;
    const say = report.say.bind(report);
    const sayCoverage = report.sayCoverage.bind(report);
    let port = this.#line.channel;
    if (port === null || this.#progress === "nothing") {
      port = await this.#find(signal);
      const identity = await setUpModem({ port, config, signal, say });
      say("starting", `${identity} on ${this.#options.line.name}`);
      this.#progress = "modem";
    }
    const waitForNews = (limitMs: number) => this.#news.wait(signal, limitMs);
    const readPin = () => this.#readPin();
    await awaitNetwork({ port, readPin, pinMemory, clock, signal, say, sayCoverage, waitForNews });
    await this.#watch.begin(port, signal);
    if (this.#progress === "modem") {
      this.#receive = await bringUpContext({ port, config, signal, say });
      this.#progress = "context";
    }
    const stopLooking = this.#watch.keepLooking(port, signal, (reason) => this.#break(reason));
    try {
      for (;;) await this.#connect(port, await this.#nextRequest(signal), signal);
    } finally {
      stopLooking();
    }
  }

  /** Whether the modem is there at all. Rejects with the signal's reason. */
  async answers(signal: AbortSignal): Promise<boolean> {
    const port = this.#line.channel;
    return port !== null && (await answers(port, signal));
  }

  /** Waits before the next attempt, but no longer than until what was missing is there again. Rejects with the signal's reason. */
  async pause(limitMs: number, signal: AbortSignal): Promise<void> {
    await this.#goodNews.wait(signal, limitMs);
  }

  /** Does what the rung says, where there is a modem to do it to. Rejects with the signal's reason. */
  async mend(rung: RecoveryRung, signal: AbortSignal): Promise<void> {
    const { powerKey, clock } = this.#options;
    this.#signal = signal;
    const port = this.#line.channel;
    if (port === null) return;
    // That it goes off and comes again is no news then.
    if (rung === "restart" || rung === "power-key") this.forget();
    const expectRestart = (cause: () => Promise<boolean>) => this.#expectRestart(cause, signal);
    this.#progress = await performRung(rung, this.#progress, {
      port,
      powerKey,
      clock,
      signal,
      expectRestart,
    });
  }

  /** What was up is not any more: the modem has to be found and set up anew. */
  forget(): void {
    this.#alive = false;
    this.#progress = "nothing";
    this.#watch.forget();
  }

  /** Closes the line as it is; the search that comes next says nothing that was said before. */
  async drop(): Promise<void> {
    this.forget();
    this.#searchedInVain = true;
    await this.#line.close();
  }

  /** Begins to end the connection: for the end of the attempt. */
  hangUp(): void {
    this.#socket?.destroy();
  }

  /** Leaves the modem without a connection, if it lets itself be left within 4 s, and closes the line. */
  async leave(): Promise<void> {
    const channel = this.#line.channel;
    if (channel !== null && this.#alive) {
      const limit = new AbortController();
      const cancel = this.#options.clock.after(LEAVE_LIMIT_MS, () => limit.abort());
      await channel.run(shut(), limit.signal).catch((error) => log("leaving: %s", describeError(error)));
      cancel();
    }
    this.forget();
    await this.#line.close();
  }

  async #find(signal: AbortSignal): Promise<AtChannel> {
    const { config, powerKey, report } = this.#options;
    this.forget();
    const channel = await this.#line.find({
      baudBps: config.baud,
      powerKey,
      signal,
      // What is tried is said the first time only, what came of it every time that it is news.
      say: (detail) => {
        if (!this.#searchedInVain) report.say("no-answer", detail);
      },
    });
    this.#alive = true;
    this.#searchedInVain = false;
    return channel;
  }

  /** The PIN as its file has it now; from then on no trace shows it. */
  #readPin(): string | null {
    const pin = this.#options.readPin();
    if (pin !== null) this.#line.hide(pin);
    return pin;
  }

  async #nextRequest(signal: AbortSignal): Promise<SocketRequest> {
    const { requests, bell, report } = this.#options;
    if (requests.first === undefined) report.say("connecting", "the context is up; no connection is wanted");
    while (requests.first === undefined) await bell.wait(signal);
    return requests.first;
  }

  /** One connection from its opening to its end. Returns where its owner ended it; throws where it broke. */
  async #connect(port: AtPort, request: SocketRequest, signal: AbortSignal): Promise<void> {
    const { config, clock, report, onConnected } = this.#options;
    const say = report.say.bind(report);
    const peer = `${request.peer.host}:${request.peer.port}`;
    const maxSendBytes = await connectSocket({ port, config, signal, say }, request.peer);
    const socket = new GprsSocket({ port, clock, peer, receive: this.#receive, maxSendBytes });
    const closed = new Promise<void>((resolve) => socket.once("close", resolve));
    socket.on("error", (error) => log("socket: %s", describeError(error)));
    this.#socket = socket;
    const onClosed = onConnected();
    say("online", `connected to ${peer}`);
    const wanted = request.fulfil(socket);
    if (!wanted) socket.destroy();
    await closed;
    onClosed();
    this.#socket = null;
    this.#carriedBothWays = socket.carriedBothWays;
    if (!(await unlessAborted(socket.released, signal))) {
      throw new ModemError("modem/wrong-state", `the modem does not let go of the connection to ${peer}`);
    }
    if (!wanted || socket.endedCleanly) return;
    const givenUp = `the connection to ${peer} was given up: what was waited for did not come`;
    throw socket.reason ?? new ModemError("modem/given-up", givenUp);
  }

  async #expectRestart(cause: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    this.#restart = "expected";
    try {
      const taken = await cause();
      if (taken && this.#restart === "expected") await this.#restarted.wait(signal, RESTART_LIMIT_MS);
    } finally {
      this.#restart = "unexpected";
    }
  }

  #hear(said: Unsolicited): void {
    switch (said.kind) {
      case "ready":
        this.#hearRestart();
        break;
      case "power-down":
        if (this.#alive) this.#break(new ModemError("modem/silent", "the modem was switched off"));
        break;
      case "supply":
        this.#options.report.saySupply(said.text);
        break;
      case "closed":
        this.#socket?.closedByPeer();
        break;
      case "pdp-deact":
        // While the context is being brought up, it is part of the answer.
        if (this.#progress === "context") this.#break(contextLost());
        break;
      case "data-waiting":
        this.#socket?.dataWaiting();
        break;
      case "data":
        this.#socket?.pushed(said.bytes);
        break;
      case "registration":
        this.#news.ring();
        if (isRegistered(said.stat)) this.#goodNews.ring();
        break;
      case "sim":
        this.#news.ring();
        if (said.state === "READY") this.#goodNews.ring();
        break;
      case "message":
        this.#watch.heardMessage(said.index, this.#signal);
        break;
      case "network-time":
        this.#watch.heardTime(said.text);
        break;
      default:
        log("%s: %s", said.kind, this.#line.show(said.text));
    }
  }

  #hearRestart(): void {
    if (this.#restart !== "unexpected") {
      this.#restart = "seen";
      this.#restarted.ring();
    } else if (this.#alive) {
      this.#options.report.countBrownOut();
      this.#break(
        new ModemError("modem/restarted", "the modem restarted by itself (RDY)", { hint: SUPPLY_HINT }),
      );
      this.forget();
    } else {
      this.#goodNews.ring();
    }
  }

  #break(reason: ModemError): void {
    this.#socket?.fail(reason);
    this.#options.onBroken(reason);
  }
}

function contextLost(): ModemError {
  return new ModemError("modem/pdp-deact", "the network took the PDP context away (+PDP: DEACT)");
}
