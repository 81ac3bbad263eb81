/** Which faults of MODEM_FAULTS are on: those that last, and those that wait for the one thing they spoil. */
import type { ModemFault } from "../../modem-command.js";

/** Answers that something unasked gets into. */
const INTERRUPTED_ANSWERS = 5;

type LastingFault = "no-sim" | "ciicr-fails" | "connect-fail" | "blackhole";
type SingleFault = "send-fail" | "prompt-lost" | "closed-lost" | "urc-lost";

export class Faults {
  readonly #on = new Set<ModemFault>();
  #interruptions = 0;
  /** The access point name that the network was asked for last. */
  #lastName: string | null = null;
  /** Names that the network does not know any more. */
  readonly #unknownNames = new Set<string>();

  lasts(fault: LastingFault): boolean {
    return this.#on.has(fault);
  }

  put(fault: LastingFault | SingleFault | "urc-inside" | "wrong-apn"): void {
    if (fault === "urc-inside") this.#interruptions = INTERRUPTED_ANSWERS;
    else if (fault === "wrong-apn" && this.#lastName !== null) this.#unknownNames.add(this.#lastName);
    else this.#on.add(fault);
  }

  /**
   * The network is asked for a context by an access point name, which wrong-apn spoils: the one in use when the fault is put
   * or, if there was none yet, the first that is asked for.
   * @returns whether there is none by that name
   */
  refusesContext(accessPoint: string): boolean {
    this.#lastName = accessPoint.toLowerCase();
    if (this.#on.delete("wrong-apn")) this.#unknownNames.add(this.#lastName);
    return this.#on.has("ciicr-fails") || this.#unknownNames.has(this.#lastName);
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
    this.#unknownNames.clear();
    this.#interruptions = 0;
  }
}
