/**
 * What just happened, newest first. Takes the log, a size and how far it is scrolled -> gives rows. Pure.
 */
import { formatTimeOfDay } from "./format.js";
import { frame, type Row, span } from "./rows.js";
import type { Happening, ViewState } from "./view-state.js";

/** How far the log can be scrolled in a panel of this size: until its oldest lines fill it. */
export function largestScroll(state: ViewState, width: number, height: number): number {
  let room = height - 2;
  let fitting = 0;
  for (const happening of state.log) {
    room -= logRows(happening, state, width - 3).length;
    if (room < 0 && fitting > 0) break;
    fitting += 1;
  }
  return state.log.length - fitting;
}

/** @param scroll lines newer than the first one shown */
export function logPanel(state: ViewState, width: number, height: number, scroll: number): Row[] {
  const room = height - 2;
  const rows: Row[] = [];
  let shown = 0;
  for (const happening of state.log.toReversed().slice(scroll)) {
    if (rows.length >= room) break;
    rows.push(...logRows(happening, state, width - 3));
    if (rows.length <= room) shown += 1;
  }
  const older = state.log.length - scroll - shown;
  const position = [scroll > 0 ? `↑ ${scroll} newer` : "", older > 0 ? `↓ ${older} older` : ""];
  const where = position.filter((part) => part !== "").join("  ");
  return frame({
    title: [span("what just happened", "dim")],
    state: where === "" ? [] : [span(where, scroll > 0 ? "bright" : "dim")],
    rows: rows.slice(0, room),
    width,
    height,
  });
}

/** As many rows as its text takes, which may say what to do about it; one for what nobody needs to read to its end. */
function logRows({ atMs, meter, text, tone }: Happening, state: ViewState, width: number): Row[] {
  const accent = state.meters.find(({ id }) => id === meter)?.accent ?? "text";
  const time = ` ${formatTimeOfDay(atMs)} `;
  const name = meter === null ? "" : `${meter} `;
  const lines = tone === "dim" ? [name + text] : wrap(name + text, width - time.length);
  return lines.map((line, index) =>
    index === 0
      ? [span(time, "dim"), span(name, accent), span(line.slice(name.length), tone)]
      : [span(" ".repeat(time.length)), span(line, tone)],
  );
}

/** Breaks at spaces where it can, and inside a word that is longer than a line. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > width / 2 ? space : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}
