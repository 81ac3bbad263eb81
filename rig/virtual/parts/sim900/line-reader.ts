/**
 * The module's reading of its line, byte by byte: commands, the text after a prompt, or the bytes of a transparent connection.
 * host bytes -> `onLine` (one whole line of commands), the promise of `collect`, or the sink of `passThrough`.
 * Source: SIM900 AT Command Manual V1.03, 1.4; AN_SIM900_TCPIP V1.02, 5.1.
 *
 * What is typed before "AT", in either case, is echoed and ignored: only learning the baud rate wants capitals (uart.ts). What is typed while a command runs is lost: the manual says only that it may be.
 */

const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const BACKSPACE = 0x08;
const CTRL_Z = 0x1a;
const ESCAPE = 0x1b;
/** Source: SIM900 AT Command Manual V1.03, 1.4.3. */
const MAX_LINE_CHARACTERS = 556;

/** What is to be read after a prompt. */
export type Wanted =
  | { readonly count: number }
  /** Up to Ctrl-Z; `onReturn` is called for each return in it. */
  | { readonly maxBytes: number; readonly onReturn: () => void };

export interface Collected {
  readonly how: "complete" | "escaped" | "too-long" | "aborted";
  readonly bytes: Uint8Array;
}

export interface LineReaderOptions {
  /** Sends back what was typed, if echo is on. */
  readonly echo: (byte: number) => void;
  /** A line of commands without "AT" and return; null: it was too long. The reader is deaf until `listen`. */
  readonly onLine: (body: string | null) => void;
}

type Mode =
  | { readonly name: "command" }
  | { readonly name: "deaf" }
  | {
      readonly name: "collect";
      readonly wanted: Wanted;
      readonly bytes: number[];
      readonly done: (c: Collected) => void;
    }
  | { readonly name: "through"; readonly sink: (byte: number) => void };

export class LineReader {
  readonly #options: LineReaderOptions;
  #mode: Mode = { name: "command" };
  /** What of "AT" was read; the line begins after it. */
  #prefix: "" | "A" | "AT" = "";
  #line = "";
  #last = "";

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  accept(byte: number): void {
    switch (this.#mode.name) {
      case "command":
        this.#acceptCommand(byte);
        break;
      case "collect":
        this.#acceptText(this.#mode, byte);
        break;
      case "through":
        this.#mode.sink(byte);
        break;
      case "deaf":
        break;
    }
  }

  /** The command has ended: the next line may come. */
  listen(): void {
    this.#mode = { name: "command" };
    this.#prefix = "";
    this.#line = "";
  }

  /** Reads what follows a prompt; deaf afterwards. */
  collect(wanted: Wanted): Promise<Collected> {
    return new Promise((done) => {
      this.#mode = { name: "collect", wanted, bytes: [], done };
    });
  }

  /** Ends a `collect` that has not got everything. */
  abort(): void {
    if (this.#mode.name === "collect") this.#finish(this.#mode, "aborted");
  }

  passThrough(sink: (byte: number) => void): void {
    this.#mode = { name: "through", sink };
  }

  #acceptCommand(byte: number): void {
    if (byte === LINE_FEED) return;
    this.#options.echo(byte);
    const character = String.fromCharCode(byte);
    if (this.#prefix === "AT") {
      this.#acceptLine(byte, character);
    } else if (this.#prefix === "A" && isLetter(character, "T")) {
      this.#prefix = "AT";
    } else if (this.#prefix === "A" && character === "/") {
      this.#give(this.#last);
    } else {
      this.#prefix = isLetter(character, "A") ? "A" : "";
    }
  }

  #acceptLine(byte: number, character: string): void {
    if (byte === RETURN) {
      this.#give(this.#line);
    } else if (byte === BACKSPACE) {
      this.#line = this.#line.slice(0, -1);
    } else if (this.#line.length <= MAX_LINE_CHARACTERS) {
      this.#line += character;
    }
  }

  #give(line: string): void {
    this.listen();
    this.#mode = { name: "deaf" };
    const tooLong = line.length + "AT".length > MAX_LINE_CHARACTERS;
    if (!tooLong) this.#last = line;
    this.#options.onLine(tooLong ? null : line);
  }

  #acceptText(mode: Extract<Mode, { name: "collect" }>, byte: number): void {
    const { wanted, bytes } = mode;
    this.#options.echo(byte);
    if ("count" in wanted) {
      bytes.push(byte);
      if (bytes.length === wanted.count) this.#finish(mode, "complete");
    } else if (byte === CTRL_Z) {
      this.#finish(mode, "complete");
    } else if (byte === ESCAPE) {
      this.#finish(mode, "escaped");
    } else {
      bytes.push(byte);
      if (bytes.length > wanted.maxBytes) this.#finish(mode, "too-long");
      else if (byte === RETURN) wanted.onReturn();
    }
  }

  #finish(mode: Extract<Mode, { name: "collect" }>, how: Collected["how"]): void {
    this.#mode = { name: "deaf" };
    mode.done({ how, bytes: Uint8Array.from(mode.bytes) });
  }
}

function isLetter(character: string, capital: string): boolean {
  return character.toUpperCase() === capital;
}
