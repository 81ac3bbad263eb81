/** Drives a display's pins the way the data sheet draws it, with every time under the test's control [us]. */
import type { Hd44780Part } from "../../../rig/virtual/parts/hd44780-part.js";

export class LcdWires {
  /** Levels of D3..D0 while only D7..D4 are wired. */
  openData = 0x0f;
  nowUs: number;
  readonly #display: Hd44780Part;

  constructor(display: Hd44780Part, startUs = 20_000) {
    this.#display = display;
    this.nowUs = startUs;
  }

  set(rs: 0 | 1, e: 0 | 1, data: number, rw: 0 | 1 = 0): void {
    this.#display.setPins({ rs, rw, e, data }, this.nowUs);
  }

  /** One E pulse, 1 us of set-up before it and 1 us wide; `nowUs` is then the time E fell. */
  pulse(rs: 0 | 1, data: number, rw: 0 | 1 = 0): void {
    this.nowUs += 1;
    this.set(rs, 0, data, rw);
    this.nowUs += 1;
    this.set(rs, 1, data, rw);
    this.nowUs += 1;
    this.set(rs, 0, data, rw);
  }

  half(rs: 0 | 1, half: number, rw: 0 | 1 = 0): void {
    this.pulse(rs, (half << 4) | this.openData, rw);
  }

  /** A byte in two halves 5 us apart, then `restUs` of rest. */
  byte(rs: 0 | 1, byte: number, restUs = 2500): void {
    this.half(rs, byte >> 4);
    this.nowUs += 2;
    this.half(rs, byte & 0x0f);
    this.nowUs += restUs;
  }

  command(byte: number): void {
    this.byte(0, byte);
  }

  text(text: string): void {
    for (const character of text) this.byte(1, character.charCodeAt(0));
  }

  /** Initialisation by instruction, 4-bit interface (Figure 24, p. 46), then display on. */
  initialise(): void {
    for (const waitUs of [4200, 150, 150]) {
      this.half(0, 0x3);
      this.nowUs += waitUs;
    }
    this.half(0, 0x2);
    this.nowUs += 60;
    for (const instruction of [0x28, 0x08, 0x01, 0x06, 0x0c]) this.command(instruction);
  }
}
