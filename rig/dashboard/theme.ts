/**
 * Styles -> terminal colours (SGR). Text itself keeps the terminal's own colour, so that light and dark themes both work.
 * With NO_COLOR set (https://no-color.org) only bold and inverse are used.
 */
import type { Row, Style } from "./rows.js";

/** A colour of the 256-colour palette, or null for the terminal's own. */
type Colour = number | null;

export interface Theme {
  /** SGR parameters by style, such as "38;5;80;1". */
  readonly sgr: Readonly<Record<Style, string>>;
  /** Foreground by style, for the plots. */
  readonly foreground: Readonly<Record<Style, Colour>>;
}

const FOREGROUND: Record<Style, Colour> = {
  text: null,
  bright: null,
  dim: 245,
  border: 240,
  carries: 220,
  broken: 203,
  attention: 220,
  good: 78,
  glass: 231,
  "glass-off": 247,
  inverse: null,
  "accent-0": 80,
  "accent-1": 177,
  "accent-2": 114,
  "accent-3": 75,
};
/** A backlit STN display is blue with light letters; without its board it is grey. */
const BACKGROUND: Partial<Record<Style, number>> = { glass: 25, "glass-off": 238 };
const BOLD: ReadonlySet<Style> = new Set([
  "bright",
  "broken",
  "good",
  "glass",
  "accent-0",
  "accent-1",
  "accent-2",
  "accent-3",
]);

export function makeTheme(colours: boolean): Theme {
  const sgr = {} as Record<Style, string>;
  const foreground = {} as Record<Style, Colour>;
  for (const style of Object.keys(FOREGROUND) as Style[]) {
    const fg = colours ? FOREGROUND[style] : null;
    const bg = colours ? BACKGROUND[style] : undefined;
    const codes = [];
    if (fg !== null) codes.push(`38;5;${fg}`);
    if (bg !== undefined) codes.push(`48;5;${bg}`);
    if (BOLD.has(style)) codes.push("1");
    if (style === "inverse") codes.push("7");
    sgr[style] = codes.join(";");
    foreground[style] = fg;
  }
  return { sgr, foreground };
}

/** Rows as text with SGR sequences, one line each. */
export function paint(rows: readonly Row[], theme: Theme): string {
  return rows
    .map((row) =>
      row
        .map(({ text, style }) => {
          const codes = theme.sgr[style];
          return codes === "" ? text : `\x1b[${codes}m${text}\x1b[m`;
        })
        .join(""),
    )
    .join("\n");
}
