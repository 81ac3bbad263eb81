/**
 * One key for each meter, made at the first start: `<data>/keys/<meter>.json`, mode 600 in a directory of mode 700.
 * The file also counts the meter's starts, since the nonces are built on that. Keys leave this folder only as KeyObjects that
 * Sealer and Opener keep to themselves; no message, log or event holds one.
 */
import { createHash, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { keepAside, makePrivateDirectory, tighten, writeDurably } from "../core/durable-file.js";
import { SealError, StorageError } from "../core/errors.js";
import { KEY_BYTES } from "./aes-gcm.js";
import { MAX_START } from "./sealed-frame.js";

const VERSION = 1;
const MAX_METER_NUMBER = 255;

interface KeyRecord {
  readonly version: number;
  readonly meter: string;
  /** 1..255, the meter's number in the header of its frames. */
  readonly number: number;
  /** 32 bytes, base64. */
  readonly key: string;
  /** Starts so far; 0: never started. */
  readonly start: number;
}

export interface MeterKey {
  readonly key: KeyObject;
  readonly number: number;
  readonly start: number;
}

/**
 * Makes a key for every meter that has none. A meter keeps its number for good; a new one gets the lowest that is free.
 * @param withPast meters that have sealed reports before, so that a missing key of theirs is a loss
 * @returns what the person at the bench should know, one sentence each
 * @throws SealError "seal/key-damaged" (see readMeterKey), StorageError
 */
export function makeMissingKeys(
  dataDirectory: string,
  meters: readonly string[],
  withPast: readonly string[] = [],
): string[] {
  const directory = path.join(dataDirectory, "keys");
  makePrivateDirectory(directory);
  const notices = tighten(directory, 0o700);
  const missing = meters.filter((meter) => !existsSync(keyFile(dataDirectory, meter)));
  if (missing.length === 0) return notices;

  const present = readdirSync(directory).filter((name) => name.endsWith(".json"));
  const taken = new Set(
    present.map((name) => readKeyFile(path.join(directory, name), path.basename(name, ".json")).number),
  );
  for (const meter of missing) {
    const file = keyFile(dataDirectory, meter);
    const number = lowestFree(taken, meter);
    taken.add(number);
    write(file, {
      version: VERSION,
      meter,
      number,
      key: randomBytes(KEY_BYTES).toString("base64"),
      start: 0,
    });
    const damaged = readdirSync(directory).some((name) => name.startsWith(`${meter}.json.broken-`));
    if (damaged || withPast.includes(meter)) {
      notices.push(
        `${file}: a new key was made for meter ${meter}, its old one is ${damaged ? "damaged" : "gone"}; what was sealed with the old one and not yet delivered is lost`,
      );
    }
  }
  return notices;
}

/**
 * @throws SealError "seal/no-key", or "seal/key-damaged": the file was then moved aside and nothing was put in its place
 */
export function readMeterKey(dataDirectory: string, meter: string): MeterKey {
  const { key, number, start } = readKeyFile(keyFile(dataDirectory, meter), meter);
  return { key: createSecretKey(key, "base64"), number, start };
}

/**
 * Counts a start of the meter; when it returns, the new number is on disk and no power cut brings the old one back.
 * @returns the new start number, 1..65535
 * @throws SealError "seal/starts-exhausted", and as readMeterKey; StorageError: then no start was counted
 */
export function countStart(dataDirectory: string, meter: string): number {
  const file = keyFile(dataDirectory, meter);
  const record = readKeyFile(file, meter);
  if (record.start >= MAX_START) {
    throw new SealError(
      "seal/starts-exhausted",
      `the key of meter ${meter} in ${file} has served ${MAX_START} starts, which is all it may`,
      {
        hint: "wait until all its reports are delivered, then move the file away: the next start makes a new key",
      },
    );
  }
  write(file, { ...record, start: record.start + 1 });
  return record.start + 1;
}

/** Gives the meter's key file back to its owner alone. @returns a sentence if that was needed */
export function tightenKeyFile(dataDirectory: string, meter: string): string[] {
  return tighten(keyFile(dataDirectory, meter), 0o600);
}

function keyFile(dataDirectory: string, meter: string): string {
  return path.join(dataDirectory, "keys", `${meter}.json`);
}

function lowestFree(taken: ReadonlySet<number>, meter: string): number {
  for (let number = 1; number <= MAX_METER_NUMBER; number += 1) {
    if (!taken.has(number)) return number;
  }
  throw new SealError(
    "seal/numbers-exhausted",
    `no number is left for meter ${meter}: ${MAX_METER_NUMBER} key files exist`,
    {
      hint: "move away the key files of meters that are no more",
    },
  );
}

function readKeyFile(file: string, meter: string): KeyRecord {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw new SealError("seal/no-key", `meter ${meter} has no key: there is no ${file}`, {
        hint: "copy the file from the data directory of the rig that has the meter",
      });
    }
    throw new StorageError(
      "storage/unreadable",
      `cannot read the key file ${file}: ${(cause as Error).message}`,
      {
        cause,
        hint: "check the owner and the mode of the file",
      },
    );
  }
  const record = parse(text);
  if (record === undefined || record.meter !== meter) {
    const aside = keepAside(file);
    throw new SealError("seal/key-damaged", `the key file ${file} is damaged; it is kept as ${aside}`, {
      hint: `put a good copy back as ${path.basename(file)}, or start again to have a new key made: what was sealed with the old one and not yet delivered is lost then`,
    });
  }
  return record;
}

function write(file: string, record: KeyRecord): void {
  writeDurably(file, format(record));
}

function format({ version, meter, number, key, start }: KeyRecord): string {
  const record = { version, meter, number, key, start };
  const checksum = createHash("sha256").update(JSON.stringify(record)).digest("hex");
  return `${JSON.stringify({ ...record, checksum }, null, 2)}\n`;
}

/** Only the exact text that `format` makes is whole: one changed byte anywhere is damage. */
function parse(text: string): KeyRecord | undefined {
  let record: KeyRecord;
  try {
    record = JSON.parse(text) as KeyRecord;
  } catch {
    return undefined; // damaged: the caller says so, and a parser's message would quote the text with the key
  }
  if (typeof record !== "object" || record === null || record.version !== VERSION) return undefined;
  return format(record) === text ? record : undefined;
}
