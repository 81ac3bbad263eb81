/** Alerts without a flood: the first of a kind and meter at once, more of them within 10 s as one with their number. */
import type { Clock } from "../core/clock.js";
import type { EmitEvent } from "../core/events.js";

const QUIET_MS = 10_000;

interface Group {
  suppressed: number;
  text: string;
}

export class Alerts {
  readonly #clock: Clock;
  readonly #emit: EmitEvent;
  readonly #groups = new Map<string, Group>();
  readonly #timers = new Set<() => void>();

  constructor(clock: Clock, emit: EmitEvent) {
    this.#clock = clock;
    this.#emit = emit;
  }

  raise(kind: string, meter: string | null, text: string): void {
    const key = JSON.stringify([kind, meter]);
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#emit({ event: "alert", kind, meter, text });
      this.#quieten(key, kind, meter);
    } else {
      group.suppressed += 1;
      group.text = text;
    }
  }

  stop(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#groups.clear();
  }

  #quieten(key: string, kind: string, meter: string | null): void {
    const group: Group = { suppressed: 0, text: "" };
    this.#groups.set(key, group);
    const cancel = this.#clock.after(QUIET_MS, () => {
      this.#timers.delete(cancel);
      this.#groups.delete(key);
      if (group.suppressed === 0) return;
      this.#emit({
        event: "alert",
        kind,
        meter,
        text: `${group.suppressed} more within ${QUIET_MS / 1000} s, the last: ${group.text}`,
      });
      this.#quieten(key, kind, meter);
    });
    this.#timers.add(cancel);
  }
}
