/**
 * What the centre knows: every report once, in a SQLite database (WAL, flushed at each commit), `<data>/centre.db`.
 * intake -> store -> web page.
 */
import Database from "libsql";
import { trace } from "../core/log.js";
import { attempt, prepareDatabase, unusable } from "./database-file.js";
import {
  COLUMNS,
  fromRow,
  type NewReport,
  type ReportRow,
  type StoredReport,
  toRow,
} from "./store-schema.js";

const log = trace("rig:centre:store");

/**
 * stored: new. duplicate: the very frame is there already. conflict: another frame is there under that sequence.
 * stored-rollback: new, but a lower sequence is there that was sealed in a later start, so the meter's key was made anew or put back.
 */
export type InsertOutcome = "stored" | "stored-rollback" | "duplicate" | "conflict";

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
    const { file, notices } = prepareDatabase(dataDirectory);
    return { store: new Store(file), notices };
  }

  constructor(file: string) {
    this.file = file;
    this.#database = attempt(file, () => new Database(file));
    try {
      this.#database.pragma("journal_mode = WAL");
      this.#database.pragma("synchronous = FULL");
    } catch (cause) {
      this.#database.close();
      throw unusable(file, cause);
    }
  }

  /**
   * On disk when it returns "stored" or "stored-rollback".
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
      this.#database
        .prepare(
          `INSERT INTO reports (${COLUMNS.join()}) VALUES (${COLUMNS.map((name) => `:${name}`).join()})`,
        )
        .run(toRow(report));
      return before !== undefined && before.start_number > report.start ? "stored-rollback" : "stored";
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
      this.#database.pragma("synchronous = NORMAL"); // flushes at checkpoints alone, which keep the reports safe
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

  /** The meter's newest report: that of the highest sequence, whatever its clock said. */
  latest(meter: string): StoredReport | undefined {
    return this.#report("SELECT * FROM reports WHERE meter = ? ORDER BY sequence DESC LIMIT 1", meter);
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
