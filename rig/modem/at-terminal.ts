/**
 * A terminal on the modem: lines that a person types -> the wire; what the modem says -> the screen, with its meaning beside it.
 * Works on the bytes themselves, without the AT channel, since a person may do anything. The modem's echo of what was typed is
 * left out; everything else is shown. From a terminal, lines go out at once; from a file or a pipe, one command at a time, the
 * next when the answer to the last is whole.
 */
import { createInterface, type Interface } from "node:readline";
import type { Duplex, Readable, Writable } from "node:stream";
import { type Clock, sleep } from "../core/clock.js";
import { type AnswerOutcome, AnswerWatch } from "./answer-watch.js";
import { HELP, silenceRemedy } from "./at-advice.js";
import { AtHearing } from "./at-hearing.js";
import type { WireElement } from "./at-reader.js";
import { AtScreen, listenForTextKeys, takeTyped } from "./at-screen.js";
import { printable } from "./at-trace.js";
import { type CommandEnd, commandEnd } from "./command-ends.js";
import { explainLine } from "./meanings.js";
import { parseErrorResult } from "./result-codes.js";
import { CTRL_Z, ESC, TextEntry } from "./text-entry.js";

export interface AtTerminalOptions {
  /** The open line to the modem; closed when the terminal ends. */
  readonly stream: Duplex;
  readonly input: Readable;
  readonly output: Writable;
  /** Where a script, whose output may go to a file, says at once that nobody answers. */
  readonly warnings: Writable;
  /** The input is a person at a terminal. */
  readonly interactive: boolean;
  readonly clock: Clock;
  /** What the line is called: "/dev/ttyUSB0". */
  readonly portName: string;
}

const CR = "\r";
/** What belongs to an answer and comes after its last line [ms]. */
const SETTLE_MS = 100;
/** What comes of an ESC or of single bytes, if anything does. */
const BYTES_END: CommandEnd = { lastLine: /^OK$/, limitMs: 2000 };
/** For what is still to be written when the terminal ends [ms]. */
const CLOSE_LIMIT_MS = 1000;
/** Commands that answer with a prompt. */
const PROMPTING = /\+(?:CIPSEND|CMG[SW])\b/i;
/** A modem that has not answered so many lines of a script does not answer the others. */
const SILENT_LINES = 3;
/** Within this an escape sequence, such as that of an arrow key, goes on; Esc alone does not [ms]. */
const ESCAPE_SEQUENCE_MS = 200;

/**
 * Runs until the input ends, or .quit.
 * @returns whether the modem said anything, or nothing was asked of it. Rejects with the line's PortError when it is lost
 */
export async function runAtTerminal(options: AtTerminalOptions): Promise<{ answered: boolean }> {
  return await new AtTerminal(options).run();
}

class AtTerminal {
  readonly #options: AtTerminalOptions;
  readonly #lines: Interface;
  readonly #screen: AtScreen;
  readonly #watch: AnswerWatch;
  readonly #hearing: AtHearing;
  #asked = false;
  #answered = false;
  /** Since the last command went out. */
  #heard: "nothing" | "noise" | "words" = "nothing";
  /** The command that has not ended yet; its echo may come. */
  #command = "";
  /** The command's echo has come: what is typed after its prompt is echoed, too. */
  #echoes = false;
  #text: TextEntry | null = null;
  /** Every CR in a text brings one more prompt, perhaps after the text has ended. */
  #promptsOwed = 0;

