/**
 * A modem that plays a transcript and is not ours: exact bytes expected from the host -> exact bytes answered.
 * Bytes are written as latin1 strings, as they stand in the documents: "\r\n> ", "\r\nSEND OK\r\n".
 */
import { Duplex } from "node:stream";
import type { Clock } from "../../rig/core/clock.js";

/** Bytes, at once or some time after what is before them in the list. */
export type Said = string | Uint8Array | { readonly afterMs: number; readonly say: string | Uint8Array };

export interface Step {
  /** What the host has to write, to the byte. */
  readonly expect: string | Uint8Array;
  readonly answer?: Said | readonly Said[];
}

export class ScriptedModem {
  /** The host's end of the line. */
  readonly stream: Duplex;
  /** Everything the host has written, as latin1. */
  written = "";
  /** What the host has written that no step expects, as latin1: "" is good. Once wrong, everything is. */
  unexpected = "";
  /** Time that the line takes for a byte written by the host [ms]; 0: none. 9600 baud: 1.042. */
  byteMs = 0;
  readonly #clock: Clock;
  readonly #steps: Step[];
  #pending = "";

  constructor(clock: Clock, steps: readonly Step[] = []) {
    this.#clock = clock;
    this.#steps = [...steps];
    this.stream = new Duplex({
      allowHalfOpen: false,
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        const arrive = () => {
          done();
          this.#hear(bytes.toString("latin1"));
        };
        if (this.byteMs === 0) arrive();
        else this.#clock.after(bytes.length * this.byteMs, arrive);
      },
    });
  }

  /** Whether every step was played and nothing else was written. */
  get done(): boolean {
    return this.#steps.length === 0 && this.#pending === "" && this.unexpected === "";
  }

  /** Steps after those that are there. */
  add(...steps: readonly Step[]): void {
    this.#steps.push(...steps);
  }

  /** Says something unasked. */
  say(bytes: string | Uint8Array): void {
    if (!this.stream.destroyed) this.stream.push(Buffer.from(latin1(bytes), "latin1"));
  }

  /** The line is lost: `error`, if there is one, then `close`. */
  drop(error?: Error): void {
    this.stream.destroy(error);
  }

  #hear(text: string): void {
    this.written += text;
    this.#pending += text;
    while (this.#pending !== "" && this.unexpected === "") {
      const step = this.#steps[0];
      const expected = step === undefined ? "" : latin1(step.expect);
      if (step === undefined || !sameStart(expected, this.#pending)) break;
      if (this.#pending.length < expected.length) return;
      this.#pending = this.#pending.slice(expected.length);
      this.#steps.shift();
      this.#answer(step.answer ?? []);
    }
    this.unexpected += this.#pending;
    this.#pending = "";
  }

  #answer(answer: Said | readonly Said[]): void {
    let delayMs = 0;
    for (const said of Array.isArray(answer) ? (answer as readonly Said[]) : [answer as Said]) {
      const isDelayed = typeof said === "object" && "afterMs" in said;
      if (isDelayed) delayMs += said.afterMs;
      const bytes = isDelayed ? said.say : said;
      if (delayMs === 0) this.say(bytes);
      else this.#clock.after(delayMs, () => this.say(bytes));
    }
  }
}

function sameStart(one: string, other: string): boolean {
  const length = Math.min(one.length, other.length);
  return one.slice(0, length) === other.slice(0, length);
}

function latin1(bytes: string | Uint8Array): string {
  return typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("latin1");
}
