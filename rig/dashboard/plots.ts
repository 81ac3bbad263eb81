/**
 * What the two plots show, in parts of their area: the trace of a meter, and the power of all meters over time. Pure;
 * rig/dashboard/plot-widget.ts draws it.
 */
import { CYCLES, roundedUp, traceOf } from "./oscilloscope.js";
import { type Row, rowWidth, type Style, span } from "./rows.js";
import { HISTORY_MS, type MeterView, type ViewState } from "./view-state.js";

export interface Plot {
  /** From the bottom (0) to the top (1); a line is drawn across at each. */
  readonly yLabels: readonly { readonly at: number; readonly text: string }[];
  /** From the left (0) to the right (1). */
  readonly xLabels: readonly { readonly at: number; readonly text: string }[];
  /** Drawn in this order; y null breaks the line. */
  readonly series: readonly {
    readonly style: Style;
    readonly points: readonly { readonly x: number; readonly y: number | null }[];
  }[];
}

/** Lines are broken where readings are missing for longer than this many of their intervals. */
const GAP_INTERVALS = 4;
const SPANS_MS = [60_000, 120_000, 300_000, HISTORY_MS];
const SMALLEST_POWER_SCALE_W = 100;
/** Finer than the trace's: half of each is a round number too. */
const POWER_SCALE_STEPS = [1, 2, 3, 4, 5, 6, 8, 10];

/** @param points instants across the trace: the dots there are room for */
export function tracePlot(meter: MeterView, mainsHz: number, points: number): Plot {
  const windowMs = (CYCLES * 1000) / mainsHz;
  const stepMs = windowMs <= 50 ? 10 : 20;
  const steps = Math.floor(windowMs / stepMs + 1e-9);
  const axes = {
    yLabels: [
      { at: 1, text: `+${meter.scaleA}` },
      { at: 0.5, text: "0 A" },
      { at: 0, text: `-${meter.scaleA}` },
    ],
    xLabels: Array.from({ length: steps + 1 }, (_, step) => ({
      at: (step * stepMs) / windowMs,
      text: step === steps ? `${step * stepMs} ms` : String(step * stepMs),
    })),
  };
  if (meter.waveform === null || meter.waveform.currentA.length === 0) return { ...axes, series: [] };
  const trace = traceOf(meter.waveform, windowMs, points);
  const line = (style: Style, values: readonly (number | null)[], scale: number) => ({
    style,
    points: values.map((value, index) => ({
      x: index / (points - 1),
      y: value === null ? null : 0.5 + value / scale / 2,
    })),
  });
  const voltage = trace.voltageV === null ? [] : [line("dim", trace.voltageV, meter.scaleV)];
  const live = meter.board?.state === "ready";
  return {
    ...axes,
    series: [...voltage, line(live ? meter.accent : "dim", trace.currentA, meter.scaleA)],
  };
}

/** Power of every meter up to now, over a time that grows with what there is to show, up to 10 minutes. */
export function powerPlot(state: ViewState, nowMs: number): Plot {
  const spanMs = powerSpanMs(state, nowMs);
  const powers = state.meters
    .flatMap(({ history }) => history.map(({ powerW }) => powerW))
    .filter(Number.isFinite);
  const largest = powers.reduce(
    (most, power) => Math.max(most, Math.abs(power) * 1.05),
    SMALLEST_POWER_SCALE_W,
  );
  const top = roundedUp(largest, POWER_SCALE_STEPS);
  const bottom = powers.some((power) => power < -top / 50) ? -top : 0;
  const height = top - bottom;
  return {
    yLabels: [top, (top + bottom) / 2, bottom].map((value) => ({
      at: (value - bottom) / height,
      text: value === top ? `${value} W` : String(value),
    })),
    xLabels: [
      { at: 0, text: `-${formatSpan(spanMs)}` },
      { at: 0.5, text: `-${formatSpan(spanMs / 2)}` },
      { at: 1, text: "now" },
    ],
    series: state.meters.map((meter) => ({
      style: meter.accent,
      points: meter.history.flatMap(({ atMs, powerW }, index) => {
        const x = 1 - (nowMs - atMs) / spanMs;
        if (x < 0 || x > 1) return [];
        const before = meter.history[index - 1];
        const gap = before !== undefined && atMs - before.atMs > GAP_INTERVALS * state.readingMs;
        const y = Number.isFinite(powerW) ? (powerW - bottom) / height : null;
        return gap
          ? [
              { x, y: null },
              { x, y },
            ]
          : [{ x, y }];
      }),
    })),
  };
}

/** "power, last 2 min" for the frame around the plot. */
export function powerTitle(state: ViewState, nowMs: number): Row {
  return [span(`power, last ${formatSpan(powerSpanMs(state, nowMs))}`, "dim")];
}

/** The meters' colours, as many as there is room for. */
export function powerLegend(state: ViewState, width: number): Row {
  let legend: Row = [];
  for (const { id, accent } of state.meters) {
    const longer = [...legend, span(legend.length === 0 ? "━ " : "  ━ ", accent), span(id, "dim")];
    if (rowWidth(longer) > width) break;
    legend = longer;
  }
  return legend;
}

function powerSpanMs(state: ViewState, nowMs: number): number {
  const first = state.meters.reduce(
    (least, { history }) => Math.min(least, history[0]?.atMs ?? nowMs),
    nowMs,
  );
  return SPANS_MS.find((spanMs) => spanMs >= nowMs - first) ?? HISTORY_MS;
}

function formatSpan(spanMs: number): string {
  return spanMs <= 60_000 ? `${spanMs / 1000} s` : `${spanMs / 60_000} min`;
}
