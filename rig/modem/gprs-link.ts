/**
 * The way from the open line to a connection, and what is up of it: finds the modem, waits for the network, brings the context
 * up, opens sockets for who asks, and tells each what the modem says unasked. It mends nothing: what breaks is thrown.
 */
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
import { bringUpContext, setUpModem } from "./bring-up.js";
import type { PowerKey } from "./find-modem.js";
import { GprsConnection } from "./gprs-connection.js";
import { isKeyAway } from "./link-failure.js";
import type { Messages } from "./messages.js";
import { ModemLine } from "./modem-line.js";
import { type ModemReport, SUPPLY_HINT } from "./modem-report.js";
import { answers, ModemWatch } from "./modem-watch.js";
import type { PinMemory } from "./pin-memory.js";
import { performRung, RUNG_IN_WORDS } from "./recovery-rungs.js";
import { RestartWatch } from "./restart-watch.js";
import { shut } from "./sim900-tcp.js";
import type { SocketRequest, SocketRequests } from "./socket-requests.js";

const log = trace("rig:modem:link");

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
  readonly #restarts: RestartWatch;
  readonly #connection: GprsConnection;
  readonly #powerKey: PowerKey | null;
  /** What is up, from nothing at all to a context in which a connection can be opened. */
  #progress: "nothing" | "modem" | "context" = "nothing";
  /** The modem was found, and has not restarted since. */
  #alive = false;
  #receive: "pull" | "push" = "pull";
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
    this.#restarts = new RestartWatch(clock);
    this.#connection = new GprsConnection({
      ...options,
      // It is brought up from AT+CIPSHUT on.
      onShut: () => this.#lowerProgress(),
    });
    const { powerKey } = options;
    this.#powerKey = powerKey && {
      press: async (forMs, signal) => {
        await powerKey.press(forMs, signal);
        this.#restarts.pressed();
      },
    };
  }

  get strayBytes(): number {
    return this.#line.strayBytes;
  }

  /** null while no message can be sent. */
  get messages(): Messages | null {
    return this.#watch.messages;
  }

  /** Whether the connection that ended last had carried bytes both ways; told once. */
  takeCarriedBothWays(): boolean {
    return this.#connection.takeCarriedBothWays();
  }

  /** From what is up to a link that serves sockets, until it breaks: then that is thrown, or the signal's reason. */
  async serve(signal: AbortSignal): Promise<never> {
    const { line, config, pinMemory, clock, report } = this.#options;
    this.#signal = signal;
    const say = report.say.bind(report);
    const sayCoverage = report.sayCoverage.bind(report);
    let port = this.#line.channel;
    if (port === null || this.#progress === "nothing") {
      port = await this.#find(signal);
      const identity = await setUpModem({ port, config, line, signal, say });
      say("starting", `${identity} on ${line.name}`);
      this.#progress = "modem";
    }
    const waitForNews = (limitMs: number) => this.#news.wait(signal, limitMs);
    const readPin = () => this.#readPin();
    await awaitNetwork({ port, readPin, pinMemory, clock, signal, say, sayCoverage, waitForNews });
    await this.#watch.begin(port, signal);
    if (this.#progress === "modem") {
      this.#receive = await bringUpContext({ port, config, line, signal, say });
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
    const { clock, report } = this.#options;
    this.#signal = signal;
    const port = this.#line.channel;
    if (port === null) return;
    // That it goes off and comes again is no news then.
    if (rung === "restart" || rung === "power-key") this.forget();
    // Before the rung, which may be broken off: what it takes down may be gone all the same.
    if (rung === "pdp" || rung === "attach") this.#lowerProgress();
    const powerKey = this.#powerKey;
    const expectRestart = (cause: () => Promise<boolean>) => this.#restarts.expect(cause, signal);
    const options = { port, powerKey, clock, signal, expectRestart };
    try {
      await performRung(rung, options);
    } catch (error) {
      if (!isKeyAway(error)) throw error;
      report.say("recovering", `${describeError(error)}; ${RUNG_IN_WORDS.restart}`, "restart");
      await performRung("restart", options);
    }
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
    this.#restarts.mayBeOff();
    this.#searchedInVain = true;
    await this.#line.close();
  }

  /** Begins to end the connection: for the end of the attempt. */
  hangUp(): void {
    this.#connection.hangUp();
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
    this.#restarts.mayBeOff();
    await this.#line.close();
  }

  async #find(signal: AbortSignal): Promise<AtChannel> {
    const { line, config, report } = this.#options;
    this.forget();
    const search = this.#line.find({
      baudBps: config.baud,
      powerKey: this.#powerKey,
      signal,
      // What is tried is said the first time only, what came of it every time that it is news.
      say: (detail) => {
        if (!this.#searchedInVain) report.say("no-answer", detail);
      },
    });
    const channel = await search.catch((cause: unknown) => {
      if (!isKeyAway(cause)) throw cause;
      const what = `no answer to AT on ${line.name}, and PWRKEY cannot be pressed: ${cause.message}`;
      throw new ModemError("modem/no-answer", what, { cause, hint: cause.hint ?? SUPPLY_HINT });
    });
    this.#restarts.found();
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
    while (requests.first === undefined) {
      const why = requests.refusal ?? "no connection is wanted";
      report.say("connecting", `the context is up; ${why}`);
      await bell.wait(signal);
    }
    return requests.first;
  }

  async #connect(port: AtPort, request: SocketRequest, signal: AbortSignal): Promise<void> {
    try {
      await this.#connection.serve(request, { port, receive: this.#receive, signal });
    } catch (error) {
      // The RDY of this restart was lost; of others it has told before.
      const isNews = error instanceof ModemError && error.code === "modem/restarted" && this.#alive;
      if (isNews && this.#restarts.heard() === "by-itself") this.#options.report.countBrownOut();
      if (isNews) this.forget();
      throw error;
    }
  }

  /** From a context to a modem that has none. */
  #lowerProgress(): void {
    if (this.#progress === "context") this.#progress = "modem";
  }

  #hear(said: Unsolicited): void {
    switch (said.kind) {
      case "ready":
        this.#hearStart();
        break;
      case "power-down":
        this.#hearPowerDown(said.text);
        break;
      case "supply":
        this.#options.report.saySupply(said.text);
        break;
      case "pdp-deact":
        // While the context is being brought up, it is part of the answer.
        if (this.#progress === "context") this.#break(contextLost());
        break;
      case "closed":
      case "data-waiting":
      case "data":
        this.#connection.hear(said);
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

  #hearStart(): void {
    const why = this.#restarts.heard();
    if (why === "asked-for") return;
    if (why === "by-itself") this.#options.report.countBrownOut();
    if (this.#alive) {
      const reason =
        why === "by-itself"
          ? new ModemError("modem/restarted", "the modem restarted by itself (RDY)", { hint: SUPPLY_HINT })
          : new ModemError("modem/restarted", "the modem has just started (RDY)");
      this.#break(reason);
      this.forget();
    } else {
      this.#goodNews.ring();
    }
  }

  /** What is off can be switched on, and needs no other remedy. */
  #hearPowerDown(text: string): void {
    this.#restarts.mayBeOff();
    if (!this.#alive) return;
    const hint = text.includes("VOLTAGE") ? { hint: SUPPLY_HINT } : {};
    this.#break(new ModemError("modem/off", `the modem was switched off (${text})`, hint));
    this.forget();
  }

  #break(reason: ModemError): void {
    this.#connection.fail(reason);
    this.#options.onBroken(reason);
  }
}

function contextLost(): ModemError {
  return new ModemError("modem/pdp-deact", "the network took the PDP context away (+PDP: DEACT)");
}
