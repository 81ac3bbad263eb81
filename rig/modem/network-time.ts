/**
 * The PC's clock beside the mobile network's: what the modem says of the time -> `clock` events, when something changes.
 * It never corrects anything. Readings and demand intervals are stamped by the PC's clock; a clock set from a second source
 * with a resolution of 1 s, that some networks get wrong by a zone, would tear the intervals more often than it would mend
 * them. A person, or NTP, sets the PC.
 * Source: SIM900 AT Command Manual V1.03, AT+CCLK, AT+CLTS; 3GPP TS 22.042 (NITZ).
 */
import type { Clock } from "../core/clock.js";
import type { ClockEvent, EmitEvent } from "../core/events.js";
import type { AtPort } from "./at-command.js";
import { orRefused } from "./result-codes.js";
import { clock as readClock } from "./sim900-commands.js";

const QUARTER_HOUR_MS = 900_000;
/** CCLK resolves 1 s, and NITZ itself may be late by some [ms]. */
const TOLERANCE_MS = 5000;
/** Zones reach from UTC-12:00 to UTC+14:00 [quarter hours]. */
const WIDEST_ZONE_QUARTERS = 56;
/** Without network time the modem's clock starts at 1980 or 2004, by its firmware. */
const EARLIEST_MS = Date.UTC(2020, 0, 1);
/** Wall and steady time may part by this between two looks before it is called a step [ms]. */
const STEP_MS = 1000;

/** +CCLK: "20/12/16,19:03:40+04" */
const LOCAL_TIME = /(\d{2})\/(\d{2})\/(\d{2}),(\d{2}):(\d{2}):(\d{2})([+-]\d{1,2})/;
/** *PSUTTZ: 2020,12,16,18,3,45,"+4",0 or *PSUTTZ: 20/12/16,18:03:45","+04",0 */
const UNIVERSAL_TIME =
  /^\*PSUTTZ: ?(\d{4}|\d{2})[,/] ?(\d{1,2})[,/] ?(\d{1,2}), ?(\d{1,2})[,:] ?(\d{1,2})[,:] ?(\d{1,2})"?, ?"?([+-]\d{1,2})/;

export interface NetworkMoment {
  /** [ms since 1970 UTC], a whole second. */
  readonly utcMs: number;
  /** Of local time, summer time in, east of UTC [quarter hours]. */
  readonly zoneQuarters: number;
}

/**
 * The time in +CCLK: "yy/MM/dd,hh:mm:ss+zz" (local time), with or without the words before it, or in *PSUTTZ (UTC), as a list
 * of numbers or, as newer firmware has it, as two fields.
 * @returns undefined if there is none, or if it is no time: +CTZV and DST, which carry none; the clock of a modem that nobody
 * has set
 */
export function parseNetworkTime(text: string): NetworkMoment | undefined {
  const universal = UNIVERSAL_TIME.exec(text);
  const fields = (universal ?? LOCAL_TIME.exec(text))?.slice(1).map(Number);
  if (fields === undefined) return undefined;
  const [year, month, day, hour, minute, second, zoneQuarters] = fields as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const readMs = Date.UTC(fullYear(year), month - 1, day, hour, minute, second);
  const read = new Date(readMs);
  // Date.UTC carries what is too large over into the next field.
  const valid =
    read.getUTCMonth() === month - 1 &&
    read.getUTCDate() === day &&
    read.getUTCHours() === hour &&
    read.getUTCMinutes() === minute &&
    read.getUTCSeconds() === second;
  if (!valid || Math.abs(zoneQuarters) > WIDEST_ZONE_QUARTERS) return undefined;
  const utcMs = universal !== null ? readMs : readMs - zoneQuarters * QUARTER_HOUR_MS;
  return utcMs < EARLIEST_MS ? undefined : { utcMs, zoneQuarters };
}

function fullYear(year: number): number {
  if (year > 99) return year;
  return year >= 80 ? 1900 + year : 2000 + year;
}

export interface ClockPair {
  /** null: the network gives no time. */
  readonly network: NetworkMoment | null;
  /** At the same moment [ms since 1970 UTC]. */
  readonly pcMs: number;
  /** The PC's zone, east of UTC [min]. */
  readonly pcZoneMinutes: number;
}

type Comparison = Pick<ClockEvent, "differenceS" | "detail"> & {
  readonly state: Exclude<ClockEvent["state"], "stepped">;
};

