/**
 * One meter on the screen: its LCD, its values, its way to the centre. Takes a MeterView and a size -> gives rows; the
 * trace is drawn into the gap that `panelShape` leaves (rig/dashboard/plot-widget.ts).
 */
import { bigDigits } from "./big-digits.js";
import { formatCurrent, formatPower, formatVoltage, UNKNOWN } from "./format.js";
import type { Rectangle } from "./layout.js";
import { GLASS_HEIGHT, GLASS_WIDTH, lcdGlass } from "./lcd-glass.js";
import { isReady, STATUS_ROWS, stateOf, statusRows } from "./meter-status.js";
import { frame, printable, type Row, rowWidth, type Style, span, spread, toWidth } from "./rows.js";
import { isNominal, type Value, valuesOf } from "./values.js";
import type { MeterView } from "./view-state.js";

export interface PanelShape {
  /** Large digits and words instead of symbols. */
  readonly wide: boolean;
  readonly gridColumns: number;
  readonly gridRows: number;
  /** Blank rows between the parts. */
  readonly gap: 0 | 1;
  /** Where the trace is drawn, from the panel's upper left corner; null where there is no room. */
  readonly trace: Rectangle | null;
}

const WIDE_COLUMNS = 56;
const GRID_CELL = 27;
const SMALLEST_TRACE = 5;
const GAP_BETWEEN_NUMBERS = 3;
const ROOM_FOR_TRACE_NOTE = 50;

export function panelShape(width: number, height: number): PanelShape {
  const inner = { width: width - 2, height: height - 2 };
  const wide = inner.width >= WIDE_COLUMNS;
  const gridColumns = wide ? Math.min(5, Math.floor((inner.width - 2) / GRID_CELL)) : 2;
  const gridRows = wide ? Math.ceil(10 / gridColumns) : 3;
  const fixed = GLASS_HEIGHT + gridRows + STATUS_ROWS;
  const gap = inner.height >= fixed + 2 ? 1 : 0;
  // The trace has a line of its own above it that says the scales, and a gap.
  const traceHeight = inner.height - fixed - 3 * gap - 1;
  const trace =
    gap === 1 && traceHeight >= SMALLEST_TRACE
      ? {
          left: 2,
          top: 1 + GLASS_HEIGHT + gap + gridRows + gap + 1,
          width: inner.width - 2,
          height: traceHeight,
        }
      : null;
  return { wide, gridColumns, gridRows, gap, trace };
}

/** @param nowMs wall-clock time, for how old an alert is */
export function meterPanel(meter: MeterView, width: number, height: number, nowMs: number): Row[] {
  const shape = panelShape(width, height);
  const inner = width - 2;
  const blank: Row[] = shape.gap === 1 ? [[]] : [];
  const status = statusRows(meter, shape.wide, nowMs);
  const rows: Row[] = [
    ...topRows(meter, shape, inner),
    ...blank,
    ...gridRows(meter, shape, inner),
    ...blank,
    ...(shape.trace === null
      ? []
      : [traceTitle(meter, inner), ...Array.from({ length: shape.trace.height }, () => []), []]),
  ];
  const filler = Array.from({ length: Math.max(0, height - 2 - rows.length - STATUS_ROWS) }, (): Row => []);
  return frame({
    title: [span(printable(meter.id), meter.accent)],
    state: stateOf(meter),
    rows: [...rows, ...filler, ...status],
    width,
    height,
  });
}

function topRows(meter: MeterView, { wide }: PanelShape, inner: number): Row[] {
  const glass = lcdGlass(meter.lcd, meter.accent, isReady(meter));
  const beside = wide ? largeValues(meter, inner - GLASS_WIDTH - 4) : smallValues(meter);
  return glass.map((row, line) => [span(" "), ...row, span(wide ? "   " : " "), ...(beside[line] ?? [])]);
}

