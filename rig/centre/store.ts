/**
 * What the centre knows: every report once, in a SQLite database (WAL, flushed at each commit), `<data>/centre.db`.
 * intake -> store -> web page.
 */
import { closeSync, existsSync, openSync, readSync, renameSync } from "node:fs";
import path from "node:path";
import Database from "libsql";
import { keepAside, makePrivateDirectory } from "../core/durable-file.js";
import { StorageError } from "../core/errors.js";
import { trace } from "../core/log.js";
import {
  COLUMNS,
  fromRow,
  type NewReport,
  type ReportRow,
  SCHEMA,
  SCHEMA_VERSION,
  type StoredReport,
  toRow,
} from "./store-schema.js";

const log = trace("rig:centre:store");

/**
 * stored: new. duplicate: the very frame is there already. conflict: another frame is there under that sequence.
 * rollback: a lower sequence is there that was sealed in a later start, so the meter's key file was put back.
 */
export type InsertOutcome = "stored" | "duplicate" | "conflict" | "rollback";

/** First bytes of every SQLite database. Source: SQLite file format, section 1.3.1. */
const MAGIC = "SQLite format 3\0";

export class Store {
  readonly file: string;
  readonly #database: InstanceType<typeof Database>;
  /** Prepared once by their SQL: one that failed stays open until it is run again, and would hold the tables. */
  readonly #statements = new Map<string, ReturnType<InstanceType<typeof Database>["prepare"]>>();

  /**
   * Opens the database, makes it if there is none. A damaged one is kept aside, and a new one is made.
   * @returns notices: what the person at the bench should know, one sentence each
   * @throws StorageError "storage/unwritable", or "storage/newer" if a later version of the rig made it
   */
  static open(dataDirectory: string): { store: Store; notices: string[] } {
    makePrivateDirectory(dataDirectory);
    const file = path.join(dataDirectory, "centre.db");
    if (!existsSync(file)) {
      const left = partsOf(file).map((part) => attempt(file, () => keepAside(part)));
      const notices =
        left.length === 0
          ? []
          : [`the centre's database ${file} is missing; what was left of it is kept as ${left.join(", ")}`];
      return { store: make(file), notices };
    }
    const damage = findDamage(file);
    if (damage === undefined) return { store: new Store(file), notices: [] };
    const aside = keepDatabaseAside(file);
    return {
      store: make(file),
      notices: [
        `the centre's database ${file} is damaged (${damage}); it is kept as ${aside}, and a new one was made: the page and the tables start empty`,
      ],
    };
  }

