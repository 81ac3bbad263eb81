/** Plain mode: every event as one JSON object a line on stdout, its time first. */
import type { Writable } from "node:stream";
import type { TimedEvent } from "../core/events.js";

/** Digits after the point: a microampere, and far below what any of the sensors resolve. */
const DECIMALS = 6;

/** One line of plain mode, without the line end. */
export function formatEventLine({ time, event, ...fields }: TimedEvent): string {
  return JSON.stringify({ time, event, ...fields }, (_, value: unknown) =>
    typeof value === "number" ? Number(value.toFixed(DECIMALS)) : value,
  );
}

/**
 * @param onClosed called once when the reader has gone away (`| head`): nothing more can be told, so stop
 * @returns the function that prints an event
 */
export function plainPrinter(output: Writable, onClosed: () => void): (event: TimedEvent) => void {
  let open = true;
  output.on("error", () => {
    if (!open) return;
    open = false;
    onClosed();
  });
  return (event) => {
    if (open) output.write(`${formatEventLine(event)}\n`);
  };
}
