import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { Store } from "../../rig/centre/store.js";
import type { NewReport } from "../../rig/centre/store-schema.js";
import { StorageError } from "../../rig/core/errors.js";
import { lampReport } from "../support/reports.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const START_MS = Date.UTC(2026, 0, 1);

function report(sequence: number, changes: Partial<NewReport> = {}): NewReport {
  return {
    ...lampReport({ sequence, endMs: START_MS + sequence * 10_000, energyWh: sequence * 0.278 }),
    meter: "main",
    via: null,
    delayed: false,
    receivedMs: START_MS + sequence * 10_000 + 50,
    start: 1,
    digest: new Uint8Array(32).fill(sequence),
    ...changes,
  };
}

const asStored = ({ start, digest, ...stored }: NewReport) => {
  expect([start, digest.length]).toEqual([start, 32]);
  return stored;
};

describe("the store", () => {
  it("gives back a report as it was, across a restart, and knows it again", () => {
    const directory = temporaryDirectory();
    const first = Store.open(directory);
    const kept = report(1, { via: "neighbour", delayed: true, flags: ["clipped", "incomplete"] });
    expect(first.store.insert(kept)).toBe("stored");
    first.store.close();
    const { store, notices } = Store.open(directory);
    expect([...first.notices, ...notices]).toEqual([]);
    expect(store.latest("main")).toEqual(asStored(kept));
    expect(store.insert(kept)).toBe("duplicate");
    expect(store.insert(report(1, { digest: new Uint8Array(32) }))).toBe("conflict");
    expect(store.insert(report(1, { meter: "neighbour" }))).toBe("stored");
    store.close();
  });

  it("calls the highest sequence the latest, though an earlier report came from a clock that was a year ahead", () => {
    const { store } = Store.open(temporaryDirectory());
    store.insert(report(1, { endMs: START_MS + 365 * 86_400_000 }));
    store.insert(report(2));
    expect(store.latest("main")?.sequence).toBe(2);
    store.close();
  });

  it("tells the latest report from the last arrival, and knows the last sequence and energy", () => {
    const { store } = Store.open(temporaryDirectory());
    for (const sequence of [1, 5, 3]) store.insert(report(sequence));
    expect(store.latest("main")?.sequence).toBe(5);
    expect(store.lastArrived("main")?.sequence).toBe(3);
    expect([store.lastSequence("main"), store.lastEnergyWh("main")]).toEqual([5, 5 * 0.278]);
    expect([store.latest("other"), store.lastSequence("other"), store.lastEnergyWh("other")]).toEqual([
      undefined,
      0,
      0,
    ]);
    store.close();
  });

  it("keeps a report that was sealed in an older start than the one before it in sequence, and tells it apart", () => {
    const { store } = Store.open(temporaryDirectory());
    expect(store.insert(report(1, { start: 3 }))).toBe("stored");
    expect(store.insert(report(2, { start: 1 }))).toBe("stored-rollback");
    expect(store.insert(report(3, { start: 1 }))).toBe("stored");
    expect(store.insert(report(2, { start: 1 }))).toBe("duplicate");
    expect(store.lastSequence("main")).toBe(3);
    store.close();
  });

  it("lists a stretch of time, ends included, newest first, up to the limit, of one meter or all", () => {
    const { store } = Store.open(temporaryDirectory());
    for (let sequence = 1; sequence <= 9; sequence += 1) store.insert(report(sequence));
    store.insert(report(4, { meter: "neighbour", endMs: START_MS + 45_000 }));
    const list = (meter: string | null, from: number, to: number, limit: number) =>
      store
        .range(meter, START_MS + from, START_MS + to, limit)
        .map(({ sequence, meter }) => `${meter[0]}${sequence}`);
    expect(list("main", 30_000, 50_000, 10)).toEqual(["m5", "m4", "m3"]);
    expect(list(null, 30_000, 50_000, 10)).toEqual(["m5", "n4", "m4", "m3"]);
    expect(list("main", 0, 1e9, 2)).toEqual(["m9", "m8"]);
    expect(list("stranger", 0, 1e9, 2)).toEqual([]);
    store.close();
  });

  it.runIf(process.platform !== "win32")("is a file of mode 600, as are those beside it", () => {
    const { store } = Store.open(temporaryDirectory());
    store.insert(report(1));
    expect(["", "-wal", "-shm"].map((part) => statSync(store.file + part).mode & 0o777)).toEqual([
      0o600, 0o600, 0o600,
    ]);
    store.close();
  });

  it("says so when it cannot write, and stores nothing then", () => {
    const { store } = Store.open(temporaryDirectory());
    const other = new Database(store.file);
    other.exec("BEGIN IMMEDIATE");
    expect(() => store.insert(report(1))).toThrow(StorageError);
    other.exec("ROLLBACK");
    other.close();
    expect(store.insert(report(1))).toBe("stored");
    store.close();
  });
});

