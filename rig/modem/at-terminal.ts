/**
 * A terminal on the modem: lines that a person types -> the wire; what the modem says -> the screen, with its meaning beside it.
 * Works on the bytes themselves, without the AT channel, since a person may do anything. The modem's echo of what was typed is
 * left out; everything else is shown. From a terminal, lines go out at once; from a file or a pipe, one command at a time, the
 * next when the answer to the last is whole.
 */
import { createInterface, type Interface } from "node:readline";
import type { Duplex, Readable, Writable } from "node:stream";
import { type Clock, sleep } from "../core/clock.js";
import { AtReader, LONGEST_PAYLOAD_BYTES, type WireElement } from "./at-reader.js";
import { printable } from "./at-trace.js";
import { type CommandEnd, commandEnd } from "./command-ends.js";
import { explainLine } from "./meanings.js";
import { parseErrorResult } from "./result-codes.js";

export interface AtTerminalOptions {
  /** The open line to the modem; closed when the terminal ends. */
  readonly stream: Duplex;
  readonly input: Readable;
  readonly output: Writable;
  /** The input is a person at a terminal. */
  readonly interactive: boolean;
  readonly clock: Clock;
  /** What the line is called: "/dev/ttyUSB0". */
  readonly portName: string;
}

const HELP = `What is typed goes to the modem, with CR after it. AT+CMEE=1 makes errors say why.
  .ctrlz        send 1A: ends the text of a message, and sends it
  .esc          send 1B: gives up the text of a message
  .hex 1A 0D    send these bytes
  .help         this
  .quit         end (or Ctrl-D)
At the modem's > further lines are text: CR goes between them, none after the last.`;

const CR = "\r";
const CTRL_Z = 0x1a;
const ESC = 0x1b;
/** A line that has not ended by then is shown as it is: payload without line ends, noise of a wrong baud rate [ms]. */
const PARTIAL_AFTER_MS = 300;
/** What belongs to an answer and comes after its last line [ms]. */
const SETTLE_MS = 100;
/** What comes of an ESC or of single bytes, if anything does. */
const BYTES_END: CommandEnd = { lastLine: /^OK$/, limitMs: 2000 };
/** For what is still to be written when the terminal ends [ms]. */
const CLOSE_LIMIT_MS = 1000;
/** Commands that answer with a prompt. */
const PROMPTING = /\+(?:CIPSEND|CMG[SW])\b/i;
/** Where the meanings begin [characters]. */
const MEANING_COLUMN = 32;

/**
 * Runs until the input ends, or .quit.
 * @returns whether the modem said anything, or nothing was asked of it. Rejects with the line's PortError when it is lost
 */
export async function runAtTerminal(options: AtTerminalOptions): Promise<{ answered: boolean }> {
  return await new AtTerminal(options).run();
}

/** Between the modem's > and the end of the text. */
interface TextEntry {
  /** Bytes that were announced; null: until 1A. */
  readonly announced: number | null;
  written: number;
}

class AtTerminal {
  readonly #options: AtTerminalOptions;
  readonly #reader = new AtReader();
  readonly #lines: Interface;
  #asked = false;
  #answered = false;
  /** The command that has not ended yet; its echo may come. */
  #command = "";
  #text: TextEntry | null = null;
  /** Whether the answer to the last command of a script, or the prompt, has come; and who waits for it. */
  #arrived = false;
  #wake: () => void = () => undefined;
  #cancelPartial: () => void = () => undefined;

