/**
 * The text that follows a modem's prompt: bytes that go out -> whether the text is open, whole or given up. Pure.
 * Source: AN_SIM900_TCPIP V1.02, 5.1 (counted bytes of CIPSEND); SIM900 AT Command Manual V1.03, CMGS (1A, 1B, prompts after CR).
 */
const CR = 0x0d;
export const CTRL_Z = 0x1a;
export const ESC = 0x1b;

export class TextEntry {
  /** Bytes that were announced; null: until 1A. */
  readonly announced: number | null;
  #written = 0;

  /** @param command which the prompt answers */
  constructor(command: string) {
    const announced = /\+CIPSEND=(?:\d,)?(\d+)$/i.exec(command.trim())?.[1];
    this.announced = announced === undefined ? null : Number(announced);
  }

  get empty(): boolean {
    return this.#written === 0;
  }

  add(bytes: Uint8Array): "open" | "whole" | "given-up" {
    this.#written += bytes.length;
    if (this.announced !== null) return this.#written >= this.announced ? "whole" : "open";
    if (bytes.includes(ESC)) return "given-up";
    return bytes.includes(CTRL_Z) ? "whole" : "open";
  }

  /** Prompts that these bytes bring: one for every CR, perhaps after the text has ended. */
  promptsFor(bytes: Uint8Array): number {
    return this.announced === null ? bytes.filter((byte) => byte === CR).length : 0;
  }
}