/** The four values that matter most, in 18 columns beside the glass. */
function smallValues(meter: MeterView): Row[] {
  return valuesOf(meter)
    .slice(0, 4)
    .map((value) => [
      span(`${value.symbol} `, "dim"),
      span(value.number.padStart(6), valueStyle(meter, value)),
      span(` ${value.unit}`, "dim"),
      span(value.nominal ? " nominal" : "", "dim"),
    ]);
}

function largeValues(meter: MeterView, room: number): Row[] {
  const reading = meter.reading;
  const live = isReady(meter);
  const large = (text: string, unit: string, label: string, style: Style) => ({ text, unit, label, style });
  const numbers = [
    large(largePower(reading?.activePowerW ?? null), "W", "active power", live ? "bright" : "dim"),
    large(
      largeNumber(formatCurrent(reading?.currentA ?? null).number),
      "A",
      "current",
      live ? meter.accent : "dim",
    ),
    large(
      formatVoltage(reading?.voltageV ?? null).number.padStart(5),
      "V",
      isNominal(meter) ? "nominal voltage" : "voltage",
      live ? "text" : "dim",
    ),
  ];
  const rows: Row[] = [[], [], [], []];
  let left = room;
  for (const { text, unit, label, style } of numbers) {
    const dots = bigDigits(text === UNKNOWN ? "-" : text);
    const width = dots[0].length + 1 + unit.length;
    if (width > left) break;
    left -= width + GAP_BETWEEN_NUMBERS;
    const gap = span(" ".repeat(rowWidth(rows[0] ?? []) === 0 ? 0 : GAP_BETWEEN_NUMBERS));
    const lines: Row[] = [
      [span(label.padStart(dots[0].length), "dim")],
      [span(dots[0], style)],
      [span(dots[1], style)],
      [span(dots[2], style), span(` ${unit}`, "dim")],
    ];
    lines.forEach((line, row) => {
      rows[row] = [...(rows[row] ?? []), gap, ...toWidth(line, width)];
    });
  }
  return rows;
}

/** Whole watts in four digits. */
function largePower(powerW: number | null): string {
  const { number } = formatPower(powerW, "W");
  return (Number.isNaN(Number(number)) ? "-" : String(Math.round(Number(number)))).padStart(4);
}

/** Three digits: two decimals below 10, one below 100. */
function largeNumber(number: string): string {
  if (Number.isNaN(Number(number))) return "   -";
  return Number(number).toFixed(Number(number) < 9.995 ? 2 : 1);
}

function gridRows(meter: MeterView, shape: PanelShape, inner: number): Row[] {
  const values = shape.wide ? valuesOf(meter) : valuesOf(meter).slice(4);
  const cellWidth = Math.floor((inner - 2) / shape.gridColumns);
  return Array.from({ length: shape.gridRows }, (_, row) => [
    span(shape.wide ? "  " : " "),
    ...Array.from({ length: shape.gridColumns }, (_, column) => values[column * shape.gridRows + row])
      .filter((value) => value !== undefined)
      .flatMap((value) => toWidth(gridCell(meter, value, shape.wide), cellWidth)),
  ]);
}

function gridCell(meter: MeterView, value: Value, wide: boolean): Row {
  return [
    wide
      ? span((value.nominal ? `nominal ${value.short}` : value.name).padEnd(14), "dim")
      : span(value.symbol.padEnd(4), "dim"),
    span(value.number.padStart(wide ? 7 : 8), valueStyle(meter, value)),
    span(` ${value.unit}`, "dim"),
  ];
}

function valueStyle(meter: MeterView, value: Value): Style {
  return isReady(meter) && value.number !== UNKNOWN ? "bright" : "dim";
}

function traceTitle(meter: MeterView, inner: number): Row {
  const voltage =
    meter.waveform?.voltageV == null
      ? []
      : [span("    ━ ", "dim"), span(`voltage ±${meter.scaleV} V`, "dim")];
  return [
    span("  "),
    ...spread(
      [span("━ ", meter.accent), span(`current ±${meter.scaleA} A`, "dim"), ...voltage],
      inner < ROOM_FOR_TRACE_NOTE ? [] : [span("last window  ", "dim")],
      inner - 2,
    ),
  ];
}
