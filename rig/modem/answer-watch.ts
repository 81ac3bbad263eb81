/** The wait for the end of one answer, with a limit: of several commands in a row, the last one is waited for. */
import type { Clock } from "../core/clock.js";

/** "given-up": something else is waited for now, or nothing any more. */
export type AnswerOutcome = "arrived" | "silent" | "given-up";

export class AnswerWatch {
  readonly #clock: Clock;
  #arrived = false;
  #settle: (outcome: AnswerOutcome) => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A command is about to go out: what has arrived so far is no answer to it. */
  begin(): void {
    this.stop();
    this.#arrived = false;
  }

  /** The answer is whole, or the prompt has come. It may come before anybody waits. */
  arrive(): void {
    this.#arrived = true;
    this.#settle("arrived");
  }

  stop(): void {
    this.#settle("given-up");
  }

  wait(limitMs: number): Promise<AnswerOutcome> {
    this.stop();
    if (this.#arrived) return Promise.resolve("arrived");
    return new Promise((resolve) => {
      const cancelLimit = this.#clock.after(limitMs, () => this.#settle("silent"));
      this.#settle = (outcome) => {
        cancelLimit();
        this.#settle = () => undefined;
        resolve(outcome);
      };
    });
  }
}
