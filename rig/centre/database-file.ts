/**
 * The database's file before it is opened: `<data>/centre.db`, looked through for damage, kept aside if there is any, and made if
 * there is none. A disk that is full or a file that is locked is no damage: then everything stays as it is.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import Database from "libsql";
import { flushDirectory, keepAside, makePrivateDirectory } from "../core/durable-file.js";
import { StorageError } from "../core/errors.js";
import { COLUMNS, SCHEMA, SCHEMA_VERSION } from "./store-schema.js";

/** First bytes of every SQLite database. Source: SQLite file format, section 1.3.1. */
const MAGIC = "SQLite format 3\0";
/** Where the header has the page size, 1 for 65 536, big-endian. Source: as above, section 1.3.2. */
const PAGE_SIZE_OFFSET = 16;
/** Where the header has the schema's format, and the highest that there is. Source: as above, section 1.3.10. */
const FORMAT_OFFSET = 44;
const MAX_FORMAT = 4;
/** SQLITE_CORRUPT and SQLITE_NOTADB, the low byte of a result code. Source: SQLite, Result and Error Codes. */
const DAMAGE: ReadonlySet<number> = new Set([11, 26]);

/**
 * Sees to it that there is a whole database. A damaged one is kept aside, and a new one is made.
 * @returns notices: what the person at the bench should know, one sentence each
 * @throws StorageError "storage/unwritable", or "storage/newer" if a later version of the rig made it
 */
export function prepareDatabase(dataDirectory: string): { file: string; notices: string[] } {
  makePrivateDirectory(dataDirectory);
  const file = path.join(dataDirectory, "centre.db");
  const isThere = existsSync(file);
  const damage = isThere ? findDamage(file) : "it is missing";
  if (damage === undefined) return { file, notices: [] };
  const made = makeAside(file); // first, so that a full disk leaves all as it was
  const notices: string[] = [];
  if (isThere) {
    const aside = keepDatabaseAside(file);
    notices.push(
      `the centre's database ${file} is damaged (${damage}); it is kept as ${aside}, and a new one was made: the page and the tables start empty`,
    );
  } else {
    const left = partsOf(file).map((part) => attempt(file, () => keepAside(part)));
    if (left.length > 0)
      notices.push(
        `the centre's database ${file} is missing; what was left of it is kept as ${left.join(", ")}`,
      );
  }
  attempt(file, () => renameSync(made, file));
  flushDirectory(dataDirectory);
  return { file, notices };
}

/** Runs what uses the database. @throws StorageError "storage/unwritable" in place of what it throws */
export function attempt<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw unusable(file, cause);
  }
}

export function unusable(file: string, cause: unknown): StorageError {
  return new StorageError(
    "storage/unwritable",
    `the centre's database ${file} cannot be used: ${(cause as Error).message}`,
    { cause, hint: "check that the disk is not full, the file is writable and no other program holds it" },
  );
}

/** @returns where a new and empty database is, to be renamed into place; if that fails, nothing is left of it */
function makeAside(file: string): string {
  const made = `${file}.new`;
  const clear = () => {
    for (const part of [made, `${made}-journal`]) rmSync(part, { force: true });
  };
  return attempt(file, () => {
    clear();
    try {
      closeSync(openSync(made, "wx", 0o600)); // SQLite gives the files beside it the same mode
      const database = new Database(made);
      try {
        database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
      } finally {
        database.close();
      }
      return made;
    } catch (error) {
      clear();
      throw error;
    }
  });
}

/** @returns what is wrong with the file, undefined if nothing is */
function findDamage(file: string): string | undefined {
  const start = Buffer.alloc(FORMAT_OFFSET + 4);
  const sizeBytes = attempt(file, () => {
    const descriptor = openSync(file, "r");
    try {
      readSync(descriptor, start, 0, start.length, 0);
      return fstatSync(descriptor).size;
    } finally {
      closeSync(descriptor);
    }
  });
  if (sizeBytes === 0) return "it is empty";
  if (start.toString("latin1", 0, MAGIC.length) !== MAGIC) return "it is no SQLite database";
  if (start.readUInt32BE(FORMAT_OFFSET) > MAX_FORMAT) return "its header names an unknown format";
  const pageSize = start.readUInt16BE(PAGE_SIZE_OFFSET);
  // quick_check takes what is cut off a page for zeros. Where a log is left, SQLite writes the page anew from that.
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
  if (sizeBytes % (pageSize === 1 ? 65_536 : pageSize) !== 0 && (log?.size ?? 0) === 0)
    return "its last page is cut off";
  const database = attempt(file, () => new Database(file));
  try {
    const [first] = database.pragma("quick_check") as { quick_check: string }[];
    if (first?.quick_check !== "ok") return first?.quick_check.split("\n")[1] ?? "quick_check fails";
    const [{ user_version: version } = { user_version: 0 }] = database.pragma("user_version") as {
      user_version: number;
    }[];
    if (version > SCHEMA_VERSION) {
      throw new StorageError(
        "storage/newer",
        `the centre's database ${file} has schema ${version}, this version of the rig knows ${SCHEMA_VERSION}`,
        { hint: "use the newer version, or another data directory" },
      );
    }
    if (version !== SCHEMA_VERSION) return "it has no tables of ours";
    if (!hasColumns(database, "reports", COLUMNS) || !hasColumns(database, "announced", ["last_id"]))
      return "it lacks a table or a column of ours";
    if (database.prepare("SELECT last_id FROM announced").get() === undefined) return "a table is empty";
    return undefined;
  } catch (error) {
    if (error instanceof StorageError) throw error;
    const { rawCode, message } = error as Error & { rawCode?: number };
    if (rawCode !== undefined && DAMAGE.has(rawCode & 0xff)) return message;
    throw unusable(file, error); // a full disk, say, or a lock: the database itself may be whole
  } finally {
    database.close();
  }
}

function hasColumns(
  database: InstanceType<typeof Database>,
  table: string,
  names: readonly string[],
): boolean {
  const columns = database.pragma(`table_info(${table})`) as { name: string }[];
  return names.every((name) => columns.some((column) => column.name === name));
}

/** @returns where the database is now; what SQLite keeps beside it goes with it, so that it can be opened there */
function keepDatabaseAside(file: string): string {
  return attempt(file, () => {
    const parts = partsOf(file);
    const aside = keepAside(file);
    for (const part of parts) renameSync(part, aside + part.slice(file.length));
    return aside;
  });
}

/** The files that SQLite keeps beside the database and that are there. */
function partsOf(file: string): string[] {
  return [`${file}-wal`, `${file}-shm`].filter((part) => existsSync(part));
}
