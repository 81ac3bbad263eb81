import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { PinMemory } from "../../rig/modem/pin-memory.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

function benchMemory(): { memory: PinMemory; again: () => PinMemory } {
  const directory = path.join(temporaryDirectory(), "data");
  return { memory: new PinMemory(directory), again: () => new PinMemory(directory) };
}

it("remembers over restarts which PIN was refused, and lets one other be tried", () => {
  const { memory, again } = benchMemory();
  expect(memory.objection("1111")).toBeNull();

  memory.remember("1111");
  expect(again().objection("1111")).toBe("refused");
  expect(again().objection("2222")).toBeNull();
});

it("lets no third PIN be tried: three wrong ones lock the SIM", () => {
  const { memory, again } = benchMemory();
  memory.remember("1111");
  again().remember("2222");
  for (const pin of ["1111", "2222", "3333"]) expect(again().objection(pin)).toBe("too-many");
});

it("forgets all when the SIM is open", () => {
  const { memory, again } = benchMemory();
  memory.remember("1111");
  memory.remember("2222");
  memory.forget();
  expect(again().objection("1111")).toBeNull();
  memory.forget();
});

it("shows no PIN, salts each memory by itself, and lets the owner alone read it", () => {
  const [one, other] = [benchMemory().memory, benchMemory().memory];
  one.remember("1111");
  other.remember("1111");
  const kept = readFileSync(one.file, "utf8");
  expect(kept).not.toContain('"1111"');
  expect(Object.keys(JSON.parse(kept) as object).sort()).toEqual(["refusedHex", "saltHex"]);
  expect(kept).not.toBe(readFileSync(other.file, "utf8"));
  if (process.platform !== "win32") expect(statSync(one.file).mode & 0o777).toBe(0o600);
});

it.each(["{", "{}", '{"saltHex":"00","refusedHex":[]}', ""])("lets nothing be tried after %j", (kept) => {
  const { memory } = benchMemory();
  memory.remember("1111");
  writeFileSync(memory.file, kept);
  expect(memory.objection("2222")).toBe("unreadable");
});
