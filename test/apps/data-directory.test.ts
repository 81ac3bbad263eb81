import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockDataDirectory } from "../../rig/apps/data-directory.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "rig-data-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("a data directory in use is refused, naming the process that holds it", () => {
  const lock = lockDataDirectory(directory, 0);
  expect(() => lockDataDirectory(directory, 0)).toThrow(expect.objectContaining({ code: "storage/in-use" }));
  expect(() => lockDataDirectory(directory, 0)).toThrow(`process ${process.pid}`);
  lock.release();
});

it("a data directory can be taken again after it was released", () => {
  lockDataDirectory(directory, 0).release();
  lockDataDirectory(directory, 0).release();
});

it("a data directory inside a file is refused with its path", () => {
  const lock = lockDataDirectory(directory, 0);
  const inside = path.join(directory, "lock.pid", "data");
  expect(() => lockDataDirectory(inside, 0)).toThrow(inside);
  lock.release();
});
