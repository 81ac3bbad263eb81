/**
 * Time as the module and the network write it.
 * Source: SIM900 AT Command Manual V1.03, AT+CCLK ("yy/MM/dd,hh:mm:ss+zz", zz in quarters of an hour), AT+CLTS.
 */

const QUARTER_HOUR_MS = 15 * 60_000;
/** What the clock of a module shows that nobody has set. */
const UNSET_MS = Date.UTC(1980, 0, 6);

const two = (value: number) => String(value % 100).padStart(2, "0");
const zoneText = (quarterHours: number) => `${quarterHours < 0 ? "-" : "+"}${two(Math.abs(quarterHours))}`;

/** @returns "yy/MM/dd,hh:mm:ss+zz", the local time of the zone */
export function formatTime(utcMs: number, zoneQuarterHours: number): string {
  const local = new Date(utcMs + zoneQuarterHours * QUARTER_HOUR_MS);
  const date = [local.getUTCFullYear(), local.getUTCMonth() + 1, local.getUTCDate()].map(two).join("/");
  const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()].map(two).join(":");
  return `${date},${time}${zoneText(zoneQuarterHours)}`;
}

/** @returns the time [ms since 1970 UTC] and its zone; null: not such a text */
export function parseTime(text: string): { utcMs: number; zoneQuarterHours: number } | null {
  const match = /^(\d\d)\/(\d\d)\/(\d\d),(\d\d):(\d\d):(\d\d)([+-]\d\d)$/.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second, zoneQuarterHours] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(Date.UTC(2000 + year, month - 1, day, hour, minute, second));
  const utcMs = date.getTime() - zoneQuarterHours * QUARTER_HOUR_MS;
  return formatTime(utcMs, zoneQuarterHours) === text ? { utcMs, zoneQuarterHours } : null;
}

/** What the network sends when a module registers, as the module says it with AT+CLTS=1. */
export function networkTimeReports(utcMs: number, zoneQuarterHours: number): string[] {
  const utc = new Date(utcMs);
  const date = [utc.getUTCFullYear(), utc.getUTCMonth() + 1, utc.getUTCDate()];
  const time = [utc.getUTCHours(), utc.getUTCMinutes(), utc.getUTCSeconds()];
  const zone = `${zoneQuarterHours < 0 ? "-" : "+"}${Math.abs(zoneQuarterHours)}`;
  return [`*PSUTTZ: ${[...date, ...time].join(",")},"${zone}",0`, "DST: 0"];
}

/** The module's own clock. */
export class ModuleClock {
  readonly #steadyMs: () => number;
  #utcMs = UNSET_MS;
  #setAtMs: number;
  #zoneQuarterHours = 0;

  /** @param steadyMs steady time [ms] */
  constructor(steadyMs: () => number) {
    this.#steadyMs = steadyMs;
    this.#setAtMs = steadyMs();
  }

  set(utcMs: number, zoneQuarterHours: number): void {
    this.#utcMs = utcMs;
    this.#setAtMs = this.#steadyMs();
    this.#zoneQuarterHours = zoneQuarterHours;
  }

  /** The supply is gone, and nothing buffers the clock. */
  forget(): void {
    this.set(UNSET_MS, 0);
  }

  toString(): string {
    return formatTime(this.#utcMs + this.#steadyMs() - this.#setAtMs, this.#zoneQuarterHours);
  }
}
