/** Rows of the benchmark -> an aligned table of text. Pure. */

/** Cells may have several lines. */
export interface BenchRow {
  readonly what: string;
  readonly limitOrPeer: readonly string[];
  readonly ours: readonly string[];
}

const HEAD: BenchRow = { what: "what", limitOrPeer: ["limit or peer, measured now"], ours: ["ours"] };

/** A measured value with what the limit makes of it. */
export function judged(text: string, holds: boolean): string {
  return `${text}  ${holds ? "ok" : "misses"}`;
}

export function formatTable(rows: readonly BenchRow[]): string {
  const cells = [HEAD, ...rows].map(({ what, limitOrPeer, ours }) => [[what], limitOrPeer, ours] as const);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...cells.flatMap((row) => row[column]!.map((line) => line.length))),
  );
  const formatLine = (texts: readonly string[]) =>
    texts
      .map((text, column) => text.padEnd(widths[column]!))
      .join(" | ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("-+-");
  return cells
    .flatMap((row, index) => {
      const height = Math.max(...row.map((lines) => lines.length));
      const lines = Array.from({ length: height }, (_, line) =>
        formatLine(row.map((cell) => cell[line] ?? "")),
      );
      return index === 0 ? [...lines, rule] : lines;
    })
    .join("\n");
}
