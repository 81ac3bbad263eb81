/**
 * The inside of the HD44780U: memories, address counter and modes, changed by whole instructions; knows no pins and no time.
 * Takes RS and a byte -> changes the state, gives the execution time. The pins and the time are Hd44780Part's.
 * Source: Hitachi HD44780U data sheet ADE-207-272(Z) rev. 0.0, called "sheet" below.
 */
import { romA00Character } from "./hd44780-rom-a00.js";

const GLASS_COLUMNS = 16;
const SPACE = 0x20;

/** Execution times at 270 kHz [us]. Source: sheet, Table 6, pp. 24-25. */
const LONG_US = 1520; // clear display, return home
const SHORT_US = 37; // everything else

export class Hd44780Controller {
  /**
   * Character codes by address. Two lines: 0x00-0x27 and 0x40-0x67; one line: 0x00-0x4F (sheet, Figures 2 and 4,
   * pp. 10-11). The other cells do not exist on the chip: what is written there is lost.
   */
  readonly ddram = new Uint8Array(128);
  /** User characters by address, 8 bytes a character; all 0 at power-on here, chance on a real chip. */
  readonly cgram = new Uint8Array(64);
  /** Which memory the address counter points into. */
  addressSpace: "ddram" | "cgram" = "ddram";
  /** 0..127 in the DDRAM, 0..63 in the CGRAM. */
  addressCounter = 0;
  entryMode = { increment: true, shift: false };
  displayControl = { display: false, cursor: false, blink: false };
  /** DDRAM column in the leftmost place of the glass: 0..39 with two lines, 0..79 with one. */
  shift = 0;
  interfaceBits: 4 | 8 = 8;
  lineCount: 1 | 2 = 1;
  /** As the F bit says; with two lines the glass is 5x8 all the same (sheet, Table 8, p. 29). */
  font: "5x8" | "5x10" = "5x8";

  constructor() {
    this.reset();
  }

  /** What the internal reset circuit does at power-on. Source: sheet, "Reset Function", p. 23. */
  reset(): void {
    this.interfaceBits = 8;
    this.lineCount = 1;
    this.font = "5x8";
    this.displayControl = { display: false, cursor: false, blink: false };
    this.entryMode = { increment: true, shift: false };
    this.cgram.fill(0);
    this.#clear();
  }

  /**
   * Carries out one write. Source: sheet, Table 6, pp. 24-25.
   * Deviates: the sheet allows no change of N and F once another instruction was given; modules take it, and a warm
   * start that goes through the 8-bit phase again needs it, so it is taken here.
   * @returns execution time at 270 kHz [us]
   */
  write(rs: 0 | 1, byte: number): number {
    if (rs === 1) {
      this.#writeData(byte);
      return SHORT_US;
    }
    if (byte & 0x80) this.#point("ddram", byte & 0x7f);
    else if (byte & 0x40) this.#point("cgram", byte & 0x3f);
    else if (byte & 0x20) this.#setFunction(byte);
    else if (byte & 0x10) this.#moveOrShift((byte & 0x08) !== 0, (byte & 0x04) !== 0);
    else if (byte & 0x08)
      this.displayControl = { display: !!(byte & 4), cursor: !!(byte & 2), blink: !!(byte & 1) };
    else if (byte & 0x04) this.entryMode = { increment: !!(byte & 2), shift: !!(byte & 1) };
    else if (byte & 0x02) this.#home();
    else if (byte & 0x01) {
      this.#clear();
      this.entryMode = { ...this.entryMode, increment: true }; // sheet, "Clear Display", p. 26
    }
    return byte === 1 || (byte & 0xfe) === 2 ? LONG_US : SHORT_US;
  }

  /** After data was read the address moves as after a write, but the display does not shift. @returns execution time [us] */
  readData(): number {
    this.#step(this.entryMode.increment);
    return SHORT_US;
  }

  /** The two rows of a 16x2 glass: with N = 0 only the first is driven. */
  get lines(): readonly [string, string] {
    return [this.#row(0), this.lineCount === 2 ? this.#row(0x40) : " ".repeat(GLASS_COLUMNS)];
  }

  #row(startAddress: number): string {
    if (!this.displayControl.display) return " ".repeat(GLASS_COLUMNS);
    let text = "";
    for (let column = 0; column < GLASS_COLUMNS; column++)
      text += romA00Character(
        this.ddram[startAddress + ((column + this.shift) % this.#lineLength)] as number,
      );
    return text;
  }

  get #lineLength(): 40 | 80 {
    return this.lineCount === 2 ? 40 : 80;
  }

  #clear(): void {
    this.ddram.fill(SPACE);
    this.#home();
  }

  #home(): void {
    this.#point("ddram", 0);
    this.shift = 0;
  }

  #point(space: "ddram" | "cgram", address: number): void {
    this.addressSpace = space;
    this.addressCounter = address;
  }

  #setFunction(byte: number): void {
    this.interfaceBits = byte & 0x10 ? 8 : 4;
    this.lineCount = byte & 0x08 ? 2 : 1;
    this.font = byte & 0x04 ? "5x10" : "5x8";
    this.shift %= this.#lineLength;
  }

  /** Source: sheet, Table 7, p. 29. */
  #moveOrShift(display: boolean, right: boolean): void {
    if (display) this.#shiftDisplay(right);
    else this.#step(right);
  }

  /** Shifting left brings the next column to the left edge. Source: sheet, Figure 6, p. 12. */
  #shiftDisplay(right: boolean): void {
    this.shift = (this.shift + (right ? this.#lineLength - 1 : 1)) % this.#lineLength;
  }

  #writeData(byte: number): void {
    if (this.addressSpace === "cgram") this.cgram[this.addressCounter] = byte;
    else {
      if (this.#exists(this.addressCounter)) this.ddram[this.addressCounter] = byte;
      if (this.entryMode.shift) this.#shiftDisplay(!this.entryMode.increment);
    }
    this.#step(this.entryMode.increment);
  }

  #exists(address: number): boolean {
    return this.lineCount === 2 ? (address & 0x3f) < 0x28 : address < 0x50;
  }

  /** One address on or back; the DDRAM's ends join, and with two lines the first line leads to the second and back. */
  #step(forward: boolean): void {
    const limit = this.addressSpace === "cgram" ? 0x40 : 0x80;
    let address = this.addressCounter;
    do {
      address = (address + (forward ? 1 : limit - 1)) % limit;
    } while (this.addressSpace === "ddram" && !this.#exists(address));
    this.addressCounter = address;
  }
}