  constructor(options: AtTerminalOptions) {
    this.#options = options;
    const { input, output, interactive } = options;
    this.#lines = createInterface({
      input,
      terminal: interactive,
      prompt: "",
      ...(interactive ? { output } : {}),
    });
  }

  async run(): Promise<{ answered: boolean }> {
    const { stream, interactive, portName, clock } = this.#options;
    const ending = new AbortController();
    const flushing = new AbortController();
    stream.on("data", (bytes: Buffer) => this.#hear(bytes));
    const closed = new Promise<void>((resolve) => stream.once("close", resolve));
    const lost = new Promise<never>((_, reject) => stream.on("error", reject));
    this.#arm();
    try {
      if (interactive) this.#print(`AT terminal on ${portName}; .help lists what is no AT command`);
      const typed = interactive ? this.#runTyped() : this.#runScript(ending.signal);
      typed.catch(() => undefined);
      await Promise.race([typed, lost, closed]);
      if (this.#text !== null) {
        this.#note("the text was not ended by .ctrlz: it is given up");
        this.#write(Uint8Array.of(ESC));
      }
    } finally {
      ending.abort();
      this.#lines.close();
      this.#cancelPartial();
      const written = new Promise<void>((resolve) => stream.end(() => resolve()));
      await Promise.race([written, sleep(clock, CLOSE_LIMIT_MS, flushing.signal).catch(() => undefined)]);
      flushing.abort();
      stream.destroy();
      await closed;
    }
    return { answered: this.#answered || !this.#asked };
  }

  async #runTyped(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#lines.on("line", (line) => {
        if (line.trim() === ".quit") resolve();
        else this.#act(line);
      });
      // Ctrl-D, and Ctrl-C, which a terminal in raw mode gives as a character.
      this.#lines.once("close", resolve);
      this.#lines.once("SIGINT", resolve);
    });
  }

  async #runScript(signal: AbortSignal): Promise<void> {
    for await (const line of this.#lines) {
      if (line.trim() === ".quit") return;
      if (line.trim() === "" && this.#text === null) continue;
      this.#print(line);
      // An answer may come before the write has returned.
      this.#arrived = false;
      const end = this.#act(line);
      if (end !== null) await this.#answer(end, signal);
    }
  }

  /** @returns what to wait for before the next line; null: nothing */
  #act(line: string): CommandEnd | null {
    const [word = "", ...rest] = line.trim().split(/\s+/);
    switch (word) {
      case ".help":
        this.#print(HELP);
        return null;
      case ".ctrlz":
        return this.#sendBytes(Uint8Array.of(CTRL_Z));
      case ".esc":
        return this.#sendBytes(Uint8Array.of(ESC));
      case ".hex":
        return this.#sendHex(rest);
      default:
        if (/^\.[a-z]/.test(word)) {
          this.#note(`there is no ${word}; .help lists what there is`);
          return null;
        }
        return this.#text === null ? this.#sendCommand(line) : this.#sendText(this.#text, line);
    }
  }

  #sendCommand(line: string): CommandEnd {
    this.#command = line;
    this.#asked = true;
    this.#arm();
    this.#write(Buffer.from(line + CR));
    return commandEnd(line);
  }

  #sendText(text: TextEntry, line: string): CommandEnd | null {
    return this.#write(Buffer.from(text.written === 0 ? line : CR + line));
  }

  #sendHex(words: readonly string[]): CommandEnd | null {
    const hex = words.join("");
    if (!/^(?:[0-9A-Fa-f]{2})+$/.test(hex)) {
      this.#note(".hex wants bytes such as 1A 0D");
      return null;
    }
    return this.#sendBytes(Buffer.from(hex, "hex"));
  }

  #sendBytes(bytes: Uint8Array): CommandEnd | null {
    const inText = this.#text !== null;
    const end = this.#write(bytes);
    this.#asked = true;
    return inText ? end : BYTES_END;
  }

  /** @returns what comes next if that was the end of a text */
  #write(bytes: Uint8Array): CommandEnd | null {
    this.#options.stream.write(bytes);
    const text = this.#text;
    if (text === null) return null;
    text.written += bytes.length;
    const cancelled = text.announced === null && bytes.includes(ESC);
    const whole = text.announced === null ? bytes.includes(CTRL_Z) : text.written >= text.announced;
    if (!cancelled && !whole) return null;
    this.#text = null;
    if (cancelled) this.#command = "";
    return cancelled ? BYTES_END : commandEnd(this.#command);
  }

  /** Waits for the end of an answer, or for the prompt. */
  async #answer({ limitMs }: CommandEnd, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (!this.#arrived) {
      await new Promise<void>((resolve) => {
        const cancelLimit = clock.after(limitMs, resolve);
        this.#wake = () => {
          cancelLimit();
          resolve();
        };
        signal.addEventListener("abort", this.#wake, { once: true });
      });
      signal.removeEventListener("abort", this.#wake);
    }
    if (this.#arrived) await sleep(clock, SETTLE_MS, signal);
    else if (!signal.aborted) this.#note(`no answer within ${limitMs / 1000} s`);
  }

  #arrive(): void {
    this.#arrived = true;
    this.#wake();
  }

  #hear(bytes: Uint8Array): void {
    this.#cancelPartial();
    for (const byte of bytes) {
      for (const element of this.#reader.feed(Uint8Array.of(byte))) this.#take(element);
    }
    this.#cancelPartial = this.#options.clock.after(PARTIAL_AFTER_MS, () => {
      const rest = this.#reader.inPayload
        ? this.#reader.abandonPayload()
        : this.#reader.feed(Buffer.from(CR));
      for (const element of rest) this.#take(element);
    });
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
        this.#say(render(element.bytes), `${element.bytes.length} B of payload`);
        break;
      case "stray":
        this.#say(render(element.bytes), "no text: noise, a wrong baud rate, or binary data");
        break;
    }
    this.#arm();
  }

  #takeLine(line: string): void {
    if (line === this.#command.trim()) return;
    const meaning = explainLine(line);
    // At a wrong baud rate noise has letters, too.
    if (meaning !== undefined) this.#answered = true;
    this.#say(line, meaning);
    const failed = parseErrorResult(line) !== null;
    if (!failed && !commandEnd(this.#command).lastLine.test(line)) return;
    this.#text = null;
    this.#command = "";
    this.#arrive();
  }

  #takePrompt(): void {
    if (this.#text === null) {
      const announced = /\+CIPSEND=(?:\d,)?(\d+)$/i.exec(this.#command.trim())?.[1];
      this.#text = { announced: announced === undefined ? null : Number(announced), written: 0 };
      const howToEnd =
        announced === undefined ? "ends with .ctrlz; .esc gives up" : `${announced} B are awaited`;
      this.#say(">", `text: ${howToEnd}`);
    }
    this.#arrive();
  }

  /** A prompt may come until its command has ended; counted bytes whenever they are announced. */
  #arm(): void {
    const prompt = PROMPTING.test(this.#command);
    this.#reader.expect({ prompt, pullsUpToBytes: LONGEST_PAYLOAD_BYTES });
  }

  #say(text: string, meaning: string | undefined): void {
    this.#print(meaning === undefined ? text : `${text.padEnd(MEANING_COLUMN - 2)}  ${meaning}`);
  }

  /** What the terminal itself has to say. */
  #note(text: string): void {
    this.#print(`(${text})`);
  }

  #print(text: string): void {
    const { output, interactive } = this.#options;
    if (!interactive) {
      output.write(`${text}\n`);
      return;
    }
    // What is being typed moves below what the modem says.
    output.write(`\r\x1b[K${text}\n`);
    this.#lines.prompt(true);
  }
}

/** Bytes as text, the unprintable ones as \xHH. */
function render(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => printable(String.fromCharCode(byte))).join("");
}
