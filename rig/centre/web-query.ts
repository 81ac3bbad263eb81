/** The query of GET /api/reports: text from anyone -> checked values. Pure. */

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 10_000;
/** Largest time a Date can hold [ms since 1970]. Source: ECMA-262, 21.4.1.1. */
const LAST_MS = 8.64e15;

export interface ReportQuery {
  /** null: all meters. */
  readonly meter: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
}

/** What is wrong with which field, and what is allowed. */
export interface QueryFault {
  readonly field: string;
  readonly error: string;
}

export function parseReportQuery(query: Readonly<Record<string, unknown>>): ReportQuery | QueryFault {
  for (const [field, value] of Object.entries(query)) {
    if (!["meter", "from", "to", "limit"].includes(field)) {
      return { field, error: `${field} is not known: allowed are meter, from, to and limit` };
    }
    if (typeof value !== "string") return { field, error: `${field} is given more than once` };
  }
  const { meter, from, to, limit } = query as Readonly<Partial<Record<string, string>>>;
  const fromMs = from === undefined ? 0 : parseTime(from);
  if (fromMs === undefined) return badTime("from", from);
  const toMs = to === undefined ? LAST_MS : parseTime(to);
  if (toMs === undefined) return badTime("to", to);
  const count = limit === undefined ? DEFAULT_LIMIT : Number(limit);
  if (!/^\d+$/.test(limit ?? "1") || count < 1 || count > MAX_LIMIT) {
    return {
      field: "limit",
      error: `limit is ${JSON.stringify(limit)}: it must be a whole number from 1 to ${MAX_LIMIT}`,
    };
  }
  return { meter: meter ?? null, fromMs, toMs, limit: count };
}

/** ISO 8601 with date and time zone, or ms since 1970. */
function parseTime(text: string): number | undefined {
  const ms = /^\d{1,16}$/.test(text) ? Number(text) : Date.parse(isIso(text) ? text : "");
  return Number.isFinite(ms) && ms >= 0 && ms <= LAST_MS ? ms : undefined;
}

function isIso(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
}

function badTime(field: string, value: string | undefined): QueryFault {
  return {
    field,
    error: `${field} is ${JSON.stringify(value)}: it must be a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970`,
  };
}
