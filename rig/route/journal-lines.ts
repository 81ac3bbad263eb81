/**
 * The text of a journal, one checked line each, and what can be read back from a file that was cut off or damaged. Pure.
 *
 *   {"version":1,"meter":"main","next":8,"sum":"1f0c..."}     first line; next: the sequence after the last one given out
 *   {"put":8,"frame":"EQEAAg...","sum":"9a41..."}             a frame waits; base64
 *   {"sending":9,"sum":"5d20..."}                             it goes before older ones, and may have arrived from now on
 *   {"gone":8,"sum":"07bb..."}                                it was acknowledged
 *
 * sum: the first 8 hex digits of the SHA-256 of the line without it.
 */
import { createHash } from "node:crypto";

const VERSION = 1;
const LINE = /^(.*),"sum":"([0-9a-f]{8})"\}$/s;
/** A put line cannot be shorter, so a damaged stretch of n bytes hid at most n / SHORTEST_PUT_BYTES of them. */
const SHORTEST_PUT_BYTES = 38;

export interface JournalContents {
  /** Frames that wait, by sequence, oldest first. */
  readonly waiting: Map<number, Uint8Array>;
  /** The frame that was last sent before older ones, if it still waits. */
  readonly sending: number | undefined;
  /** The lowest sequence that is certainly unused. */
  readonly next: number;
  /** Bytes after the last whole record: a write that a kill or a power cut interrupted. */
  readonly tornBytes: number;
  /** The last record is whole but for its line end; it counts, and the file must be written anew before more is appended. */
  readonly openEnded: boolean;
  /** Lines that end properly but are not what was written. */
  readonly damagedLines: number;
  /** The first line is whole and of this meter. */
  readonly headerIntact: boolean;
}

export function formatHeader(meter: string, next: number): string {
  return withSum({ version: VERSION, meter, next });
}

export function formatPut(sequence: number, frame: Uint8Array): string {
  return withSum({ put: sequence, frame: Buffer.from(frame).toString("base64") });
}

export function formatSending(sequence: number): string {
  return withSum({ sending: sequence });
}

export function formatGone(sequence: number): string {
  return withSum({ gone: sequence });
}

export function parseJournal(bytes: Buffer, meter: string): JournalContents {
  const end = bytes.lastIndexOf("\n") + 1;
  // latin1: a character a byte, so that the length of a damaged line is its length in the file
  const lines = end === 0 ? [] : bytes.toString("latin1", 0, end - 1).split("\n");
  const tail = bytes.toString("latin1", end);
  const lastRecord = [tail, tail.slice(0, -1)].find((text) => parseLine(text) !== undefined);
  if (lastRecord !== undefined) lines.push(lastRecord);
  const waiting = new Map<number, Uint8Array>();
  let sending: number | undefined;
  let next = 1;
  let damagedLines = 0;
  let hiddenPuts = 0;
  let headerIntact = false;
  for (const [index, line] of lines.entries()) {
    const entry = parseLine(line);
    if (index === 0 && entry?.version === VERSION && entry.meter === meter && isCount(entry.next)) {
      headerIntact = true;
      next = entry.next;
    } else if (index > 0 && isCount(entry?.put) && typeof entry.frame === "string") {
      waiting.set(entry.put, Uint8Array.from(Buffer.from(entry.frame, "base64")));
      next = Math.max(next, entry.put + 1);
    } else if (index > 0 && isCount(entry?.sending)) {
      sending = entry.sending;
      next = Math.max(next, entry.sending + 1);
    } else if (index > 0 && isCount(entry?.gone)) {
      waiting.delete(entry.gone);
      next = Math.max(next, entry.gone + 1);
    } else {
      damagedLines += 1;
      hiddenPuts += Math.ceil((line.length + 1) / SHORTEST_PUT_BYTES);
    }
  }
  const sorted = new Map([...waiting].sort(([a], [b]) => a - b));
  const openEnded = lastRecord !== undefined;
  return {
    waiting: sorted,
    sending: sending !== undefined && waiting.has(sending) ? sending : undefined,
    next: next + hiddenPuts,
    tornBytes: openEnded ? 0 : tail.length,
    openEnded,
    damagedLines,
    headerIntact,
  };
}

interface Entry {
  readonly version?: unknown;
  readonly meter?: unknown;
  readonly next?: unknown;
  readonly put?: unknown;
  readonly frame?: unknown;
  readonly sending?: unknown;
  readonly gone?: unknown;
}

function parseLine(line: string): Entry | undefined {
  const [, body, sum] = LINE.exec(line) ?? [];
  if (body === undefined || sum !== sumOf(`${body}}`)) return undefined;
  return JSON.parse(`${body}}`) as Entry;
}

function withSum(entry: Entry): string {
  const body = JSON.stringify(entry);
  return `${body.slice(0, -1)},"sum":"${sumOf(body)}"}\n`;
}

function sumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
