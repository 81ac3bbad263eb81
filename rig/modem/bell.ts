/** Waiting for something to happen, or not any longer. */
import type { Clock } from "../core/clock.js";

/** Wakes whoever waits; who comes later waits for the next time. */
export class Bell {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Until it rings, or for at most so long; without a limit for as long as the signal lets it. Rejects with its reason. */
  wait(signal: AbortSignal, limitMs?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const leave = () => {
        cancel();
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", onAbort);
      };
      const wake = () => {
        leave();
        resolve();
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
      };
      const cancel = limitMs === undefined ? () => undefined : this.#clock.after(limitMs, wake);
      this.#waiting.add(wake);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
