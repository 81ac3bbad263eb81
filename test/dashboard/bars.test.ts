import { describe, expect, it } from "vitest";
import { headerRow } from "../../rig/dashboard/bars.js";
import { initialView } from "../../rig/dashboard/view-state.js";
import { benchConfig } from "./events.js";
import { plainText } from "./plain-text.js";

const noon = { timeMs: new Date(2026, 0, 1, 12, 0, 0).getTime(), upMs: 761_000, held: false };
const state = initialView(benchConfig("main"), true);

function header(width: number, bench: { behindMs: number; skippedMs: number }, held = false): string {
  return plainText([headerRow({ ...state, bench }, { ...noon, held }, width)])[0] ?? "";
}

describe("the header", () => {
  it("says site, bench, how long it runs and the time of day", () => {
    const line = plainText([headerRow(state, noon, 80)])[0];
    expect(line).toMatch(/^ meter-rig · lab-1 · virtual bench +up 0:12:41 {2}12:00:00 $/);
    expect(line).toHaveLength(80);
  });

  it("says whether the virtual bench keeps real time, or by how much it is behind", () => {
    expect(header(80, { behindMs: 3, skippedMs: 0 })).toContain("virtual bench, in real time  ");
    expect(header(80, { behindMs: 273, skippedMs: 0 })).toContain("virtual bench, behind by 273 ms  ");
    expect(header(120, { behindMs: 273, skippedMs: 1800 })).toContain("behind by 273 ms, 1.8 s given up");
  });

  it("leaves out what was given up rather than cut the line", () => {
    const line = header(80, { behindMs: 273, skippedMs: 1800 }, true);
    expect(line).toContain("HELD");
    expect(line).not.toContain("given up");
    expect(line).toHaveLength(80);
  });

  it("says real boards where nothing is emulated", () => {
    expect(plainText([headerRow({ ...state, virtual: false }, noon, 80)])[0]).toContain(
      "lab-1 · real boards",
    );
  });
});
