/** What the modem's service tells the rig: one `modem` event for each change, never the same one twice. */
import type { EmitEvent, ModemEvent, ModemState, RecoveryRung } from "../core/events.js";

/** A supply that gives way looks like many other faults; whoever sees its signs has to be told what to look at. */
export const SUPPLY_HINT =
  "the SIM900 draws up to 2 A for moments: check the supply (5 V / 2 A), short thick wires, 1000 uF at the module";

/** Elsewhere the next step follows at once, and tells what is known then. */
const TELLS_COVERAGE: readonly ModemState[] = ["connecting", "online"];
/** What was known of signal and operator does not hold any more. */
const WITHOUT_NETWORK: readonly ModemState[] = ["no-answer", "sim", "manual", "stopped"];

export class ModemReport {
  readonly #emit: EmitEvent;
  readonly #countStray: () => number;
  #state: ModemState = "starting";
  #detail = "";
  #rung: RecoveryRung | undefined;
  #signal: number | null = null;
  #operator: string | null = null;
  #brownOuts = 0;
  #said = "";

  /** @param countStray bytes on the wire that nothing explains, since the start */
  constructor(emit: EmitEvent, countStray: () => number) {
    this.#emit = emit;
    this.#countStray = countStray;
  }

  /** Says where the modem is, unless that was said last. */
  say(state: ModemState, detail: string, rung?: RecoveryRung): void {
    this.#state = state;
    this.#detail = detail;
    this.#rung = rung;
    if (WITHOUT_NETWORK.includes(state)) {
      this.#signal = null;
      this.#operator = null;
    }
    this.#tell();
  }

  /**
   * Told at once where the modem stays as it is, otherwise with the next step.
   * @param signal as AT+CSQ gives it, 0 to 31; null when unknown
   */
  sayCoverage(signal: number | null, operator: string | null): void {
    this.#signal = signal;
    this.#operator = operator;
    if (TELLS_COVERAGE.includes(this.#state)) this.#tell();
  }

  /** Something about the supply, whatever the modem is doing. */
  saySupply(what: string): void {
    this.#detail = `${what}: ${SUPPLY_HINT}`;
    this.#tell();
  }

  countBrownOut(): void {
    this.#brownOuts += 1;
  }

  #tell(): void {
    const event: ModemEvent = {
      event: "modem",
      state: this.#state,
      signal: this.#signal,
      operator: this.#operator,
      detail: this.#detail,
      ...(this.#rung === undefined ? {} : { rung: this.#rung }),
      counters: { brownOuts: this.#brownOuts, strayBytes: this.#countStray() },
    };
    const said = JSON.stringify({ ...event, counters: this.#brownOuts });
    if (said === this.#said) return;
    this.#said = said;
    this.#emit(event);
  }
}
