import { describe, expect, it } from "vitest";
import { powerPlot, tracePlot } from "../../rig/dashboard/plots.js";
import { reduce, withWaveform } from "../../rig/dashboard/view.js";
import { initialView, type ViewState } from "../../rig/dashboard/view-state.js";
import { at, benchConfig, reading, START_MS, sineWaveform } from "./events.js";

const start = initialView(benchConfig("main", "neighbour"), true);

/** One reading of the main meter at each of these seconds. */
function readings(...powers: readonly (readonly [second: number, powerW: number])[]): ViewState {
  return powers.reduce(
    (state, [second, activePowerW]) =>
      reduce(state, at(START_MS + second * 1000, reading("main", { activePowerW }))),
    start,
  );
}

describe("the power plot", () => {
  it("shows 0 to 500 W for 400 W, at 4/5 of the height", () => {
    const plot = powerPlot(readings([0, 400], [1, 400]), START_MS + 1000);
    expect(plot.yLabels.map(({ text }) => text)).toEqual(["500 W", "250", "0"]);
    expect(plot.series[0]?.points.at(-1)).toEqual({ x: 1, y: 0.8 });
    expect(plot.series[1]?.points).toEqual([]);
  });

  it.each([
    [30, "-60 s"],
    [61, "-2 min"],
    [599, "-10 min"],
    [3000, "-10 min"],
  ])("reaches back after %d s to %s", (seconds, label) => {
    expect(powerPlot(readings([0, 100]), START_MS + seconds * 1000).xLabels[0]?.text).toBe(label);
  });

  it("breaks the line where readings were missing for 10 s", () => {
    const { points } = powerPlot(readings([0, 100], [1, 100], [11, 100]), START_MS + 11_000).series[0]!;
    expect(points.map(({ y }) => y === null)).toEqual([false, false, true, false]);
  });

  it("goes below zero where power is fed back", () => {
    const plot = powerPlot(readings([0, -250]), START_MS);
    expect(plot.yLabels.map(({ text }) => text)).toEqual(["300 W", "0", "-300"]);
  });

  it("leaves out what is not a number", () => {
    const plot = powerPlot(readings([0, Number.NaN], [1, 100]), START_MS + 1000);
    expect(plot.series[0]?.points[0]?.y).toBeNull();
    expect(plot.yLabels[0]?.text).toBe("200 W");
  });
});

describe("the power plot of many meters", () => {
  it("takes 250 meters with 600 readings each: 150 000 points", () => {
    const history = Array.from({ length: 600 }, (_, second) => ({
      atMs: START_MS + second * 1000,
      powerW: 400,
    }));
    const meters = Array.from({ length: 250 }, () => ({ ...start.meters[0]!, history }));
    const plot = powerPlot({ ...start, meters }, START_MS + 599_000);
    expect(plot.yLabels[0]?.text).toBe("500 W");
    expect(plot.series.map(({ points }) => points.length)).toEqual(meters.map(() => 600));
  });
});

describe("the trace", () => {
  it("has an axis of 60 ms and the full scale in amperes, without a line before the first samples", () => {
    const plot = tracePlot(start.meters[0]!, 50, 100);
    expect(plot.xLabels.map(({ text }) => text)).toEqual(["0", "20", "40", "60 ms"]);
    expect(plot.yLabels.map(({ text }) => text)).toEqual(["+0.2", "0 A", "-0.2"]);
    expect(plot.series).toEqual([]);
  });

  it("at 60 Hz has an axis of 50 ms", () => {
    const labels = tracePlot(start.meters[0]!, 60, 100).xLabels;
    expect(labels.at(-1)).toEqual({ at: 1, text: "50 ms" });
  });

  it("draws voltage and current, each on its own scale", () => {
    const shown = withWaveform(start, "main", sineWaveform(1, 325)).meters[0]!;
    const [voltage, current] = tracePlot(shown, 50, 241).series;
    const peak = (points: readonly { y: number | null }[]) => Math.max(...points.map(({ y }) => y ?? 0));
    expect(peak(voltage!.points)).toBeCloseTo(0.5 + 325 / 500 / 2, 2);
    expect(peak(current!.points)).toBeCloseTo(0.5 + 1 / 2 / 2, 2);
  });
});
