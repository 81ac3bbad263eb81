import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layoutOf, type Rectangle } from "../../rig/dashboard/layout.js";
import { meterPanel, panelShape } from "../../rig/dashboard/meter-panel.js";
import { reduce } from "../../rig/dashboard/view.js";
import { initialView } from "../../rig/dashboard/view-state.js";
import { at, benchConfig, display, reading, ready, START_MS } from "./events.js";
import { plainText } from "./plain-text.js";

const sizes = fc.record({
  columns: fc.integer({ min: 80, max: 300 }),
  rows: fc.integer({ min: 24, max: 100 }),
  meters: fc.integer({ min: 1, max: 9 }),
  hasModem: fc.boolean(),
  page: fc.integer({ min: -20, max: 20 }),
});

const TWO = { meterCount: 2, hasModem: true, page: 0 };

describe("the layout", () => {
  it("puts everything into the terminal without overlapping, at any size from 80x24", () => {
    fc.assert(
      fc.property(sizes, ({ columns, rows, meters, hasModem, page }) => {
        const layout = layoutOf(columns, rows, { meterCount: meters, hasModem, page })!;
        const { header, footer, panels, sharedWay, power, log } = layout;
        const places = [header, footer, ...panels, sharedWay, log, ...(power === null ? [] : [power])];
        for (const [index, place] of places.entries()) {
          expect(place.left + place.width).toBeLessThanOrEqual(columns);
          expect(place.top + place.height).toBeLessThanOrEqual(rows);
          expect(places.slice(index + 1).some((other) => overlap(place, other))).toBe(false);
        }
        expect(panels.length).toBeGreaterThan(0);
        expect(layout.firstMeter + panels.length).toBeLessThanOrEqual(meters);
        for (const panel of panels) {
          expect(panel.width).toBeGreaterThanOrEqual(40);
          expect(panel.height).toBeGreaterThanOrEqual(14);
        }
        expect(log.height).toBeGreaterThanOrEqual(7);
      }),
    );
  });

  it("shows every meter on exactly one page", () => {
    fc.assert(
      fc.property(sizes, ({ columns, rows, meters, hasModem }) => {
        const at = (page: number) => layoutOf(columns, rows, { meterCount: meters, hasModem, page })!;
        const { pages } = at(0);
        const shown = Array.from({ length: pages }, (_, page) => at(page)).flatMap(({ firstMeter, panels }) =>
          panels.map((_, index) => firstMeter + index),
        );
        expect(shown).toEqual(Array.from({ length: meters }, (_, index) => index));
      }),
    );
  });

  it("puts 2 meters side by side, with the traces at 120x40 and without them at 80x24", () => {
    const small = layoutOf(80, 24, TWO)!;
    expect(small.panels.map(({ left, width }) => [left, width])).toEqual([
      [0, 40],
      [40, 40],
    ]);
    expect(panelShape(40, small.panels[0]!.height).trace).toBeNull();
    expect(small.power).toBeNull();
    const usual = layoutOf(120, 40, TWO)!;
    expect(usual.panels.map(({ left, width }) => [left, width])).toEqual([
      [0, 60],
      [60, 60],
    ]);
    expect(panelShape(60, usual.panels[0]!.height).trace?.height).toBeGreaterThanOrEqual(7);
    expect(usual.power).not.toBeNull();
  });

  it.each([
    [24, true, 1],
    [29, true, 1],
    [30, true, 2],
    [60, true, 2],
    [60, false, 1],
  ])(
    "at %d rows, modem: %s, gives the shared way %d lines, right below the panels",
    (rows, hasModem, lines) => {
      const { sharedWay, panels } = layoutOf(80, rows, { ...TWO, hasModem })!;
      expect(sharedWay).toEqual({
        left: 0,
        top: panels.at(-1)!.top + panels.at(-1)!.height,
        width: 80,
        height: lines,
      });
    },
  );

  it("is none below 80 columns or 24 rows", () => {
    expect(layoutOf(79, 24, TWO)).toBeNull();
    expect(layoutOf(80, 23, TWO)).toBeNull();
  });
});

describe("a meter's panel", () => {
  const config = benchConfig("main");
  const shown = [ready("main"), display("main", "connection", "barred"), reading("main")].reduce(
    (state, event) => reduce(state, at(START_MS, event)),
    initialView(config, true),
  ).meters[0]!;

  it("has every row in full at any size, and leaves the trace's place blank", () => {
    fc.assert(
      fc.property(fc.integer({ min: 40, max: 200 }), fc.integer({ min: 14, max: 60 }), (width, height) => {
        const lines = plainText(meterPanel(shown, width, height, START_MS));
        expect(lines).toHaveLength(height);
        expect(lines.every((line) => line.length === width)).toBe(true);
        const { trace } = panelShape(width, height);
        for (let row = 0; row < (trace?.height ?? 0); row += 1)
          expect(lines[trace!.top + row]?.slice(1, -1).trim()).toBe("");
      }),
    );
  });

  it("shows all 16 columns of both LCD lines in a frame", () => {
    const lines = plainText(meterPanel(shown, 40, 14, START_MS));
    expect(lines[1]).toContain("╔════════════════╗");
    expect(lines[2]).toContain("║connection      ║");
    expect(lines[3]).toContain("║barred          ║");
    expect(lines[4]).toContain("╚════════════════╝");
  });

  it.each([
    [40, 14],
    [60, 27],
  ])("shows every value at %dx%d", (width, height) => {
    const text = plainText(meterPanel(shown, width, height, START_MS)).join("\n");
    for (const value of [
      "400.1 W",
      "1.739 A",
      "230.1 V",
      "0.998",
      "50.01 Hz",
      "400.2 VA",
      "8.9 var",
      "12.41 Wh",
      "402.7 W",
      "333.3 /s",
    ])
      expect(text).toContain(value);
  });

  it.each([
    [40, 14],
    [60, 27],
  ])("says that a voltage is nominal at %dx%d", (width, height) => {
    const flags = ["nominal-voltage"] as const;
    const nominal = { ...shown, reading: { ...shown.reading!, voltageSource: "nominal" as const, flags } };
    const panel = plainText(meterPanel(nominal, width, height, START_MS));
    expect(panel.find((line) => line.includes("230.1 V"))).toContain("nominal");
    expect(panel.join("\n")).toContain("voltage nominal");
  });

  it("shows a display that nothing was written to as 2 blank lines of 16", () => {
    const lines = plainText(meterPanel({ ...shown, lcd: null }, 40, 14, START_MS));
    expect(lines[2]).toContain(`║${" ".repeat(16)}║`);
  });

  it("shows an alert for a minute", () => {
    const alarmed = { ...shown, alert: { atMs: START_MS, text: "report #12 refused" } };
    expect(plainText(meterPanel(alarmed, 60, 27, START_MS + 59_000)).join()).toContain("report #12 refused");
    expect(plainText(meterPanel(alarmed, 60, 27, START_MS + 61_000)).join()).not.toContain(
      "report #12 refused",
    );
  });
});

function overlap(a: Rectangle, b: Rectangle): boolean {
  const apart =
    a.left + a.width <= b.left ||
    b.left + b.width <= a.left ||
    a.top + a.height <= b.top ||
    b.top + b.height <= a.top;
  return !apart;
}
