/** Plain mode: every event as one JSON object a line on stdout, its time first. */
import type { Writable } from "node:stream";
import type { TimedEvent } from "../core/events.js";

/** Digits after the point: a microampere, and far below what any of the sensors resolve. */
const DECIMALS = 6;
/** More than this does not wait for a reader that has stalled: a rig must not grow without bound [bytes]. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

/** One line of plain mode, without the line end. */
export function formatEventLine({ time, event, ...fields }: TimedEvent): string {
  return JSON.stringify({ time, event, ...fields }, (_, value: unknown) =>
    typeof value === "number" ? Number(value.toFixed(DECIMALS)) : value,
  );
}

/**
 * Lines that a stalled reader leaves no room for are dropped until it has read everything before them; one alert then
 * stands in their place.
 * @param onClosed called once when the reader has gone away (`| head`): nothing more can be told, so stop
 * @returns the function that prints an event
 */
export function plainPrinter(output: Writable, onClosed: () => void): (event: TimedEvent) => void {
  let open = true;
  let dropped = 0;
  let droppedTime = "";
  output.on("error", () => {
    if (!open) return;
    open = false;
    onClosed();
  });
  output.on("drain", () => {
    if (!open || dropped === 0) return;
    const text = `the reader of the output stalled: ${dropped} events were dropped`;
    dropped = 0;
    output.write(
      `${formatEventLine({ time: droppedTime, event: "alert", kind: "output", meter: null, text })}\n`,
    );
  });
  return (event) => {
    if (!open) return;
    if (dropped > 0 || output.writableLength > MOST_WAITING_BYTES) {
      dropped += 1;
      droppedTime = event.time;
      return;
    }
    output.write(`${formatEventLine(event)}\n`);
  };
}
