/** The disk is full from SQLite's view: its driver is replaced by one whose statements fail as they do then. */
import { readdirSync, readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Store } from "../../rig/centre/store.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** What fails, and with which result code. Source: SQLite, Result and Error Codes. */
const disk = vi.hoisted(() => ({ fails: "nothing", code: "SQLITE_FULL", rawCode: 13 }));
vi.mock("libsql", async (importOriginal) => {
  const { default: Real } = await importOriginal<{ default: typeof import("libsql") }>();
  const failIf = (what: string) => {
    if (disk.fails !== what) return;
    throw Object.assign(new Error("it fails"), { code: disk.code, rawCode: disk.rawCode });
  };
  return {
    default: class extends Real {
      override exec(sql: string) {
        failIf("exec");
        return super.exec(sql);
      }
      override pragma(source: string) {
        failIf("pragma");
        return super.pragma(source);
      }
    },
  };
});
beforeEach(() => {
  disk.fails = "nothing";
});

describe("the store on a full disk", () => {
  it.each([
    ["SQLITE_FULL", 13],
    ["SQLITE_CANTOPEN", 14],
    ["SQLITE_READONLY", 8],
    ["SQLITE_IOERR_SHMSIZE", 4874],
    ["SQLITE_BUSY", 5],
    ["SQLITE_NOMEM", 7],
  ])("leaves a whole database where it is, and says that it cannot be used: %s", (code, rawCode) => {
    const directory = temporaryDirectory();
    const { store } = Store.open(directory);
    store.close();
    const before = readFileSync(store.file);
    Object.assign(disk, { fails: "pragma", code, rawCode });
    expect(() => Store.open(directory)).toThrow(expect.objectContaining({ code: "storage/unwritable" }));
    expect(readdirSync(directory).filter((name) => name.includes("broken"))).toEqual([]);
    expect(readFileSync(store.file)).toEqual(before);
    disk.fails = "nothing";
    const again = Store.open(directory);
    expect(again.notices).toEqual([]);
    again.store.close();
  });

  it.each([
    ["SQLITE_CORRUPT", 11],
    ["SQLITE_CORRUPT_INDEX", 779],
    ["SQLITE_NOTADB", 26],
  ])("keeps a damaged one aside: %s", (code, rawCode) => {
    const directory = temporaryDirectory();
    const { store } = Store.open(directory);
    store.close();
    Object.assign(disk, { fails: "pragma", code, rawCode });
    expect(() => Store.open(directory)).toThrow(); // the new one cannot be used either
    disk.fails = "nothing";
    expect(readdirSync(directory)).toContain("centre.db.broken-1");
  });

  it("leaves nothing of a database that it could not make, and makes it at the next start", () => {
    const directory = temporaryDirectory();
    Object.assign(disk, { fails: "exec", code: "SQLITE_FULL", rawCode: 13 });
    expect(() => Store.open(directory)).toThrow(expect.objectContaining({ code: "storage/unwritable" }));
    expect(readdirSync(directory)).toEqual([]);
    disk.fails = "nothing";
    const { store, notices } = Store.open(directory);
    expect(notices).toEqual([]);
    store.close();
  });
});
