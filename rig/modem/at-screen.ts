/** What the AT terminal shows: the modem's lines with their meaning, and notes of its own. On a terminal, above what is being typed. */
import type { Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { CTRL_Z, ESC } from "./text-entry.js";

/** Where the meanings begin [characters]. */
const MEANING_COLUMN = 32;

export class AtScreen {
  readonly #output: Writable;
  readonly #typing: Interface | null;

  /** @param typing where a person types; null: nobody does, and lines are plain */
  constructor(output: Writable, typing: Interface | null) {
    this.#output = output;
    this.#typing = typing;
  }

  print(text: string): void {
    if (this.#typing === null) {
      this.#output.write(`${text}\n`);
      return;
    }
    // What is being typed moves below what the modem says.
    this.#output.write(`\r\x1b[K${text}\n`);
    this.#typing.prompt(true);
  }

  /** What the modem says. */
  say(text: string, meaning: string | undefined): void {
    this.print(meaning === undefined ? text : `${text.padEnd(MEANING_COLUMN - 2)}  ${meaning}`);
  }

  /** What the terminal itself has to say: dim, so that it is not taken for the modem's. */
  note(text: string): void {
    this.print(this.#typing === null ? `(${text})` : `\x1b[2m(${text})\x1b[22m`);
  }
}

/**
 * Ctrl-Z and Esc as they are pressed, before the line is entered. While it listens Ctrl-Z does not suspend the program.
 * @returns stops listening
 */
export function listenForTextKeys(
  typing: Interface,
  input: Readable,
  onKey: (byte: typeof CTRL_Z | typeof ESC) => void,
): () => void {
  const press = (_text: string | undefined, key: { readonly name?: string; readonly ctrl?: boolean }) => {
    if (key.ctrl && key.name === "z") onKey(CTRL_Z);
    else if (key.name === "escape") onKey(ESC);
  };
  // readline suspends the program only where nobody listens for this.
  const stay = () => undefined;
  input.on("keypress", press);
  typing.on("SIGTSTP", stay);
  return () => {
    input.off("keypress", press);
    typing.off("SIGTSTP", stay);
  };
}

/** Takes the line that is being typed away from the person. */
export function takeTyped(typing: Interface): string {
  const { line } = typing;
  typing.write(null, { ctrl: true, name: "e" });
  typing.write(null, { ctrl: true, name: "u" });
  return line;
}
