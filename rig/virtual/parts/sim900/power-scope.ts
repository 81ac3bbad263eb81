/**
 * Everything that one powered time of the module has under way: when the supply goes, all of it stops where it stands.
 * A promise of `pause` never settles once the scope has ended, so what waits on it simply does not go on.
 */
import type { Clock } from "../../../core/clock.js";

export class PowerScope {
  readonly clock: Clock;
  readonly #cancels = new Set<() => void>();
  readonly #endings: (() => void)[] = [];
  #alive = true;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Calls `action` once after `delayMs`, unless the scope ends before; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void {
    if (!this.#alive) return () => undefined;
    const stop = this.clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      action();
    });
    const cancel = () => {
      this.#cancels.delete(cancel);
      stop();
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** Calls `action` when the scope ends. */
  onEnd(action: () => void): void {
    this.#endings.push(action);
  }

  end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const cancel of [...this.#cancels]) cancel();
    for (const action of this.#endings) action();
  }
}
