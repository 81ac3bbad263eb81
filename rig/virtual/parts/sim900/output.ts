/**
 * What the module says: answers, result codes and what is unasked, as bytes for the UART.
 * Source: SIM900 AT Command Manual V1.03, 1.4 (`\r\n<text>\r\n`), ATV (numeric codes), AT+CMEE.
 */
import type { PowerScope } from "./power-scope.js";
import { CME_TEXTS, CMS_TEXTS, type Refusal } from "./refusal.js";
import type { Settings } from "./settings.js";
import type { Uart } from "./uart.js";

const RESULT_NUMBERS = {
  OK: 0,
  CONNECT: 1,
  RING: 2,
  "NO CARRIER": 3,
  ERROR: 4,
} as const;

export class Output {
  /** Set while a transparent connection has the line: nothing unasked is said then. */
  silent = false;
  /** Says something unasked in the middle of an answer, where a fault wants it. */
  interrupt: (() => void) | null = null;
  readonly #scope: PowerScope;
  readonly #uart: Uart;
  readonly #settings: Settings;

  constructor(scope: PowerScope, uart: Uart, settings: Settings) {
    this.#scope = scope;
    this.#uart = uart;
    this.#settings = settings;
  }

  bytes(bytes: Uint8Array): void {
    if (this.#scope.alive) this.#uart.send(bytes);
  }

  /** @param text every character one byte */
  text(text: string): void {
    this.bytes(Buffer.from(text, "latin1"));
  }

  /** One element of an answer that something else follows. */
  info(text: string): void {
    this.text(this.#settings.profile.verbose ? `\r\n${text}\r\n` : `${text}\r\n`);
  }

  /** The element that ends an answer and is no result code of ATV: SHUT OK, SEND OK, a bare address. */
  last(text: string): void {
    this.interrupt?.();
    this.info(text);
  }

  result(word: keyof typeof RESULT_NUMBERS): void {
    if (this.#settings.profile.quiet) return;
    if (this.#settings.profile.verbose) this.text(`\r\n${word}\r\n`);
    else this.text(`${RESULT_NUMBERS[word]}\r`);
  }

  refusal({ reason }: Refusal): void {
    const level = this.#settings.errorLevel;
    if (reason === null || (reason.family === "CME" && level === 0)) {
      this.result("ERROR");
      return;
    }
    if (this.#settings.profile.quiet) return;
    const texts: Record<number, string> = reason.family === "CME" ? CME_TEXTS : CMS_TEXTS;
    const said = level === 2 ? texts[reason.code] : reason.code;
    this.text(`\r\n+${reason.family} ERROR: ${said}\r\n`);
  }

  /** Something unasked. */
  urc(text: string): void {
    if (!this.silent) this.text(`\r\n${text}\r\n`);
  }
}