  constructor(options: AtTerminalOptions) {
    this.#options = options;
    const { input, output, interactive, clock } = options;
    this.#lines = createInterface({
      input,
      terminal: interactive,
      prompt: "",
      escapeCodeTimeout: ESCAPE_SEQUENCE_MS,
      ...(interactive ? { output } : {}),
    });
    this.#screen = new AtScreen(output, interactive ? this.#lines : null);
    this.#watch = new AnswerWatch(clock);
    this.#hearing = new AtHearing(clock, (element) => this.#take(element));
  }

  async run(): Promise<{ answered: boolean }> {
    const { stream, interactive, portName, clock } = this.#options;
    const ending = new AbortController();
    const flushing = new AbortController();
    stream.on("data", (bytes: Buffer) => this.#hearing.hear(bytes));
    const closed = new Promise<void>((resolve) => stream.once("close", resolve));
    const lost = new Promise<never>((_, reject) => stream.on("error", reject));
    try {
      if (interactive) this.#screen.print(`AT terminal on ${portName}; .help lists what is no AT command`);
      const typed = interactive ? this.#runTyped() : this.#runScript(ending.signal);
      typed.catch(() => undefined);
      await Promise.race([typed, lost, closed]);
      if (this.#text !== null) {
        this.#screen.note("the text was not ended: it is given up");
        this.#write(Uint8Array.of(ESC));
      }
    } finally {
      ending.abort();
      this.#watch.stop();
      this.#lines.close();
      this.#hearing.stop();
      const written = new Promise<void>((resolve) => stream.end(() => resolve()));
      await Promise.race([written, sleep(clock, CLOSE_LIMIT_MS, flushing.signal).catch(() => undefined)]);
      flushing.abort();
      stream.destroy();
      await closed;
    }
    return { answered: this.#answered || !this.#asked };
  }

  async #runTyped(): Promise<void> {
    const { input } = this.#options;
    const stopKeys = listenForTextKeys(this.#lines, input, (key) => this.#press(key));
    await new Promise<void>((resolve) => {
      this.#lines.on("line", (line) => {
        if (line.trim() === ".quit") resolve();
        else void this.#answer(this.#act(line));
      });
      // Ctrl-D, and Ctrl-C, which a terminal in raw mode gives as a character.
      this.#lines.once("close", resolve);
      this.#lines.once("SIGINT", resolve);
    }).finally(stopKeys);
  }

  /** A key that ends a text, with what of its last line has been typed. */
  #press(key: typeof CTRL_Z | typeof ESC): void {
    const text = this.#text;
    if (text === null) {
      if (key === CTRL_Z)
        this.#screen.note("Ctrl-Z ends a text, and none is being typed; .ctrlz sends it all the same");
      return;
    }
    const typed = takeTyped(this.#lines);
    this.#screen.print(`${typed}${key === CTRL_Z ? "^Z" : "^["}`);
    if (key === CTRL_Z && typed !== "") this.#sendText(text, typed);
    void this.#answer(this.#sendBytes(Uint8Array.of(key)));
  }

  async #runScript(signal: AbortSignal): Promise<void> {
    let silentLines = 0;
    for await (const line of this.#lines) {
      if (line.trim() === ".quit") return;
      if (line.trim() === "" && this.#text === null) continue;
      this.#screen.print(line);
      const outcome = await this.#answer(this.#act(line));
      if (outcome === "given-up") return;
      if (outcome === "arrived") await sleep(this.#options.clock, SETTLE_MS, signal);
      if (outcome !== "silent" || this.#answered) continue;
      silentLines += 1;
      if (silentLines === 1)
        this.#options.warnings.write(`no answer on ${this.#options.portName}: ${this.#remedy()}\n`);
      if (silentLines < SILENT_LINES) continue;
      this.#screen.note(`${SILENT_LINES} lines without an answer: no more are sent`);
      return;
    }
  }

  /** @returns what to wait for before the next line; null: nothing */
  #act(line: string): CommandEnd | null {
    const [word = "", ...rest] = line.trim().split(/\s+/);
    const plainHelp = this.#text === null && /^\s*(?:help|\?)\s*$/i.test(line);
    switch (plainHelp ? ".help" : word) {
      case ".help":
        this.#screen.print(HELP);
        return null;
      case ".ctrlz":
        return this.#sendBytes(Uint8Array.of(CTRL_Z));
      case ".esc":
        return this.#sendBytes(Uint8Array.of(ESC));
      case ".hex":
        return this.#sendHex(rest);
      default:
        if (/^\.[a-z]/.test(word)) {
          this.#screen.note(`there is no ${word}; .help lists what there is`);
          return null;
        }
        return this.#text === null ? this.#sendCommand(line) : this.#sendText(this.#text, line);
    }
  }

  #sendCommand(line: string): CommandEnd | null {
    this.#begin();
    this.#command = line;
    this.#echoes = false;
    this.#promptsOwed = 0;
    this.#hearing.echo.clear();
    this.#hearing.expectPrompt(PROMPTING.test(line));
    this.#write(Buffer.from(line + CR));
    // A modem is silent after an empty line.
    return line.trim() === "" ? null : commandEnd(line);
  }

  #sendText(text: TextEntry, line: string): CommandEnd | null {
    this.#begin();
    return this.#write(Buffer.from(text.empty ? line : CR + line));
  }

  /** Something goes out that may be answered. */
  #begin(): void {
    this.#asked = true;
    this.#heard = "nothing";
    // An answer may come before the write has returned.
    this.#watch.begin();
  }

  #sendHex(words: readonly string[]): CommandEnd | null {
    const hex = words.join("");
    if (!/^(?:[0-9A-Fa-f]{2})+$/.test(hex)) {
      this.#screen.note(".hex wants bytes such as 1A 0D");
      return null;
    }
    return this.#sendBytes(Buffer.from(hex, "hex"));
  }

  #sendBytes(bytes: Uint8Array): CommandEnd | null {
    const inText = this.#text !== null;
    this.#begin();
    if (!inText) this.#hearing.echo.expect(bytes, false);
    const end = this.#write(bytes);
    return inText ? end : BYTES_END;
  }

  /** @returns what comes next if that was the end of a text */
  #write(bytes: Uint8Array): CommandEnd | null {
    const text = this.#text;
    if (text !== null) {
      // Echo and prompts may come before the write has returned.
      this.#hearing.echo.expect(bytes, this.#echoes);
      this.#promptsOwed += text.promptsFor(bytes);
    }
    this.#options.stream.write(bytes);
    const state = text?.add(bytes) ?? "open";
    if (state === "open") return null;
    this.#text = null;
    if (state === "whole") return commandEnd(this.#command);
    this.#command = "";
    this.#hearing.expectPrompt(false);
    return BYTES_END;
  }

  /** Waits for the end of an answer, or for the prompt, and says so when it does not come. @returns null: nothing was asked */
  async #answer(end: CommandEnd | null): Promise<AnswerOutcome | null> {
    if (end === null) return null;
    const outcome = await this.#watch.wait(end.limitMs);
    if (outcome !== "silent") return outcome;
    const within = `within ${end.limitMs / 1000} s`;
    if (this.#heard === "words") this.#screen.note(`the answer has not ended ${within}`);
    else if (end === BYTES_END || !this.#options.interactive) this.#screen.note(`no answer ${within}`);
    else this.#screen.note(`no answer ${within}: ${this.#remedy()}`);
    return outcome;
  }

  #remedy(): string {
    const noise = this.#heard === "noise";
    return silenceRemedy({ command: this.#command, noise, answeredBefore: this.#answered });
  }

  #take(element: WireElement): void {
    switch (element.type) {
      case "line":
        this.#takeLine(element.text);
        break;
      case "prompt":
        this.#answered = true;
        this.#takePrompt();
        break;
      case "payload":
        this.#screen.say(render(element.bytes), `${element.bytes.length} B of payload`);
        break;
      case "stray":
        if (this.#heard === "nothing") this.#heard = "noise";
        this.#screen.say(render(element.bytes), "no text: noise, a wrong baud rate, or binary data");
        break;
    }
  }

  #takeLine(line: string): void {
    if (line.trim() === this.#command.trim()) {
      this.#echoes = true;
      return;
    }
    const meaning = explainLine(line);
    // At a wrong baud rate noise has letters, too.
    if (meaning !== undefined) this.#answered = true;
    this.#heard = "words";
    this.#screen.say(line, meaning);
    const failed = parseErrorResult(line) !== null;
    if (!failed && !commandEnd(this.#command).lastLine.test(line)) return;
    this.#text = null;
    this.#command = "";
    this.#hearing.expectPrompt(false);
    this.#watch.arrive();
  }

  #takePrompt(): void {
    if (this.#promptsOwed > 0) {
      this.#promptsOwed -= 1;
      return;
    }
    if (this.#text === null) {
      this.#text = new TextEntry(this.#command);
      const { announced } = this.#text;
      const [ends, givesUp] = this.#options.interactive
        ? ["Ctrl-Z sends it", "Esc gives it up"]
        : ["ends with .ctrlz", ".esc gives up"];
      const howToEnd = announced === null ? `${ends}; ${givesUp}` : `${announced} B are awaited`;
      this.#screen.say(">", `text: ${howToEnd}`);
    }
    this.#watch.arrive();
  }
}

/** Bytes as text, the unprintable ones as \xHH. */
function render(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => printable(String.fromCharCode(byte))).join("");
}
