/**
 * Styled text without a terminal: a row is a list of spans, every panel is a list of rows of equal width.
 * Takes words from the panels -> gives rows; rig/dashboard/theme.ts turns them into colours.
 */
export type Style =
  | "text"
  | "bright"
  | "dim"
  | "border"
  /** Something goes another way than usual and arrives. */
  | "carries"
  /** Something does not work. */
  | "broken"
  /** Something is under way, or wants a look. */
  | "attention"
  /** Something that is not a meter's works. */
  | "good"
  | "glass"
  | "glass-off"
  | "inverse"
  | Accent;
/** One colour per meter, used for everything that is this meter's. */
export type Accent = "accent-0" | "accent-1" | "accent-2" | "accent-3";

export interface Span {
  readonly text: string;
  readonly style: Style;
}
export type Row = readonly Span[];

const ACCENTS: readonly Accent[] = ["accent-0", "accent-1", "accent-2", "accent-3"];

/** The accent of the n-th meter of the config; the fifth meter has the first one's again. */
export function accentOf(meterIndex: number): Accent {
  return ACCENTS[meterIndex % ACCENTS.length] as Accent;
}

export function span(text: string, style: Style = "text"): Span {
  return { text, style };
}

/** Width of a row [columns]: all text that gets here is one column a character. */
export function rowWidth(row: Row): number {
  return row.reduce((sum, { text }) => sum + text.length, 0);
}

/** The row in exactly `width` columns: filled with blanks, or cut with "…" at the end. */
export function toWidth(row: Row, width: number): Row {
  const excess = rowWidth(row) - width;
  if (excess <= 0) return [...row, span(" ".repeat(-excess))];
  const kept: Span[] = [];
  let room = Math.max(0, width - 1);
  let last: Style = "text";
  for (const { text, style } of row) {
    if (room > 0) kept.push(span(text.slice(0, room), style));
    if (room > 0) last = style;
    room -= Math.min(room, text.length);
  }
  return width > 0 ? [...kept, span("…", last)] : [];
}

/** `left` at the left, `right` at the right end of `width` columns; the left one gives way. */
export function spread(left: Row, right: Row, width: number): Row {
  return [...toWidth(left, Math.max(0, width - rowWidth(right))), ...right];
}

/**
 * A frame of exactly `width` x `height` with a title and a state in its upper edge and `rows` inside;
 * what is missing is left blank, what is too much is left out.
 */
export function frame(options: {
  readonly title: Row;
  readonly state?: Row;
  readonly rows: readonly Row[];
  readonly width: number;
  readonly height: number;
}): Row[] {
  const { title, state = [], rows, width, height } = options;
  const inner = width - 2;
  const stateRow: Row = state.length === 0 ? [] : [span(" "), ...state, span(" ─", "border")];
  const room = inner - rowWidth(stateRow) - 3;
  const titleRow = rowWidth(title) > room ? toWidth(title, Math.max(0, room)) : title;
  const rule = Math.max(0, inner - 3 - rowWidth(titleRow) - rowWidth(stateRow));
  const edge = span("│", "border");
  const lines: Row[] = [
    [
      span("╭─ ", "border"),
      ...titleRow,
      span(` ${"─".repeat(rule)}`, "border"),
      ...stateRow,
      span("╮", "border"),
    ],
  ];
  for (let line = 0; line < height - 2; line += 1)
    lines.push([edge, ...toWidth(rows[line] ?? [], inner), edge]);
  lines.push([span(`╰${"─".repeat(inner)}╯`, "border")]);
  return lines;
}

/**
 * Text from elsewhere (firmware names, error messages) as one line of one-column characters: control characters become
 * blanks, characters that terminals draw two columns wide or none become "?".
 */
export function printable(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, " ")
    .replace(/[^\u0020-\u02ff\u0370-\u052f\u2010-\u2027\u2030-\u205e\u2190-\u22ff\u2500-\u25ff]/gu, "?")
    .trim();
}
