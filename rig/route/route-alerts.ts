/**
 * Tells of a meter's route that is damaged or restored: an alert for everyone who watches, an SMS to each configured phone.
 *
 * A phone is told what is so now. While nothing can be sent, one text for each number and meter waits at most: the newest, and
 * none where the route is again what was told last. One text is under way at a time.
 */
import { type Clock, sleep } from "../core/clock.js";
import { formatDuration } from "../core/duration.js";
import { describeError, ModemError } from "../core/errors.js";
import type { EmitEvent, RigEvent, Route, RouteEvent } from "../core/events.js";
import { trace } from "../core/log.js";

const log = trace("rig:route:alerts");

/**
 * Pause after a refusal, doubled with each that follows, up to the longest: a network without a free channel refuses for
 * seconds, one that is away for minutes [ms].
 */
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 120_000;
/** A text that has not been sent so long after its change is given up [ms]. */
const GIVE_UP_AFTER_MS = 900_000;
/** Of one message, where each is one septet. Source: 3GPP TS 23.040, 9.2.3.24. */
const MOST_CHARACTERS = 160;
/** What the GSM alphabet lacks or has as two septets, of printable ASCII, and all that is not ASCII. Source: TS 23.038, 6.2.1. */
const NOT_ONE_SEPTET = /[^ -~]|[`^{}\\[\]~|]/gu;

/** What messages go out by: the modem. */
export interface SmsSender {
  /** Resolves when messages can be sent; rejects with the signal's reason. */
  readyForSms(signal: AbortSignal): Promise<void>;
  /**
   * Sends once, and says the outcome as an `sms` event. Rejects with ModemError "modem/refused" where the message was not sent,
   * and anything else where it may have been or never can be.
   */
  sendSms(number: string, text: string, signal: AbortSignal): Promise<void>;
}

export interface RouteAlertsOptions {
  /** Who is told by SMS, and how; null where there is no modem. */
  readonly phones: { readonly numbers: readonly string[]; readonly sender: SmsSender } | null;
  readonly clock: Clock;
  /** Takes the alerts, and an `sms` event for each text that is given up. */
  readonly emit: EmitEvent;
}

/** What a phone knows of one meter. */
interface Reader {
  readonly number: string;
  readonly meter: string;
  /** What it was told last, or may have been; at first what was so when the rig began. */
  told: Route;
}

interface Change {
  readonly event: RouteEvent;
  readonly atMs: number;
}

export class RouteAlerts {
  readonly #options: RouteAlertsOptions;
  /** By meter. */
  readonly #latest = new Map<string, Change>();
  /** By meter. */
  readonly #readers = new Map<string, readonly Reader[]>();
  /** Who is to be told something else than was told last, in the order of the changes. */
  readonly #waiting = new Set<Reader>();
  readonly #stop = new AbortController();
  #telling: Promise<void> | null = null;

  constructor(options: RouteAlertsOptions) {
    this.#options = options;
  }

  /** Takes every event of the rig and acts on changes of route; the first route of a meter is no change. */
  hear(event: RigEvent): void {
    if (event.event !== "route" || this.#stop.signal.aborted) return;
    const { phones, clock, emit } = this.#options;
    const { meter, route } = event;
    const before = this.#latest.get(meter);
    if (before?.event.route === route) return;
    this.#latest.set(meter, { event, atMs: clock.steadyMs() });
    if (before === undefined) {
      const readers = phones?.numbers.map((number) => ({ number, meter, told: route }));
      this.#readers.set(meter, readers ?? []);
      return;
    }
    emit({ event: "alert", kind: "route", meter, text: describeRoute(event) });
    for (const reader of this.#readers.get(meter)!) this.#review(reader);
    if (phones !== null && this.#waiting.size > 0) this.#telling ??= this.#tellAll(phones.sender);
  }

  /** Gives up what is not sent yet. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("the rig stops"));
    await this.#telling;
  }

  #review(reader: Reader): void {
    this.#waiting.delete(reader);
    if (this.#changeFor(reader).event.route !== reader.told) this.#waiting.add(reader);
  }

  async #tellAll(sender: SmsSender): Promise<void> {
    const { signal } = this.#stop;
    let pauseMs = FIRST_PAUSE_MS;
    for (this.#giveUpOld(); this.#waiting.size > 0 && !signal.aborted; this.#giveUpOld()) {
      if (!(await this.#becomesReady(sender))) continue;
      const [reader] = this.#waiting;
      if (reader === undefined) continue;
      if (await this.#tell(sender, reader)) {
        pauseMs = FIRST_PAUSE_MS;
        continue;
      }
      await sleep(this.#options.clock, pauseMs, signal).catch(() => log("stopped in a pause"));
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
    this.#telling = null;
  }

  /** @returns false when something has waited too long, or the rig stops, before messages can be sent */
  async #becomesReady(sender: SmsSender): Promise<boolean> {
    const { signal } = this.#stop;
    const wait = new AbortController();
    const end = () => wait.abort();
    const ages = [...this.#waiting].map((reader) => this.#ageMs(reader));
    const cancel = this.#options.clock.after(GIVE_UP_AFTER_MS - Math.max(...ages), end);
    signal.addEventListener("abort", end, { once: true });
    try {
      await sender.readyForSms(wait.signal);
      return true;
    } catch (error) {
      log("no message can be sent: %s", describeError(error));
      // Not by us, so there is no modem any more.
      if (!wait.signal.aborted) this.#waiting.clear();
      return false;
    } finally {
      cancel();
      signal.removeEventListener("abort", end);
    }
  }

  /** @returns whether it is done with; false where it was refused */
  async #tell(sender: SmsSender, reader: Reader): Promise<boolean> {
    const { event } = this.#changeFor(reader);
    const { told } = reader;
    reader.told = event.route;
    this.#waiting.delete(reader);
    try {
      await sender.sendSms(reader.number, messageOf(event), this.#stop.signal);
      return true;
    } catch (error) {
      log("SMS to %s: %s", reader.number, describeError(error));
      if (!(error instanceof ModemError && error.code === "modem/refused")) return true;
      reader.told = told;
      this.#review(reader);
      return false;
    }
  }

  #giveUpOld(): void {
    for (const reader of this.#waiting) {
      if (this.#ageMs(reader) < GIVE_UP_AFTER_MS) continue;
      this.#waiting.delete(reader);
      const text = messageOf(this.#changeFor(reader).event);
      const detail = `given up: it could not be sent within ${formatDuration(GIVE_UP_AFTER_MS)}`;
      this.#options.emit({ event: "sms", direction: "failed", number: reader.number, text, detail });
    }
  }

  #ageMs(reader: Reader): number {
    return this.#options.clock.steadyMs() - this.#changeFor(reader).atMs;
  }

  #changeFor({ meter }: Reader): Change {
    return this.#latest.get(meter)!;
  }
}

/** As one SMS, whatever the cause is. */
function messageOf(event: RouteEvent): string {
  const text = describeRoute(event).replace(NOT_ONE_SEPTET, "?");
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 3)}...`;
}

function describeRoute({ meter, route, via, cause }: RouteEvent): string {
  switch (route) {
    case "direct":
      return `Meter ${meter}: route restored, its own cable carries again (${cause})`;
    case "bypassed":
      return `Meter ${meter}: route damaged (${cause}); its reports go sealed through ${via}`;
    case "barred":
      return `Meter ${meter}: route damaged (${cause}); its reports wait`;
  }
}
