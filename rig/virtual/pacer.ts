/**
 * Keeps bench time beside real time: says how much to simulate now and how long to sleep after.
 * Pure; the worker feeds it a steady clock. What cannot be caught up is given up and counted, never hidden.
 */

import type { Pace } from "./bench-messages.js";

/** Bench time that goes by between two looks at what the host sent [ms]. */
export const SLICE_MS = 4;
/** More than this is never caught up: the rest of the rig would see time run fast for too long [ms]. */
export const MAX_DEBT_MS = 250;

export class Pacer {
  #skippedMs = 0;
  /** The steady time that bench time has reached. */
  #reachedMs: number;

  /** @param nowMs steady time that is bench time 0 */
  constructor(nowMs: number) {
    this.#reachedMs = nowMs;
  }

  pace(nowMs: number): Pace {
    return { behindMs: Math.max(0, nowMs - this.#reachedMs), skippedMs: this.#skippedMs };
  }

  /** Bench time to simulate now, at most one slice [ms]; 0 while the bench is not behind by half a slice. */
  dueMs(nowMs: number): number {
    let debtMs = nowMs - this.#reachedMs;
    if (debtMs > MAX_DEBT_MS) {
      this.#skippedMs += debtMs - MAX_DEBT_MS;
      this.#reachedMs += debtMs - MAX_DEBT_MS;
      debtMs = MAX_DEBT_MS;
    }
    if (debtMs < SLICE_MS / 2) return 0;
    const sliceMs = Math.min(debtMs, SLICE_MS);
    this.#reachedMs += sliceMs;
    return sliceMs;
  }

  /** How long to sleep before the next slice [ms]; 0 when it is already due. */
  sleepMs(nowMs: number): number {
    return Math.max(0, this.#reachedMs + SLICE_MS - nowMs);
  }
}
