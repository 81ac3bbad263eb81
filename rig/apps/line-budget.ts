/** Whether the modem's line carries what the meters report. Pure. */
import type { Config } from "../core/config.js";
import { formatDuration } from "../core/duration.js";

/**
 * A report on the line with all that goes with it, both ways: AT+CIPSEND and its prompt, 90 bytes, SEND OK, the notice of the
 * acknowledgement, its pull [bytes].
 */
const REPORT_LINE_BYTES = 190;
/** Of GPRS at its best; one report is under way at a time [ms]. */
const ROUND_TRIP_MS = 450;
const BITS_PER_BYTE = 10;

/** @returns what to say when reports are made faster than they can leave; null when they are not */
export function describeOverload({ modem, meters, report }: Config): string | null {
  if (modem === "none") return null;
  const oneMs = (REPORT_LINE_BYTES * BITS_PER_BYTE * 1000) / modem.baud + ROUND_TRIP_MS;
  const neededMs = meters.length * oneMs;
  if (neededMs <= report.every) return null;
  const leastS = Math.ceil(neededMs / 1000);
  return (
    `${meters.length} meters report every ${formatDuration(report.every)}, and at ${modem.baud} baud the modem takes about ` +
    `${(oneMs / 1000).toFixed(1)} s for each: reports will wait, and more and more of them; report.every of ${leastS}s or more would do`
  );
}
