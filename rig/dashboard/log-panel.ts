/**
 * What just happened, newest first. Takes the log, a size and how far it is scrolled -> gives rows. Pure.
 */
import { formatTimeOfDay } from "./format.js";
import { frame, type Row, span } from "./rows.js";
import type { Happening, ViewState } from "./view-state.js";

/** How far the log can be scrolled in a panel of this height. */
export function largestScroll(state: ViewState, height: number): number {
  return Math.max(0, state.log.length - (height - 2));
}

/** @param scroll lines newer than the first one shown */
export function logPanel(state: ViewState, width: number, height: number, scroll: number): Row[] {
  const lines = state.log.toReversed().slice(scroll, scroll + height - 2);
  const older = state.log.length - scroll - lines.length;
  const position = [scroll > 0 ? `↑ ${scroll} newer` : "", older > 0 ? `↓ ${older} older` : ""];
  const where = position.filter((part) => part !== "").join("  ");
  return frame({
    title: [span("what just happened", "dim")],
    state: where === "" ? [] : [span(where, scroll > 0 ? "bright" : "dim")],
    rows: lines.map((line) => logRow(line, state)),
    width,
    height,
  });
}

function logRow({ atMs, meter, text, tone }: Happening, state: ViewState): Row {
  const accent = state.meters.find(({ id }) => id === meter)?.accent ?? "text";
  return [
    span(` ${formatTimeOfDay(atMs)} `, "dim"),
    ...(meter === null ? [] : [span(meter, accent), span(" ")]),
    span(text, tone),
  ];
}
