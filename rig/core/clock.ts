/**
 * Time, injected everywhere: the only door to the wall clock and to timers.
 * Tests step a clock of their own (test/support/manual-clock.ts) instead of sleeping.
 */
export interface Clock {
  /** Wall-clock time [ms since 1970-01-01 UTC]; may step when the PC's clock is set. For time stamps only. */
  nowMs(): number;
  /** Steady time [ms] from an arbitrary start; never steps, never goes back. For intervals and rates. */
  steadyMs(): number;
  /** Calls `action` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void;
  /** Calls `action` every `periodMs`; the returned function cancels it. */
  every(periodMs: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
  every(periodMs, action) {
    const timer = setInterval(action, periodMs);
    return () => clearInterval(timer);
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
