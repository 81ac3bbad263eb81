/**
 * Bytes of the modem -> lines, prompts and counted payload. A pure state machine, one byte at a time: however the bytes are cut,
 * the elements are the same. What no modem says (unprintable bytes, lines without end) comes out as stray bytes.
 * Source: SIM900 AT Command Manual V1.03, 1.4 (CR LF, boot noise) and chapter 8 (CIPSEND, CIPRXGET, CIPHEAD).
 */
import type { AtElement } from "./at-command.js";

/** Bytes that belong to no element. */
export interface StrayBytes {
  readonly type: "stray";
  readonly bytes: Uint8Array;
}
/** What comes off the wire. */
export type WireElement = AtElement | StrayBytes;

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const LAST_PRINTABLE = 0x7e;
const GREATER = 0x3e;
const COLON = 0x3a;
/** Longer than the 556 characters of the longest command line and the 280 hex digits of a message. */
const LONGEST_LINE_BYTES = 1024;
/** The most that one segment, one CIPRXGET=2 or one +IPD carries. */
export const LONGEST_PAYLOAD_BYTES = 1460;

const PULL_HEADER = /^\+CIPRXGET: ?2, ?(\d{1,4}), ?\d{1,6}$/;
const PUSH_HEADER = /^\+IPD,(\d{1,4})(?:,(?:TCP|UDP))?:$/;

/** Whether the line is a header `+IPD,<n>:`, whose payload comes next. */
export function isPushHeader(line: string): boolean {
  return pushedBytes(line) > 0;
}

function pushedBytes(line: string): number {
  const count = Number(PUSH_HEADER.exec(line)?.[1] ?? 0);
  return count <= LONGEST_PAYLOAD_BYTES ? count : 0;
}

export class AtReader {
  #line: number[] = [];
  /** Bytes of the current line, or before it, that belong to nothing. */
  #stray: number[] = [];
  /** The current line is damaged: all of it is stray, up to its end. */
  #damaged = false;
  #payload: Uint8Array | null = null;
  #received = 0;
  /** The payload's header has ended in CR: its LF may come before the payload. */
  #swallow: number | null = null;
  #promptArmed = false;
  #pullsUpToBytes = 0;

  /** Whether counted bytes are missing. */
  get inPayload(): boolean {
    return this.#payload !== null;
  }

  /**
   * What may come, once: a prompt, and counted bytes after `+CIPRXGET: 2,` [bytes, 0: none]. Everything else that looks like
   * them is a line, so that no text of a message and no noise can swallow what follows.
   */
  expect(what: { readonly prompt: boolean; readonly pullsUpToBytes: number }): void {
    this.#promptArmed = what.prompt;
    this.#pullsUpToBytes = Math.min(what.pullsUpToBytes, LONGEST_PAYLOAD_BYTES);
  }

  feed(bytes: Uint8Array): WireElement[] {
    const elements: WireElement[] = [];
    for (const byte of bytes) this.#take(byte, elements);
    return elements;
  }

  /** Gives up a payload whose bytes do not come any more; the next line is a line again. */
  abandonPayload(): StrayBytes[] {
    if (this.#payload === null) return [];
    const bytes = this.#payload.slice(0, this.#received);
    this.#payload = null;
    this.#swallow = null;
    return bytes.length === 0 ? [] : [{ type: "stray", bytes }];
  }

  #take(byte: number, elements: WireElement[]): void {
    const swallowed = this.#swallow === byte;
    this.#swallow = null;
    if (swallowed) return;
    if (this.#payload !== null) this.#takePayload(byte, elements);
    else if (byte === CR || byte === LF) this.#endLine(byte, elements);
    else if (this.#damaged || byte < SPACE || byte > LAST_PRINTABLE) this.#takeStray(byte, elements);
    else if (this.#promptArmed && byte === GREATER && this.#line.length === 0) {
      this.#flushStray(elements);
      this.#promptArmed = false;
      this.#swallow = SPACE;
      elements.push({ type: "prompt" });
    } else this.#takeText(byte, elements);
  }

  #takeText(byte: number, elements: WireElement[]): void {
    this.#flushStray(elements);
    this.#line.push(byte);
    if (byte === COLON) {
      const line = this.#text();
      const count = pushedBytes(line);
      if (count > 0) {
        this.#line = [];
        elements.push({ type: "line", text: line });
        this.#startPayload(count);
      }
    } else if (this.#line.length > LONGEST_LINE_BYTES) {
      this.#damage();
    }
  }

  /** A byte that is no text: before a line it is dropped, inside it spoils the line. */
  #takeStray(byte: number, elements: WireElement[]): void {
    if (this.#line.length > 0) this.#damage();
    this.#stray.push(byte);
    if (this.#stray.length >= LONGEST_LINE_BYTES) this.#flushStray(elements);
  }

  #damage(): void {
    this.#stray.push(...this.#line);
    this.#line = [];
    this.#damaged = true;
  }

  #endLine(byte: number, elements: WireElement[]): void {
    this.#flushStray(elements);
    this.#damaged = false;
    if (this.#line.length === 0) return;
    const text = this.#text();
    this.#line = [];
    elements.push({ type: "line", text });
    const count = Number(PULL_HEADER.exec(text)?.[1] ?? 0);
    if (count < 1 || count > this.#pullsUpToBytes) return;
    this.#pullsUpToBytes = 0;
    this.#startPayload(count);
    if (byte === CR) this.#swallow = LF;
  }

  #startPayload(count: number): void {
    this.#payload = new Uint8Array(count);
    this.#received = 0;
  }

  #takePayload(byte: number, elements: WireElement[]): void {
    const payload = this.#payload!;
    payload[this.#received] = byte;
    this.#received += 1;
    if (this.#received < payload.length) return;
    this.#payload = null;
    elements.push({ type: "payload", bytes: payload });
  }

  #flushStray(elements: WireElement[]): void {
    if (this.#stray.length === 0) return;
    elements.push({ type: "stray", bytes: Uint8Array.from(this.#stray) });
    this.#stray = [];
  }

  #text(): string {
    return String.fromCharCode(...this.#line);
  }
}
