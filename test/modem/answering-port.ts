/** A modem that answers one command after the other, at once, with lines that the test chooses, through the command's own matcher. */
import type { AtCommand, AtPort } from "../../rig/modem/at-command.js";
import { ModemRefusal, parseErrorResult } from "../../rig/modem/result-codes.js";

/** Lines of the answer, ">" for the prompt; or an error to reject with. */
export type Answer = readonly string[] | Error;

export class AnsweringPort implements AtPort {
  /** What was sent, in order; after "|" what was written at the prompt, as hex where it is not printable. */
  readonly sent: string[] = [];
  readonly #answer: (text: string) => Answer;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(answer: (text: string) => Answer) {
    this.#answer = answer;
  }

  run<T>(command: AtCommand<T>, signal?: AbortSignal): Promise<T> {
    const result = this.#turn.then(() => this.#run(command, signal));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #run<T>(command: AtCommand<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const payload = command.payload === undefined ? "" : `|${show(command.payload)}`;
    this.sent.push(`${command.text}${payload}`);
    const answer = this.#answer(command.text);
    if (answer instanceof Error) throw answer;
    const matcher = command.match();
    for (const text of answer) {
      // As a wire would: what is waited for comes later.
      await Promise.resolve();
      const error = parseErrorResult(text);
      if (error !== null) throw new ModemRefusal(command.text, error);
      const verdict = matcher(text === ">" ? { type: "prompt" } : { type: "line", text });
      if (verdict.kind === "done") return verdict.value;
      if (verdict.kind !== "more") throw new Error(`${command.text} does not take "${text}"`);
    }
    throw new Error(`${command.text} is not done after ${JSON.stringify(answer)}`);
  }
}

function show(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("latin1");
  return text.replace(/[^ -~]/g, (character) => `<${character.charCodeAt(0).toString(16).padStart(2, "0")}>`);
}
