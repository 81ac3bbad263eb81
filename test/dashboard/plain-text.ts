import type { Row } from "../../rig/dashboard/rows.js";

/** What the rows say, without their styles. */
export function plainText(rows: readonly Row[]): string[] {
  return rows.map((row) => row.map(({ text }) => text).join(""));
}
