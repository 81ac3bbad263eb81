/** Which faults of MODEM_FAULTS are on: those that last, and those that wait for the one thing they spoil. */
import type { ModemFault } from "../../modem-command.js";

/** Answers that something unasked gets into. */
const INTERRUPTED_ANSWERS = 5;

type LastingFault = "no-sim" | "wrong-apn" | "ciicr-fails" | "connect-fail" | "blackhole";
type SingleFault = "send-fail" | "prompt-lost" | "closed-lost" | "urc-lost";

export class Faults {
  readonly #on = new Set<ModemFault>();
  #interruptions = 0;

  lasts(fault: LastingFault): boolean {
    return this.#on.has(fault);
  }

  put(fault: LastingFault | SingleFault | "urc-inside"): void {
    if (fault === "urc-inside") this.#interruptions = INTERRUPTED_ANSWERS;
    else this.#on.add(fault);
  }

  /** @returns whether this time is the one that is spoilt */
  takes(fault: SingleFault): boolean {
    return this.#on.delete(fault);
  }

  /** @returns whether this answer is interrupted */
  interrupts(): boolean {
    if (this.#interruptions === 0) return false;
    this.#interruptions--;
    return true;
  }

  clear(): void {
    this.#on.clear();
    this.#interruptions = 0;
  }
}
