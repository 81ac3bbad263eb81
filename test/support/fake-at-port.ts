/** An AT channel that a test answers by hand: commands wait until they are told their outcome, one at a time. */
import { ModemError } from "../../rig/core/errors.js";
import type { AtCommand, AtPort } from "../../rig/modem/at-command.js";

interface Asked {
  readonly command: AtCommand<unknown>;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

export class FakeAtPort implements AtPort {
  /** Every command line that was begun, in order. */
  readonly begun: string[] = [];
  /** Answers at once; undefined leaves the command waiting. An Error refuses. */
  answer: (command: AtCommand<unknown>) => { readonly value: unknown } | Error | undefined = () => undefined;
  readonly #waiting: Asked[] = [];

  run<T>(command: AtCommand<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const settle = (action: () => void) => {
        signal?.removeEventListener("abort", onAbort);
        action();
      };
      const asked: Asked = {
        ...{ command, signal },
        resolve: (value) => settle(() => resolve(value as T)),
        reject: (reason) => settle(() => reject(reason)),
      };
      this.#waiting.push(asked);
      if (this.#waiting.length === 1) this.#begin();
    });
  }

  /** The command that runs now: its line, or null. */
  get running(): string | null {
    return this.#waiting[0]?.command.text ?? null;
  }

  get payload(): string {
    return Buffer.from(this.#waiting[0]?.command.payload ?? []).toString("latin1");
  }

  /** Ends the running command. */
  finish(outcome: { readonly value: unknown } | Error): void {
    const asked = this.#waiting.shift();
    if (asked === undefined) throw new Error("no command runs");
    if (outcome instanceof Error) asked.reject(outcome);
    else asked.resolve(outcome.value);
    if (this.#waiting.length > 0) this.#begin();
  }

  #begin(): void {
    const { command, signal } = this.#waiting[0]!;
    if (signal?.aborted) {
      this.#waiting.shift();
      if (this.#waiting.length > 0) this.#begin();
      return;
    }
    this.begun.push(command.text);
    const outcome = this.answer(command);
    if (outcome !== undefined) queueMicrotask(() => this.finish(outcome));
  }
}

export const DONE = { value: undefined };

export function timeout(text: string): ModemError {
  return new ModemError("modem/timeout", `no answer to ${text}`);
}