/** Whether the two clocks agree within 5 s; if not, whether whole quarter hours lie between them, as between zones. */
export function compareClocks({ network, pcMs, pcZoneMinutes }: ClockPair): Comparison {
  if (network === null) {
    return { state: "unknown", differenceS: null, detail: "the network gives no time" };
  }
  const differenceMs = pcMs - network.utcMs;
  const differenceS = Math.round(differenceMs / 1000) + 0;
  const networkZoneMinutes = network.zoneQuarters * 15;
  if (Math.abs(differenceMs) <= TOLERANCE_MS) {
    const zones =
      networkZoneMinutes === pcZoneMinutes
        ? ""
        : `; its zone is ${formatZone(pcZoneMinutes)}, the network's ${formatZone(networkZoneMinutes)}`;
    return { state: "agrees", differenceS, detail: `the PC's clock agrees with the network's${zones}` };
  }
  const quarters = Math.round(differenceMs / QUARTER_HOUR_MS);
  const fromQuartersMs = Math.abs(differenceMs - quarters * QUARTER_HOUR_MS);
  const apart = `the PC's clock is ${formatSpan(Math.abs(differenceS))} ${differenceS > 0 ? "ahead of" : "behind"} the network's`;
  if (quarters !== 0 && Math.abs(quarters) <= WIDEST_ZONE_QUARTERS && fromQuartersMs <= TOLERANCE_MS) {
    const sameLocalTime = quarters * 15 === networkZoneMinutes - pcZoneMinutes;
    const remedy = sameLocalTime
      ? `the local time is right, but the PC's zone is ${formatZone(pcZoneMinutes)} and the network's ${formatZone(networkZoneMinutes)}: set the zone, then the time`
      : `as if a zone or summer time were mistaken: check the PC's zone (${formatZone(pcZoneMinutes)}) and time`;
    return { state: "wrong-zone", differenceS, detail: `${apart}, ${remedy}` };
  }
  return { state: "differs", differenceS, detail: `${apart}: set the PC's clock, or let it follow NTP` };
}

/** "UTC+05:45" */
function formatZone(minutes: number): string {
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/** "42 s", "1 h 0 min 3 s", "8 d 1 h" */
function formatSpan(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min ${seconds % 60} s`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

export class NetworkTime {
  readonly #clock: Clock;
  readonly #zoneMinutes: () => number;
  readonly #emit: EmitEvent;
  /** The last look at the PC's two times [ms]. */
  #seen: { readonly wallMs: number; readonly steadyMs: number };
  /** As last emitted; null: whatever comes next is news. */
  #told: Comparison | null = null;

  /** @param options.zoneMinutes the PC's zone now, east of UTC [min] (Date's getTimezoneOffset has the other sign) */
  constructor(options: {
    readonly clock: Clock;
    readonly zoneMinutes: () => number;
    readonly emit: EmitEvent;
  }) {
    this.#clock = options.clock;
    this.#zoneMinutes = options.zoneMinutes;
    this.#emit = options.emit;
    this.#seen = { wallMs: this.#clock.nowMs(), steadyMs: this.#clock.steadyMs() };
  }

  /**
   * Asks the modem for the time and compares. For each bring-up, and every hour.
   * @param isEarly the modem has only just registered, and may be told the time any moment: unknown is not said yet
   * @returns whether the network's time is known
   * Rejects as AtPort.run does; a refusal only means that the time is unknown.
   */
  async check(port: AtPort, signal?: AbortSignal, isEarly = false): Promise<boolean> {
    const answer = await port.run(readClock(), signal).catch(orRefused(null));
    this.look();
    const network = (answer === null ? undefined : parseNetworkTime(answer)) ?? null;
    if (network !== null || !isEarly) this.#compare(network);
    return network !== null;
  }

  /** Takes what the modem says of the time unasked: *PSUTTZ is compared; +CTZV and DST carry no time. */
  heard(text: string): void {
    const moment = parseNetworkTime(text);
    if (moment === undefined) return;
    this.look();
    this.#compare(moment);
  }

  /** Says when the PC's clock was set by more than 1 s since the last look; costs nothing, so that it can be called often. */
  look(): void {
    const wallMs = this.#clock.nowMs();
    const steadyMs = this.#clock.steadyMs();
    const stepMs = wallMs - this.#seen.wallMs - (steadyMs - this.#seen.steadyMs);
    this.#seen = { wallMs, steadyMs };
    if (Math.abs(stepMs) <= STEP_MS) return;
    const before = this.#told?.differenceS ?? null;
    this.#told = null;
    this.#emit({
      event: "clock",
      state: "stepped",
      differenceS: before === null ? null : Math.round(before + stepMs / 1000) + 0,
      detail: `the PC's clock was set ${stepMs > 0 ? "forward" : "back"} by ${formatSpan(Math.round(Math.abs(stepMs) / 1000))}, or the PC slept`,
    });
  }

  #compare(network: NetworkMoment | null): void {
    const comparison = compareClocks({
      // The modem says whole seconds, rounded down: on average it is half a second later.
      network: network === null ? null : { ...network, utcMs: network.utcMs + 500 },
      pcMs: this.#clock.nowMs(),
      pcZoneMinutes: this.#zoneMinutes(),
    });
    if (this.#told !== null && !isNews(this.#told, comparison)) return;
    this.#told = comparison;
    this.#emit({ event: "clock", ...comparison });
  }
}

function isNews(told: Comparison, now: Comparison): boolean {
  const movedS = Math.abs((now.differenceS ?? 0) - (told.differenceS ?? 0));
  return told.state !== now.state || movedS * 1000 > TOLERANCE_MS;
}
