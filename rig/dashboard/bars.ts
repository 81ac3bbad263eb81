/**
 * The first and the last line of the screen, and what is said where the terminal is too small. Pure.
 */
import { formatElapsed, formatTimeOfDay } from "./format.js";
import { MINIMUM_COLUMNS, MINIMUM_ROWS } from "./layout.js";
import { printable, type Row, rowWidth, type Span, span, spread, toWidth } from "./rows.js";
import type { ViewState } from "./view-state.js";

/** Below this the virtual bench is not said to be behind: it is within a frame of the screen. */
const BEHIND_SHOWN_MS = 100;

export function headerRow(
  state: ViewState,
  now: { readonly timeMs: number; readonly upMs: number; readonly held: boolean },
  width: number,
): Row {
  const left = [
    span(" meter-rig ", "bright"),
    span("· ", "border"),
    span(printable(state.site), "bright"),
    span(" · ", "border"),
    ...(state.virtual ? [span("virtual bench"), ...pace(state.bench)] : [span("real boards")]),
  ];
  const right = [
    ...(now.held ? [span(" HELD, Space goes on ", "inverse"), span("  ")] : []),
    span(`up ${formatElapsed(now.upMs)}`, "dim"),
    span("  "),
    span(`${formatTimeOfDay(now.timeMs)} `, "bright"),
  ];
  const skipped = state.virtual ? givenUp(state.bench) : [];
  const room = width - rowWidth(left) - rowWidth(right);
  return spread(rowWidth(skipped) < room ? [...left, ...skipped] : left, right, width);
}

function pace(bench: ViewState["bench"]): Span[] {
  if (bench === null) return [];
  if (bench.behindMs < BEHIND_SHOWN_MS) return [span(", in real time", "dim")];
  return [span(`, behind by ${Math.round(bench.behindMs)} ms`, "bright")];
}

/** Bench time that was left out, where there is room to say so. */
function givenUp(bench: ViewState["bench"]): Row {
  if (bench === null || !(bench.skippedMs >= 1)) return [];
  return [span(`, ${(bench.skippedMs / 1000).toFixed(1)} s given up`, "dim")];
}

export function footerRow(
  options: { readonly pages: number; readonly held: boolean; readonly help: boolean },
  width: number,
): Row {
  const key = (name: string, effect: string) => [span(` ${name} `, "bright"), span(`${effect}  `, "dim")];
  if (options.help)
    return toWidth([...key("Esc", "close"), ...key("↑ ↓", "scroll"), ...key("q", "quit")], width);
  return toWidth(
    [
      ...key("q", "quit"),
      ...key("?", "help"),
      ...key("Space", options.held ? "go on" : "hold"),
      ...key("↑ ↓", "log"),
      ...(options.pages > 1 ? key("Tab", "more meters") : []),
    ],
    width,
  );
}

/** The whole screen where there is too little of it. */
export function tooSmallRows(columns: number, rows: number): Row[] {
  const lines = [
    `meter-rig needs ${MINIMUM_COLUMNS} x ${MINIMUM_ROWS}`,
    `this is ${columns} x ${rows}`,
    "enlarge it to go on, q quits",
  ];
  const above = Math.max(0, Math.floor((rows - lines.length) / 2));
  return [
    ...Array.from({ length: above }, (): Row => []),
    ...lines.map((line, index): Row => {
      const indent = Math.max(0, Math.floor((columns - line.length) / 2));
      return toWidth([span(" ".repeat(indent)), span(line, index === 0 ? "bright" : "dim")], columns);
    }),
  ];
}
