/**
 * The 16x2 display as it looks: a frame in the meter's colour around the glass, all 16 columns of both lines.
 */
import type { LcdLines } from "../core/events.js";
import { type Accent, type Row, span } from "./rows.js";

export const GLASS_WIDTH = 18;
export const GLASS_HEIGHT = 4;
const COLUMNS = 16;
/** Codes of the HD44780's ROM A00 that are no letters of ours. Source: Hitachi HD44780U, Table 4. */
const ROM_A00: Readonly<Record<string, string>> = { "\u00df": "°", "\u00ff": "█" };

/** @param lines what the display shows; null is a display that nothing was written to yet */
export function lcdGlass(lines: LcdLines | null, accent: Accent, lit: boolean): Row[] {
  const edge = lit ? accent : "dim";
  const side = span("║", edge);
  const glass = lit ? "glass" : "glass-off";
  return [
    [span(`╔${"═".repeat(COLUMNS)}╗`, edge)],
    ...[lines?.[0], lines?.[1]].map((line) => [side, span(visible(line ?? ""), glass), side]),
    [span(`╚${"═".repeat(COLUMNS)}╝`, edge)],
  ];
}

/** Exactly 16 one-column characters; what a terminal cannot show in one column is a blank. */
function visible(line: string): string {
  return Array.from(line, (character) => ROM_A00[character] ?? character)
    .map((character) =>
      /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u024f\u2190-\u21ff\u2580-\u259f]$/.test(character)
        ? character
        : " ",
    )
    .join("")
    .padEnd(COLUMNS)
    .slice(0, COLUMNS);
}
