/**
 * The terminal, taken over for the dashboard and always given back: on close, on a crash, when the process exits.
 * blessed's own handlers for crashes and signals do nothing once anyone else listens, so ours do it all.
 */
import { createRequire } from "node:module";
import type { Readable, Writable } from "node:stream";
import blessed, { type Widgets } from "blessed";
import { holdOutput } from "./held-output.js";

/**
 * blessed's own description of a 256-colour terminal, whatever TERM says: it cannot read those of tmux, kitty and newer
 * ncurses and would fall back to 8 colours, or print complaints. Every terminal in use understands this one.
 */
const TERMINAL_DESCRIPTION = createRequire(import.meta.url).resolve("blessed/usr/xterm-256color");
/** A signal asks for the same as the quit key. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export class Terminal {
  readonly screen: Widgets.Screen;
  readonly #output: Writable;
  readonly #onSignal: () => void;
  readonly #releaseOutput: () => void;
  #open = true;

  constructor(options: {
    readonly input: Readable;
    readonly output: Writable;
    readonly onSignal: () => void;
  }) {
    this.#output = options.output;
    this.#onSignal = options.onSignal;
    const shared = options.output === process.stdout;
    this.#releaseOutput = shared ? holdOutput(process.stderr, console) : () => undefined;
    // The types have input and output the wrong way round.
    this.screen = blessed.screen({
      input: options.input as unknown as Writable,
      output: options.output as unknown as Readable,
      terminal: TERMINAL_DESCRIPTION,
      forceUnicode: true,
    });
    // Frames are drawn as Unicode characters, not in the terminal's alternate character set: tmux then shows and copies
    // them as they are. This is what NCURSES_NO_UTF8_ACS=1 does.
    (this.screen as unknown as { tput: { brokenACS: boolean } }).tput.brokenACS = true;
    process.on("uncaughtException", this.#onCrash);
    process.on("exit", this.#onExit);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Gives the terminal back: cursor, main screen, cooked input. Doing it twice does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off("uncaughtException", this.#onCrash);
    process.off("exit", this.#onExit);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    this.screen.destroy();
    this.#releaseOutput();
  }

  readonly #onExit = () => this.close();

  /** Rejected promises that nobody handles come here too. */
  readonly #onCrash = (error: unknown) => {
    this.close();
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // Where streams are asynchronous the terminal must have its sequences before the process ends.
    this.#output.write("", () => process.stderr.write(`${text}\n`, () => process.exit(1)));
  };
}
