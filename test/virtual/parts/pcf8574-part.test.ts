// Expected values: NXP PCF8574; PCF8574A product data sheet rev. 5, and the wiring of the common backpack
import { describe, expect, it } from "vitest";
import { Hd44780Part } from "../../../rig/virtual/parts/hd44780-part.js";
import { Pcf8574Part } from "../../../rig/virtual/parts/pcf8574-part.js";

const E = 0x04;
const BACKLIGHT = 0x08;

class Backpack {
  readonly display = new Hd44780Part();
  readonly part = new Pcf8574Part(0x27, this.display);
  #nowUs = 20_000;

  /** A half in three bytes 90 us apart, as the bus at 100 kHz gives them: RS and data, E, E off. */
  half(half: number, rs: 0 | 1): void {
    for (const e of [0, E, 0]) this.raw((half << 4) | BACKLIGHT | e | rs);
  }

  raw(byte: number): void {
    this.#nowUs += 90;
    this.part.write(byte, this.#nowUs);
  }

  byte(byte: number, rs: 0 | 1): void {
    this.half(byte >> 4, rs);
    this.half(byte & 0x0f, rs);
    this.#nowUs += 2000;
  }

  initialise(): void {
    this.raw(BACKLIGHT);
    for (const half of [0x3, 0x3, 0x3, 0x2]) {
      this.half(half, 0);
      this.#nowUs += 4100;
    }
    for (const instruction of [0x28, 0x0c, 0x01, 0x06]) this.byte(instruction, 0);
  }
}

describe("Pcf8574Part", () => {
  it("writes a text through P4-P7 with E on P2 and RS on P0, without a timing violation", () => {
    const backpack = new Backpack();
    backpack.initialise();
    for (const character of "230 V") backpack.byte(character.charCodeAt(0), 1);
    expect(backpack.display.lines[0]).toBe("230 V".padEnd(16));
    expect(backpack.display.violations).toEqual([]);
  });

  it("has all outputs high from power-on: backlight lit, and E falling first makes no transfer", () => {
    const backpack = new Backpack();
    expect(backpack.part.backlight).toBe(true);
    backpack.raw(0x00);
    expect(backpack.part.backlight).toBe(false);
    expect(backpack.display.controller.addressCounter).toBe(0);
    expect(backpack.display.violations).toEqual([]);
  });

  it("starts again with its display when power comes back", () => {
    const backpack = new Backpack();
    backpack.initialise();
    backpack.byte(0x41, 1);
    backpack.raw(0x00);
    backpack.part.powerOn(30_000);
    expect(backpack.part.backlight).toBe(true);
    expect(backpack.display.lines[0]).toBe(" ".repeat(16));
    expect(backpack.display.controller.interfaceBits).toBe(8);
  });

  it("changes RS and E at the same instant when told so, which breaks tAS", () => {
    const backpack = new Backpack();
    backpack.initialise();
    backpack.raw(0x40 | E | 1);
    expect(backpack.display.violations.map(({ rule }) => rule)).toEqual(["tAS"]);
  });

  it("leaves D3-D0 of the display to its pull-ups: 0x3 in the 8-bit phase reads 0x3F", () => {
    const backpack = new Backpack();
    backpack.raw(BACKLIGHT);
    backpack.half(0x3, 0);
    expect(backpack.display.controller.lineCount).toBe(2);
    expect(backpack.display.controller.font).toBe("5x10");
  });

  it.each([0x20, 0x27, 0x38, 0x3f])("takes address %i", (address) => {
    expect(new Pcf8574Part(address, new Hd44780Part()).address).toBe(address);
  });

  it.each([0x1f, 0x28, 0x37, 0x40, 0x120, -1, 32.5, Number.NaN])("refuses address %d", (address) => {
    expect(() => new Pcf8574Part(address, new Hd44780Part())).toThrow(RangeError);
  });

  it("refuses a byte of 256", () => {
    const { part } = new Backpack();
    expect(() => part.write(256, 0)).toThrow(/byte must be 0 to 255, not 256/);
  });
});
