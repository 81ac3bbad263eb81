/** How a command of the module is described: its forms, and what a form gets and gives. */
import type { Argument } from "./command-line.js";
import { refuse } from "./refusal.js";

/** The command has said its last word itself: no OK. */
export const SAID = "said" as const;

/** How an answer ends when it is not refused; nothing: OK follows; a function: OK, and what it says after that. */
export type Ending = typeof SAID | (() => void) | undefined;

// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is answered OK
export type Handler = (args: Arguments) => Ending | void | Promise<Ending | void>;

export interface CommandForms {
  readonly run?: Handler;
  readonly read?: Handler;
  readonly set?: Handler;
  /** The answer to `=?`; an empty one is OK alone. */
  readonly test?: string;
}

export type CommandTable = Readonly<Record<string, CommandForms>>;

export class Arguments {
  readonly #args: readonly Argument[];

  constructor(args: readonly Argument[]) {
    this.#args = args;
  }

  get count(): number {
    return this.#args.length;
  }

  has(index: number): boolean {
    return (this.#args[index]?.text ?? "") !== "";
  }

  /** @returns the argument, quoted or bare, of at most `maxLength` characters */
  text(index: number, maxLength: number, fallback?: string): string {
    const text = this.#args[index]?.text ?? fallback ?? refuse(765);
    return text.length <= maxLength ? text : refuse(765);
  }

  /** @returns the argument, quoted or bare, a whole number within `low`..`high` */
  whole(index: number, low: number, high: number, fallback?: number): number {
    if (!this.has(index)) return fallback ?? refuse(765);
    const text = this.text(index, 10);
    const value = /^\d+$/.test(text) ? Number(text) : refuse(765);
    return value >= low && value <= high ? value : refuse(765);
  }

  /** The arguments after the first `count`. */
  after(count: number): Arguments {
    return new Arguments(this.#args.slice(count));
  }
}
