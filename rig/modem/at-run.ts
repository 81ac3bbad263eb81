/**
 * One command on the wire, from its first byte to its final result: prompt, payload, matcher, time limits.
 * Source: SIM900 AT Command Manual V1.03, 1.4.5 (one command at a time) and chapter 8 (CIPSEND).
 */
import type { Clock } from "../core/clock.js";
import { ModemError } from "../core/errors.js";
import type { AtCommand, AtElement, Unsolicited } from "./at-command.js";
import type { AtWire } from "./at-wire.js";
import { ModemRefusal, parseErrorResult } from "./result-codes.js";

export type RunOutcome<T> =
  | { readonly kind: "done"; readonly value: T }
  /** outOfStep: its final result may still come, or the modem may still wait for bytes. */
  | { readonly kind: "failed"; readonly error: Error; readonly outOfStep: boolean };

const PROMPT_WITHIN_MS = 5000;
/** For the final result after the connection has ended under the command. */
const LAST_WORDS_WITHIN_MS = 2000;
const CHECK_THE_LINE = "the modem's supply, the serial wires and the baud rate";

export class AtRun<T> {
  readonly command: AtCommand<T>;
  /** Never rejects. */
  readonly ended: Promise<RunOutcome<T>>;
  /** The line that ended it, or the latest of its answer. */
  lastLine = "";
  readonly #clock: Clock;
  readonly #wire: AtWire;
  readonly #match: ReturnType<AtCommand<T>["match"]>;
  readonly #shown: string;
  #settle: (outcome: RunOutcome<T>) => void = () => undefined;
  #over = false;
  #prompted = false;
  #filling = false;
  /** What was said that ends the command without its final result. */
  #endedBy: string | null = null;
  #cancelTimer: () => void = () => undefined;

  constructor(command: AtCommand<T>, clock: Clock, wire: AtWire) {
    this.command = command;
    this.#clock = clock;
    this.#wire = wire;
    this.#match = command.match();
    this.#shown = command.shown ?? command.text;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  async start(): Promise<void> {
    const { text, payload } = this.command;
    await this.#wire.write("command", Buffer.from(`${text}\r`, "latin1"), this.#shown);
    if (payload === undefined) this.#waitForResult();
    else if (!this.#prompted) this.#arm(PROMPT_WITHIN_MS, () => this.#giveUp(this.#noPrompt()));
  }

  /** @returns whether the element belongs to this command */
  take(element: AtElement): boolean {
    if (this.#over) return false;
    if (element.type === "line") {
      const result = parseErrorResult(element.text);
      if (result !== null) {
        this.lastLine = element.text;
        // Where bytes are still being written, the modem takes the rest of them for commands.
        this.fail(new ModemRefusal(this.#shown, result), this.#filling);
        return true;
      }
    }
    const verdict = this.#match(element);
    // Only after the matcher knows of it: the result may come while the payload is being written.
    if (element.type === "prompt") void this.#fill();
    if (verdict.kind === "foreign") return element.type === "prompt";
    if (element.type === "line") this.lastLine = element.text;
    if (verdict.kind === "done") this.#end({ kind: "done", value: verdict.value });
    if (verdict.kind === "refused") this.fail(new ModemRefusal(this.#shown, verdict.text), false);
    return true;
  }

  /** Something was said unasked meanwhile. */
  hear(said: Unsolicited, line: string): void {
    if (this.#over || !this.command.endedBy?.includes(said.kind)) return;
    this.#endedBy = line;
    this.#arm(LAST_WORDS_WITHIN_MS, () => this.#giveUp(new ModemRefusal(this.#shown, line)));
  }

  fail(error: Error, outOfStep: boolean): void {
    this.#end({ kind: "failed", error, outOfStep });
  }

  /** Counted bytes have stopped in the middle. */
  losePayload(): void {
    this.fail(
      new ModemError("modem/timeout", `the answer to ${this.#shown} broke off in the middle`, {
        hint: `bytes were lost on the line: check ${CHECK_THE_LINE}`,
      }),
      true,
    );
  }

  async #fill(): Promise<void> {
    const { payload } = this.command;
    if (payload === undefined || this.#prompted) return;
    this.#prompted = true;
    this.#cancelTimer();
    this.#filling = true;
    await this.#wire.write("payload", payload);
    this.#filling = false;
    this.#waitForResult();
  }

  #waitForResult(): void {
    const { timeoutMs } = this.command;
    const line = this.#endedBy;
    if (line !== null)
      this.#arm(LAST_WORDS_WITHIN_MS, () => this.#giveUp(new ModemRefusal(this.#shown, line)));
    else this.#arm(timeoutMs, () => this.#giveUp(this.#timeout(timeoutMs)));
  }

  /** The modem may still wait for bytes: it must not take the next command for them. */
  #giveUp(error: ModemError): void {
    if (this.command.escape !== undefined) void this.#wire.write("payload", this.command.escape);
    this.fail(error, true);
  }

  #arm(delayMs: number, action: () => void): void {
    this.#cancelTimer();
    if (!this.#over) this.#cancelTimer = this.#clock.after(delayMs, action);
  }

  #end(outcome: RunOutcome<T>): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer();
    this.#settle(outcome);
  }

  #timeout(timeoutMs: number): ModemError {
    return new ModemError("modem/timeout", `no answer to ${this.#shown} within ${timeoutMs} ms`, {
      hint: `check ${this.command.check ?? CHECK_THE_LINE}`,
    });
  }

  #noPrompt(): ModemError {
    return new ModemError("modem/no-prompt", `no prompt after ${this.#shown} within ${PROMPT_WITHIN_MS} ms`, {
      hint: `check ${CHECK_THE_LINE}`,
    });
  }
}
