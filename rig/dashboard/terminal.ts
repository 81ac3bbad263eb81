/**
 * The terminal, taken over for the dashboard and always given back: on close, on a crash, when the process exits.
 * blessed's own handlers for crashes and signals do nothing once anyone else listens, so ours do it all.
 * A terminal that goes away (window closed, connection lost) is a wish to quit like any other.
 */
import { closeSync } from "node:fs";
import { createRequire } from "node:module";
import type { Readable, Writable } from "node:stream";
import blessed, { type Widgets } from "blessed";
import { holdOutput } from "./held-output.js";

/**
 * blessed's own description of a 256-colour terminal, whatever TERM says: it cannot read those of tmux, kitty and newer
 * ncurses and would fall back to 8 colours, or print complaints. Every terminal in use understands this one.
 */
const TERMINAL_DESCRIPTION = createRequire(import.meta.url).resolve("blessed/usr/xterm-256color");
/** These signals ask for the same as the quit key, as SIGHUP does, which also says that the terminal is gone. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export class Terminal {
  readonly screen: Widgets.Screen;
  readonly #output: Writable;
  readonly #streams: readonly (Readable | Writable)[];
  readonly #onSignal: () => void;
  readonly #releaseOutput: () => void;
  #open = true;
  #gone = false;

  constructor(options: {
    readonly input: Readable;
    readonly output: Writable;
    readonly onSignal: () => void;
  }) {
    this.#output = options.output;
    this.#onSignal = options.onSignal;
    const shared = options.output === process.stdout;
    this.#releaseOutput = shared ? holdOutput(process.stderr, console) : () => undefined;
    this.#streams = [options.input, options.output];
    for (const stream of this.#streams) stream.on("error", this.#onLost);
    for (const stream of [...this.#streams, ...(shared ? [process.stderr] : [])]) {
      // Stays for good: what is written to a lost terminal after close fails as well.
      if (!stream.listeners("error").includes(ignoreError)) stream.on("error", ignoreError);
    }
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
    process.on("SIGHUP", this.#onLost);
  }

  /** Gives the terminal back: cursor, main screen, cooked input. Doing it twice does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off("uncaughtException", this.#onCrash);
    process.off("exit", this.#onExit);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    for (const stream of this.#streams) stream.off("error", this.#onLost);
    // A closed window hangs up more than once: the second time must not cut the stop short that the first began.
    if (!this.#gone) process.off("SIGHUP", this.#onLost);
    // blessed writes nothing to a stream that has failed.
    this.screen.destroy();
    this.#releaseOutput();
  }

  readonly #onLost = () => {
    if (this.#gone) return;
    this.#gone = true;
    if (this.#output === process.stdout) process.on("exit", closeLostTerminal);
    this.#onSignal();
  };

  readonly #onExit = () => this.close();

  /** Rejected promises that nobody handles come here too. */
  readonly #onCrash = (error: unknown) => {
    this.close();
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // Where streams are asynchronous the terminal must have its sequences before the process ends.
    this.#output.write("", () => process.stderr.write(`${text}\n`, () => process.exit(1)));
  };
}

function ignoreError(): void {
  // The stop is under way already, and nobody is left to be told.
}

/**
 * Node puts the terminal's settings back as its very last act and aborts (SIGABRT) where that fails; descriptors that are
 * closed it leaves alone.
 * Source: Node 20, src/node.cc, ResetStdio.
 */
function closeLostTerminal(): void {
  [process.stdin, process.stdout, process.stderr].forEach(({ isTTY }, descriptor) => {
    if (isTTY) closeSync(descriptor);
  });
}
