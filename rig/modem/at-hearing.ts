/** What a person hears of a modem: its bytes -> elements, without the echo of text, and unfinished lines as they are. */
import type { Clock } from "../core/clock.js";
import { AtReader, LONGEST_PAYLOAD_BYTES, type WireElement } from "./at-reader.js";
import { EchoFilter } from "./echo-filter.js";

/** A line that has not ended by then is given as it is: payload without line ends, noise of a wrong baud rate [ms]. */
const PARTIAL_AFTER_MS = 300;
const LINE_END = Uint8Array.of(0x0d);

export class AtHearing {
  /** What was written and may be echoed. */
  readonly echo = new EchoFilter();
  readonly #reader = new AtReader();
  readonly #clock: Clock;
  readonly #onElement: (element: WireElement) => void;
  #promptExpected = false;
  #cancelPartial: () => void = () => undefined;

  constructor(clock: Clock, onElement: (element: WireElement) => void) {
    this.#clock = clock;
    this.#onElement = onElement;
    this.expectPrompt(false);
  }

  /** Whether prompts may come. Counted bytes are taken whenever they are announced. */
  expectPrompt(expected: boolean): void {
    this.#promptExpected = expected;
    this.#reader.expect({ prompt: expected, pullsUpToBytes: LONGEST_PAYLOAD_BYTES });
  }

  hear(bytes: Uint8Array): void {
    this.#cancelPartial();
    for (const byte of bytes) {
      if (!this.#reader.inPayload && this.echo.takes(byte)) continue;
      this.#give(this.#reader.feed(Uint8Array.of(byte)));
    }
    this.#cancelPartial = this.#clock.after(PARTIAL_AFTER_MS, () => {
      this.echo.endLine();
      this.#give(this.#reader.inPayload ? this.#reader.abandonPayload() : this.#reader.feed(LINE_END));
    });
  }

  stop(): void {
    this.#cancelPartial();
  }

  #give(elements: readonly WireElement[]): void {
    for (const element of elements) {
      if (element.type === "prompt" || element.type === "payload") this.echo.endLine();
      this.#onElement(element);
      // The reader expects such things once.
      this.expectPrompt(this.#promptExpected);
    }
  }
}