describe("a damaged store", () => {
  function whole(): { directory: string; file: string; bytes: Buffer } {
    const directory = temporaryDirectory();
    const { store } = Store.open(directory);
    for (let sequence = 1; sequence <= 300; sequence += 1) store.insert(report(sequence));
    store.close();
    return { directory, file: store.file, bytes: readFileSync(store.file) };
  }

  const overwritten = (bytes: Buffer, from: number, count: number) => {
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, from, from + count);
    return damaged;
  };

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ["empty", () => Buffer.alloc(0)],
    ["cut off after 10 bytes", (bytes) => bytes.subarray(0, 10)],
    ["cut off after 100 bytes", (bytes) => bytes.subarray(0, 100)],
    ["cut off in the middle", (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ["short of its last 100 bytes", (bytes) => bytes.subarray(0, bytes.length - 100)],
    [
      "text",
      () => Buffer.from("no database at all, but long enough to be mistaken for one by a careless reader"),
    ],
    ["overwritten in its header", (bytes) => overwritten(bytes, 30, 30)],
    ["overwritten in its format number", (bytes) => overwritten(bytes, 44, 4)],
    ["overwritten in a page", (bytes) => overwritten(bytes, 3 * 4096, 200)],
  ])("that is %s is kept aside and named, and a new one takes reports", (_how, damage) => {
    const { directory, file, bytes } = whole();
    writeFileSync(file, damage(bytes));
    const { store, notices } = Store.open(directory);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(`${file} is damaged`);
    expect(notices[0]).toContain(`${file}.broken-1`);
    expect(readFileSync(`${file}.broken-1`)).toEqual(damage(bytes));
    expect(store.lastSequence("main")).toBe(0);
    expect(store.insert(report(301))).toBe("stored");
    store.close();
    const again = Store.open(directory);
    expect([again.notices, again.store.lastSequence("main")]).toEqual([[], 301]);
    again.store.close();
  });

  it("without our tables is kept aside; one of a newer version is left alone", () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, "centre.db");
    const other = new Database(file);
    other.exec("CREATE TABLE something (value)");
    other.close();
    const { store, notices } = Store.open(directory);
    expect(notices[0]).toContain("no tables of ours");
    store.close();
    const newer = new Database(file);
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    expect(() => Store.open(directory)).toThrow(expect.objectContaining({ code: "storage/newer" }));
    expect(statSync(file).size).toBeGreaterThan(0);
  });

  it("without one of our tables is kept aside, though its version is right", () => {
    const { directory, file } = whole();
    const other = new Database(file);
    other.exec("DROP TABLE announced");
    other.close();
    const { store, notices } = Store.open(directory);
    expect(notices[0]).toContain("it lacks a table");
    store.close();
  });

  it("that is missing, with its log left behind, starts anew and keeps the log aside", () => {
    const { directory, file } = whole();
    rmSync(file);
    writeFileSync(`${file}-wal`, "left behind");
    const { store, notices } = Store.open(directory);
    expect(notices[0]).toContain("is missing");
    expect(readFileSync(`${file}-wal.broken-1`, "utf8")).toBe("left behind");
    store.close();
  });
});
