/**
 * Watches what the virtual displays show -> `lcd` events, one per change and meter, as often as it is asked.
 */
import type { LcdEvent } from "../core/events.js";
import type { VirtualBench } from "./bench.js";

export class DisplayWatch {
  readonly #bench: VirtualBench;
  readonly #last = new Map<string, string>();

  constructor(bench: VirtualBench) {
    this.#bench = bench;
    // A display that was never written shows nothing, and that is no news.
    this.changes();
  }

  /** The displays that changed since the last call, with what they show now. */
  changes(): LcdEvent[] {
    const events: LcdEvent[] = [];
    for (const meter of this.#bench.meterIds) {
      const { lines, timingViolations } = this.#bench.display(meter);
      const seen = `${lines[0]}${lines[1]}${timingViolations}`;
      if (this.#last.get(meter) === seen) continue;
      this.#last.set(meter, seen);
      events.push({ event: "lcd", meter, lines: [lines[0], lines[1]], timingViolations });
    }
    return events;
  }
}
