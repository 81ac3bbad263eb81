import { describe, expect, it } from "vitest";
import { roundedUp, traceOf } from "../../rig/dashboard/oscilloscope.js";
import { sineWaveform } from "./events.js";

describe("traceOf", () => {
  it("starts at a rise through zero and shows 3 cycles of 50 Hz in 60 ms", () => {
    const { currentA } = traceOf(sineWaveform(2, null), 60, 121);
    currentA.forEach((value, point) => {
      expect(value).toBeCloseTo(2 * Math.sin((2 * Math.PI * 3 * point) / 120), 1);
    });
  });

  it("draws 6.7 samples per cycle as the sine they stand for, within 1 % of the peak", () => {
    const { currentA } = traceOf(sineWaveform(1, null), 60, 241);
    const worst = currentA.map((value, point) =>
      Math.abs((value ?? Number.NaN) - Math.sin((2 * Math.PI * 3 * point) / 240)),
    );
    expect(Math.max(...worst)).toBeLessThan(0.06);
    const peak = Math.max(...currentA.map((value) => value ?? 0));
    expect(Math.abs(peak - 1)).toBeLessThan(0.01);
  });

  it("is triggered by the voltage, so that a lagging current starts below zero", () => {
    const lag = (angle: number) =>
      Float64Array.from({ length: 1000 }, (_, ms) => Math.sin(0.1 * Math.PI * ms - angle));
    const trace = traceOf({ currentA: lag(Math.PI / 4), voltageV: lag(0), intervalMs: 1 }, 60, 61);
    expect(trace.voltageV?.[0]).toBeCloseTo(0, 1);
    expect(trace.currentA[0]).toBeCloseTo(-Math.SQRT1_2, 1);
  });

  it("shows the end of a signal that never rises through zero", () => {
    const flat = new Float64Array(200).fill(0.5);
    expect(traceOf({ currentA: flat, voltageV: null, intervalMs: 1 }, 60, 5).currentA).toEqual([
      0.5, 0.5, 0.5, 0.5, 0.5,
    ]);
  });

  it("leaves a gap where samples are not numbers or too few", () => {
    const gap = new Float64Array(10).fill(Number.NaN);
    expect(traceOf({ currentA: gap, voltageV: null, intervalMs: 1 }, 60, 3).currentA).toEqual([
      null,
      null,
      null,
    ]);
    const none = traceOf({ currentA: new Float64Array(0), voltageV: null, intervalMs: 1 }, 60, 2);
    expect(none.currentA).toEqual([null, null]);
  });
});

describe("roundedUp", () => {
  it.each([
    [0.2, 0.2],
    [0.21, 0.5],
    [1, 1],
    [1.01, 2],
    [341, 500],
    [501, 1000],
  ])("makes %d %d", (value, expected) => {
    expect(roundedUp(value)).toBe(expected);
  });
});
