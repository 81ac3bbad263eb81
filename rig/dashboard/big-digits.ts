/**
 * A number three rows high, to be read from across the room. Each digit is 3 x 5 dots, drawn with half blocks.
 */
const DOTS: Readonly<Record<string, readonly [string, string, string]>> = {
  "0": ["█▀█", "█ █", "▀▀▀"],
  "1": [" ▀█", "  █", "  ▀"],
  "2": ["▀▀█", "█▀▀", "▀▀▀"],
  "3": ["▀▀█", " ▀█", "▀▀▀"],
  "4": ["█ █", "▀▀█", "  ▀"],
  "5": ["█▀▀", "▀▀█", "▀▀▀"],
  "6": ["█▀▀", "█▀█", "▀▀▀"],
  "7": ["▀▀█", "  █", "  ▀"],
  "8": ["█▀█", "█▀█", "▀▀▀"],
  "9": ["█▀█", "▀▀█", "▀▀▀"],
  "-": ["   ", "▀▀▀", "   "],
  ".": [" ", " ", "▀"],
  " ": ["   ", "   ", "   "],
};

/** @returns three lines of equal length; characters that have no dots are blank */
export function bigDigits(text: string): [string, string, string] {
  const line = (row: 0 | 1 | 2) =>
    [...text].map((character) => (DOTS[character] ?? DOTS[" "]!)[row]).join(" ");
  return [line(0), line(1), line(2)];
}
