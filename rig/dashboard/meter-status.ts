/**
 * How a meter is doing, in words: its state in the panel's edge, and the rows on its way to the centre, its board, and
 * what to know about its values. Pure.
 */
import { formatTimeOfDay, UNKNOWN } from "./format.js";
import { printable, type Row, type Span, span } from "./rows.js";
import { notesOf } from "./values.js";
import type { MeterView } from "./view-state.js";

export const STATUS_ROWS = 4;
/** An alert stays on the panel this long. */
const ALERT_SHOWN_MS = 60_000;

export function isReady(meter: MeterView): boolean {
  return meter.board?.state === "ready";
}

/** What stands in the panel's upper edge: the first thing to know. */
export function stateOf(meter: MeterView): Row {
  const { board, route } = meter;
  if (board?.state === "lost") return [span("board lost ●", "broken")];
  if (board?.state !== "ready") return [span("connecting ○", "dim")];
  if (route?.route === "barred") return [span("connection barred ●", "broken")];
  if (route?.route === "bypassed") return [span(`through ${neighbour(route.via)} ●`, "carries")];
  return [span("ready ", "dim"), span("●", meter.accent)];
}

/**
 * Always STATUS_ROWS rows, so that nothing moves.
 * @param wide room for whole sentences
 * @param nowMs wall-clock time, for how old an alert is
 */
export function statusRows(meter: MeterView, wide: boolean, nowMs: number): Row[] {
  const labelled = (label: string, ...rest: Span[]): Row => [
    span(` ${label.padEnd(wide ? 8 : 6)}`, "dim"),
    ...rest,
  ];
  return [
    labelled("way", ...wayOf(meter)),
    wide ? labelled("reports", ...reportsOf(meter)) : shortReports(meter),
    labelled("board", boardOf(meter, wide)),
    noteRow(meter, nowMs, labelled),
  ];
}

function wayOf({ route }: MeterView): Row {
  if (route === null) return [span("not known yet", "dim")];
  const cause = route.cause === "" ? "" : `: ${printable(route.cause)}`;
  if (route.route === "barred") return [span(`barred${cause}`, "broken")];
  if (route.route === "bypassed") return [span(`through ${neighbour(route.via)}${cause}`, "carries")];
  return [span("own cable")];
}

function reportsOf({ sent, stored, waiting }: MeterView): Row {
  return [
    span(`${sequence(sent)} sent, ${sequence(stored)} stored, `),
    waitingSpan(waiting),
    span(" waiting in the journal"),
  ];
}

function shortReports({ sent, stored, waiting }: MeterView): Row {
  return [
    span(" sent ", "dim"),
    span(sequence(sent)),
    span(" stored ", "dim"),
    span(sequence(stored)),
    span(" waiting ", "dim"),
    waitingSpan(waiting),
  ];
}

/** One report is always on its way for a moment; more of them are stuck. */
function waitingSpan(waiting: number): Span {
  return span(String(waiting), waiting > 1 ? "carries" : "text");
}

function boardOf({ board }: MeterView, wide: boolean): Span {
  if (board === null) return span("not opened yet", "dim");
  const port = printable(board.port);
  const detail = board.detail === undefined ? "" : printable(board.detail);
  if (board.state === "lost") return span(detail === "" ? "lost" : `lost: ${detail}`, "broken");
  if (board.state === "connecting") return span(detail === "" ? `connecting to ${port}` : detail, "dim");
  const firmware = printable(board.firmware ?? "unknown firmware");
  const note = detail === "" ? "" : `, ${detail}`;
  return span(wide ? `${firmware} on ${port}${note}` : `${firmware.replace("Standard", "")}, ${port}${note}`);
}

function noteRow(meter: MeterView, nowMs: number, labelled: (label: string, ...rest: Span[]) => Row): Row {
  const { alert, lcdTimingViolations, reading } = meter;
  if (alert !== null && nowMs - alert.atMs < ALERT_SHOWN_MS)
    return labelled("alert", span(`${formatTimeOfDay(alert.atMs)} ${alert.text}`, "broken"));
  if (lcdTimingViolations > 0)
    return labelled("note", span(`LCD written too fast ${lcdTimingViolations} times`, "broken"));
  if (reading === null) return labelled("note", span("no reading yet", "dim"));
  const notes = notesOf(meter);
  return labelled("note", span(notes === "" ? "all values measured" : notes, "dim"));
}

function sequence(number: number | null): string {
  return number === null ? UNKNOWN : `#${number}`;
}

function neighbour(via: string | null): string {
  return printable(via ?? "a neighbour");
}
