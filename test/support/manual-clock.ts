/** A clock that only moves when the test says so: timers run in order of their time. */
import type { Clock } from "../../rig/core/clock.js";

interface Timer {
  dueMs: number;
  readonly periodMs: number | null;
  readonly action: () => void;
}

export class ManualClock implements Clock {
  #steadyMs = 0;
  #wallOffsetMs: number;
  readonly #timers = new Set<Timer>();

  /** @param startMs wall-clock time at the start [ms since 1970] */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = startMs;
  }

  /** Timers that are armed: a stopped thing leaves none. */
  get armedTimers(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#steadyMs;
  }

  steadyMs(): number {
    return this.#steadyMs;
  }

  after(delayMs: number, action: () => void): () => void {
    return this.#arm({ dueMs: this.#steadyMs + Math.max(0, delayMs), periodMs: null, action });
  }

  every(periodMs: number, action: () => void): () => void {
    return this.#arm({ dueMs: this.#steadyMs + periodMs, periodMs, action });
  }

  /** Sets the wall clock forward or back, as a person or NTP would; timers do not notice. */
  stepWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Moves time on, running what falls due on the way and what their promises lead to. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#steadyMs + byMs;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = [...this.#timers]
        .filter((timer) => timer.dueMs <= endMs)
        .sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#steadyMs = Math.max(this.#steadyMs, next.dueMs);
      if (next.periodMs === null) this.#timers.delete(next);
      else next.dueMs += next.periodMs;
      next.action();
    }
    this.#steadyMs = endMs;
    await new Promise((resolve) => setImmediate(resolve));
  }

  #arm(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
