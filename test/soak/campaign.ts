/** What every campaign has: a seed that all its choices follow from, cycles, and an error that says how to have it again. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { SteppedRig } from "../support/stepped-rig.js";

export interface CampaignOptions {
  readonly seed: number;
  /** Whether to end, after so many cycles. */
  readonly enough: (cycles: number) => boolean;
}

/** @returns what ran, in one line. Rejects with seed, cycle, what was expected and what was seen. */
export type Campaign = (options: CampaignOptions) => Promise<string>;

/** For the short form of a campaign. */
export function cyclesOf(count: number): CampaignOptions["enough"] {
  return (cycles) => cycles >= count;
}

/** @returns how many cycles ran */
export async function runCycles(
  { seed, enough }: CampaignOptions,
  cycle: (number: number) => Promise<void>,
): Promise<number> {
  let cycles = 0;
  while (!enough(cycles)) {
    cycles += 1;
    try {
      await cycle(cycles);
    } catch (cause) {
      throw new Error(`seed ${seed}, cycle ${cycles}: ${(cause as Error).message}`, { cause });
    }
  }
  return cycles;
}

/** @throws Error naming both when `seen` is further from `expected` than `tolerance` */
export function expectNear(what: string, seen: number, expected: number, tolerance: number): void {
  if (Math.abs(seen - expected) <= tolerance) return;
  throw new Error(`${what}: expected ${expected} within ${tolerance}, seen ${seen}`);
}

/** @throws Error naming both when they differ as JSON */
export function expectSame(what: string, seen: unknown, expected: unknown): void {
  if (JSON.stringify(seen) === JSON.stringify(expected)) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, seen ${JSON.stringify(seen)}`);
}

/** A full redraw is 420 bytes, 73 ms on the wire; twice that. */
const REDRAW_MS = 150;
/** To the next moment at which nothing is under way to a display; a reading redraws it, and that takes less than this [ms]. */
const QUIET_LIMIT_MS = 3000;

/** The glass shows what the last `display` event says, and the controller was never written too fast. */
export async function expectDisplay(rig: SteppedRig, meter: string): Promise<void> {
  const seen = rig.seen(meter);
  const quiet = () => seen.display !== null && rig.timeMs - seen.displayAtMs >= REDRAW_MS;
  await rig.advanceUntil(`a quiet display of ${meter}`, quiet, QUIET_LIMIT_MS);
  expectSame(`the glass of ${meter}`, rig.place(meter).lcd, seen.display?.lines);
  expectSame(`timing violations of ${meter}`, rig.timingViolations(meter), 0);
}

/**
 * Watches a meter that samples A0 alone at 1 kHz and must not be disturbed: every window whole, and in step with bench time for
 * as long as it is watched, which no lost sample leaves it. The firmware's tick is 1.024 ms, the bench's step 1 ms.
 */
export function watchUndisturbed(rig: SteppedRig, meter: string): void {
  const windowMs = 1000;
  const toleranceMs = 3;
  let firstAtMs: number | null = null;
  let windows = 0;
  rig.watch((event, atMs) => {
    if (!("meter" in event) || event.meter !== meter) return;
    if (event.event === "board" && windows > 0) rig.fault(`${meter} was disturbed: ${JSON.stringify(event)}`);
    if (event.event !== "reading") return;
    firstAtMs ??= atMs;
    const lateMs = atMs - firstAtMs - windows * windowMs;
    windows += 1;
    if (event.samples !== windowMs || event.flags.includes("incomplete") || Math.abs(lateMs) > toleranceMs) {
      rig.fault(
        `window ${windows} of ${meter}: expected 1000 samples, on time within ${toleranceMs} ms; ` +
          `seen ${event.samples}, ${lateMs} ms late, flags ${event.flags.join() || "none"}`,
      );
    }
  });
}

/** Memory in use after a collection [bytes]. */
export function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
