/** A way that takes time and keeps the order: what goes in comes out after its delay, never before what went in earlier. */
import type { PowerScope } from "./power-scope.js";

export class DelayLine<T> {
  readonly #scope: PowerScope;
  readonly #deliver: (item: T) => void;
  #waiting: { readonly dueMs: number; readonly item: T }[] = [];
  #cancel: (() => void) | null = null;

  constructor(scope: PowerScope, deliver: (item: T) => void) {
    this.#scope = scope;
    this.#deliver = deliver;
  }

  push(item: T, delayMs: number): void {
    const earliestMs = this.#waiting.at(-1)?.dueMs ?? 0;
    this.#waiting.push({ dueMs: Math.max(this.#scope.clock.steadyMs() + delayMs, earliestMs), item });
    if (this.#cancel === null) this.#arm();
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#waiting = [];
  }

  #arm(): void {
    const next = this.#waiting[0];
    if (next === undefined) return;
    this.#cancel = this.#scope.after(next.dueMs - this.#scope.clock.steadyMs(), () => {
      this.#cancel = null;
      this.#waiting.shift();
      // Armed before the item is delivered: what it brings about may push more, or clear.
      this.#arm();
      this.#deliver(next.item);
    });
  }
}
