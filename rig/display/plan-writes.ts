/**
 * Which characters to write, and in what order, so that a display comes to show the wanted lines with the fewest messages.
 * Lines shown, lines wanted, place of the cursor -> runs of characters for hd44780.ts. Pure.
 */
import type { LcdLines } from "../core/events.js";

/** Where the next character would land; column 16 and above is beyond the glass. */
export interface LcdCursor {
  readonly row: 0 | 1;
  readonly column: number;
}

/** Characters to write side by side. */
export interface LcdRun extends LcdCursor {
  readonly text: string;
  /** Whether the cursor has to be set first; false where it is there already. */
  readonly needsMove: boolean;
}

interface Span {
  readonly row: 0 | 1;
  readonly start: number;
  readonly end: number;
}

/**
 * The cheapest runs, counting a character as 4 messages (2 a nibble) and setting the cursor as 6 (4, and RS down and up).
 * Hence one equal character between two changed ones is written again (4 < 6), two are jumped (8 > 6); and runs come in any
 * order, so one that the cursor stands at comes first and is spared its move.
 */
export function planWrites(shown: LcdLines, wanted: LcdLines, cursor: LcdCursor): LcdRun[] {
  const spans = [...changedSpans(shown, wanted, 0), ...changedSpans(shown, wanted, 1)];
  const [first, rest] = startAtCursor(spans, shown, wanted, cursor);
  const toRun = (needsMove: boolean, { row, start, end }: Span): LcdRun => ({
    row,
    column: start,
    text: wanted[row].slice(start, end),
    needsMove,
  });
  return [...first.map((span) => toRun(false, span)), ...rest.map((span) => toRun(true, span))];
}

function changedSpans(shown: LcdLines, wanted: LcdLines, row: 0 | 1): Span[] {
  const spans: Span[] = [];
  for (let column = 0; column < wanted[row].length; column++) {
    if (shown[row][column] === wanted[row][column]) continue;
    const last = spans.at(-1);
    if (last !== undefined && column - last.end <= 1) spans[spans.length - 1] = { ...last, end: column + 1 };
    else spans.push({ row, start: column, end: column + 1 });
  }
  return spans;
}

/** Splits off the span that can be written from where the cursor is, if that is no dearer. */
function startAtCursor(
  spans: readonly Span[],
  shown: LcdLines,
  wanted: LcdLines,
  { row, column }: LcdCursor,
): [first: Span[], rest: Span[]] {
  const near = spans.find((span) => span.row === row && column >= span.start - 1 && column < span.end);
  if (near === undefined) return [[], [...spans]];
  const others = spans.filter((span) => span !== near);
  // At its start, or one equal character before it: 4 messages for that one instead of 6 for the move.
  if (column <= near.start) return [[{ ...near, start: column }], others];
  // Just behind an equal character that joins two halves: the right half first, and that character needs no writing.
  if (shown[row][column - 1] === wanted[row][column - 1]) {
    return [[{ ...near, start: column }], [{ ...near, end: column - 1 }, ...others]];
  }
  return [[], [...spans]];
}
