import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bigDigits } from "../../rig/dashboard/big-digits.js";
import { formatCurrent, formatElapsed, formatEnergy, formatPower } from "../../rig/dashboard/format.js";
import { frame, printable, rowWidth, span, spread, toWidth } from "../../rig/dashboard/rows.js";
import { plainText } from "./plain-text.js";

describe("rows", () => {
  it("are exactly as wide as asked, whatever is in them", () => {
    const row = fc.array(
      fc.string().map((text) => span(text)),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(row, row, fc.integer({ min: 0, max: 60 }), (left, right, width) => {
        expect(rowWidth(toWidth(left, width))).toBe(width);
        expect(rowWidth(spread(left, right, rowWidth(right) + width))).toBe(rowWidth(right) + width);
      }),
    );
  });

  it("that are cut say so with …", () => {
    expect(plainText([toWidth([span("board "), span("ready")], 8)])).toEqual(["board r…"]);
  });

  it("in a frame of 20 x 4 make 4 lines of 20 columns with the title in the edge", () => {
    const lines = plainText(
      frame({ title: [span("main")], state: [span("ready")], rows: [[span("1 A")]], width: 20, height: 4 }),
    );
    expect(lines).toEqual([
      "╭─ main ─── ready ─╮",
      "│1 A               │",
      "│                  │",
      "╰──────────────────╯",
    ]);
  });
});

describe("printable", () => {
  it("leaves one-column characters only, from any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(
          /\p{Cc}|\p{M}|\p{Emoji_Presentation}|[\u1100-\u11ff\u3000-\uffff]/u,
        );
      }),
    );
  });

  it("keeps a message as it is", () => {
    expect(printable("main: D8 → D9 open, 230 V ±1 %")).toBe("main: D8 → D9 open, 230 V ±1 %");
  });
});

describe("numbers", () => {
  it("have fixed decimals, and no minus at zero", () => {
    expect(formatCurrent(1.7391)).toEqual({ number: "1.739", unit: "A" });
    expect(formatPower(-0.04, "var")).toEqual({ number: "0.0", unit: "var" });
    expect(formatPower(12_345.6, "W")).toEqual({ number: "12346", unit: "W" });
    expect(formatEnergy(9999.99)).toEqual({ number: "9999.99", unit: "Wh" });
    expect(formatEnergy(12_345)).toEqual({ number: "12.35", unit: "kWh" });
    expect(formatElapsed(3_725_900)).toBe("1:02:05");
  });

  it("that are unknown are a dash", () => {
    expect(formatCurrent(null).number).toBe("–");
    expect(formatCurrent(Number.NaN).number).toBe("–");
  });

  it("of three digits and a point are 3 lines of 13 columns when large", () => {
    expect(bigDigits("1.74").map((line) => line.length)).toEqual([13, 13, 13]);
  });
});