  constructor(file: string) {
    this.file = file;
    this.#database = attempt(file, () => new Database(file));
    this.#run(() => {
      this.#database.pragma("journal_mode = WAL");
      this.#database.pragma("synchronous = FULL");
    });
  }

  /**
   * On disk when it returns "stored".
   * @throws StorageError "storage/unwritable" (disk full, say): nothing was stored
   */
  insert(report: NewReport): InsertOutcome {
    return this.#run(() => {
      const known = this.#row<{ digest: Uint8Array }>(
        "SELECT digest FROM reports WHERE meter = ? AND sequence = ?",
        report.meter,
        report.sequence,
      );
      if (known !== undefined) {
        return Buffer.compare(known.digest, report.digest) === 0 ? "duplicate" : "conflict";
      }
      const before = this.#row<{ start_number: number }>(
        "SELECT start_number FROM reports WHERE meter = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1",
        report.meter,
        report.sequence,
      );
      if (before !== undefined && before.start_number > report.start) return "rollback";
      this.#database
        .prepare(
          `INSERT INTO reports (${COLUMNS.join()}) VALUES (${COLUMNS.map((name) => `:${name}`).join()})`,
        )
        .run(toRow(report));
      return "stored";
    });
  }

  /** Reports that no `received` event has told of, since a kill came between storing and telling; oldest first. */
  unannounced(): StoredReport[] {
    return this.#run(() =>
      this.#prepare("SELECT * FROM reports WHERE id > (SELECT last_id FROM announced) ORDER BY id")
        .all()
        .map((row) => fromRow(row as ReportRow)),
    );
  }

  /**
   * Every report so far has been told of. Written, but not flushed: a kill does not undo it, a power cut may have it told again.
   * @throws StorageError "storage/unwritable"
   */
  markAnnounced(): void {
    this.#run(() => {
      this.#database.pragma("synchronous = OFF");
      try {
        this.#prepare("UPDATE announced SET last_id = (SELECT coalesce(max(id), 0) FROM reports)").run();
      } finally {
        this.#database.pragma("synchronous = FULL");
      }
    });
  }

  /** The meter's report that arrived last, which need not be its newest. */
  lastArrived(meter: string): StoredReport | undefined {
    return this.#report("SELECT * FROM reports WHERE meter = ? ORDER BY id DESC LIMIT 1", meter);
  }

  /** The meter's report with the latest interval. */
  latest(meter: string): StoredReport | undefined {
    return this.#report(
      "SELECT * FROM reports WHERE meter = ? ORDER BY end_ms DESC, sequence DESC LIMIT 1",
      meter,
    );
  }

  /**
   * Reports whose interval ended from `fromMs` to `toMs` [ms since 1970], newest first, at most `limit`.
   * @param meter null for all of them
   */
  range(meter: string | null, fromMs: number, toMs: number, limit: number): StoredReport[] {
    return this.#run(() =>
      this.#prepare(
        `SELECT * FROM reports WHERE ${meter === null ? "" : "meter = :meter AND "}end_ms BETWEEN :from AND :to
           ORDER BY end_ms DESC, sequence DESC LIMIT :limit`,
      )
        .all({ ...(meter === null ? {} : { meter }), from: fromMs, to: toMs, limit })
        .map((row) => fromRow(row as ReportRow)),
    );
  }

  /** Highest sequence stored, 0 if there is none. */
  lastSequence(meter: string): number {
    const row = this.#run(() =>
      this.#row<{ last: number | null }>("SELECT max(sequence) AS last FROM reports WHERE meter = ?", meter),
    );
    return row?.last ?? 0;
  }

  /** Energy register in the report of the highest sequence [Wh], 0 if there is none. */
  lastEnergyWh(meter: string): number {
    const row = this.#run(() =>
      this.#row<{ energy_wh: number }>(
        "SELECT energy_wh FROM reports WHERE meter = ? ORDER BY sequence DESC LIMIT 1",
        meter,
      ),
    );
    return row?.energy_wh ?? 0;
  }

  close(): void {
    try {
      this.#database.pragma("wal_checkpoint(TRUNCATE)");
    } catch (error) {
      log("not tidied up, which the next start does: %s", (error as Error).message);
    }
    this.#database.close();
  }

  #report(sql: string, meter: string): StoredReport | undefined {
    const row = this.#run(() => this.#row<ReportRow>(sql, meter));
    return row === undefined ? undefined : fromRow(row);
  }

  #row<Row>(sql: string, ...values: (string | number)[]): Row | undefined {
    return (this.#prepare(sql).get(...values) ?? undefined) as Row | undefined;
  }

  #prepare(sql: string) {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #run<T>(action: () => T): T {
    return attempt(this.file, action);
  }
}

function attempt<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw unusable(file, cause);
  }
}

function unusable(file: string, cause: unknown): StorageError {
  return new StorageError(
    "storage/unwritable",
    `the centre's database ${file} cannot be used: ${(cause as Error).message}`,
    { cause, hint: "check that the disk is not full, the file is writable and no other program holds it" },
  );
}

function make(file: string): Store {
  attempt(file, () => {
    closeSync(openSync(file, "wx", 0o600)); // SQLite gives the files beside it the same mode
    const database = new Database(file);
    database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    database.close();
  });
  return new Store(file);
}

/** @returns what is wrong with the file, undefined if nothing is */
function findDamage(file: string): string | undefined {
  const start = Buffer.alloc(MAGIC.length);
  const bytes = attempt(file, () => {
    const descriptor = openSync(file, "r");
    try {
      return readSync(descriptor, start, 0, start.length, 0);
    } finally {
      closeSync(descriptor);
    }
  });
  if (bytes === 0) return "it is empty";
  if (start.toString("latin1") !== MAGIC) return "it is no SQLite database";
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
    database.prepare(`SELECT ${COLUMNS.join()} FROM reports LIMIT 1`).get();
    if (database.prepare("SELECT last_id FROM announced").get() === undefined) return "a table is empty";
    return undefined;
  } catch (error) {
    if (error instanceof StorageError) throw error;
    if ((error as { code?: string }).code === "SQLITE_BUSY") throw unusable(file, error);
    return (error as Error).message;
  } finally {
    database.close();
  }
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
