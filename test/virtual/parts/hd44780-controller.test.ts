// Expected values: Hitachi HD44780U data sheet ADE-207-272(Z) rev. 0.0
import { describe, expect, it } from "vitest";
import { Hd44780Controller } from "../../../rig/virtual/parts/hd44780-controller.js";

function ready(lineCount: 1 | 2 = 2): Hd44780Controller {
  const controller = new Hd44780Controller();
  for (const instruction of [lineCount === 2 ? 0x38 : 0x30, 0x0c, 0x01, 0x06])
    controller.write(0, instruction);
  return controller;
}

function write(controller: Hd44780Controller, text: string): void {
  for (const character of text) controller.write(1, character.charCodeAt(0));
}

const DIGITS_40 = "0123456789abcdefghijklmnopqrstuvwxyzABCD";

describe("Hd44780Controller addresses", () => {
  it.each([
    [2, "27", "40"],
    [2, "67", "00"],
    [1, "27", "28"],
    [1, "4F", "00"],
  ] as const)("with %i line(s) 0x%s is followed by 0x%s, and back", (lineCount, addressHex, nextHex) => {
    const address = Number.parseInt(addressHex, 16);
    const next = Number.parseInt(nextHex, 16);
    const controller = ready(lineCount);
    controller.write(0, 0x80 | address);
    controller.write(1, 0x41);
    expect(controller.addressCounter).toBe(next);
    controller.write(0, 0x10); // cursor left
    expect(controller.addressCounter).toBe(address);
    controller.write(0, 0x14); // cursor right
    expect(controller.addressCounter).toBe(next);
    controller.write(0, 0x04); // decrement
    controller.write(1, 0x41);
    expect(controller.addressCounter).toBe(address);
  });

  it("runs 41 characters from the first line into the second (Figure 4, p. 11)", () => {
    const controller = ready();
    write(controller, `${DIGITS_40}!`);
    expect(controller.ddram[0x27]).toBe("D".charCodeAt(0));
    expect(controller.lines[1]).toBe("!".padEnd(16));
  });

  it("loses what is written between the lines, and steps on to the next cell that exists", () => {
    const controller = ready();
    controller.write(0, 0x80 | 0x30);
    write(controller, "XY");
    expect(controller.lines).toEqual([" ".repeat(16), "Y".padEnd(16)]);
  });

  it("drives only the first row with N = 0, whose line has 80 characters", () => {
    const controller = ready(1);
    controller.write(0, 0x80 | 0x40);
    write(controller, "Z");
    expect(controller.lines).toEqual([" ".repeat(16), " ".repeat(16)]);
    for (let i = 0; i < 0x40; i++) controller.write(0, 0x18); // 64 to the left
    expect(controller.lines[0]).toBe("Z".padEnd(16));
  });
});

describe("Hd44780Controller display shift", () => {
  it("left brings 01..10 to the glass, right 27,00..0E, on both rows at once (Figure 6, p. 12)", () => {
    const controller = ready();
    write(controller, DIGITS_40);
    write(controller, DIGITS_40.toUpperCase());
    controller.write(0, 0x18);
    expect(controller.lines).toEqual(["123456789abcdefg", "123456789ABCDEFG"]);
    controller.write(0, 0x1c);
    controller.write(0, 0x1c);
    expect(controller.lines).toEqual(["D0123456789abcde", "D0123456789ABCDE"]);
    expect(controller.addressCounter).toBe(0); // display shift leaves the address (Table 7, p. 29)
  });

  it("comes round after 40 shifts", () => {
    const controller = ready();
    write(controller, DIGITS_40);
    const before = controller.lines;
    for (let i = 0; i < 40; i++) controller.write(0, 0x18);
    expect(controller.lines).toEqual(before);
  });

  it("is undone by return home, which keeps the text", () => {
    const controller = ready();
    write(controller, "abc");
    controller.write(0, 0x18);
    controller.write(0, 0x02);
    expect(controller.lines[0]).toBe("abc".padEnd(16));
    expect(controller.addressCounter).toBe(0);
  });

  it("goes with writing when S = 1: left when incrementing, right when decrementing; not in CGRAM, not on reads", () => {
    const controller = ready();
    controller.write(0, 0x07);
    write(controller, "abc");
    expect(controller.shift).toBe(3);
    controller.write(0, 0x05);
    write(controller, "d");
    expect(controller.shift).toBe(2);
    controller.readData();
    controller.write(0, 0x40);
    controller.write(1, 0x1f);
    expect(controller.shift).toBe(2);
  });
});

describe("Hd44780Controller instructions", () => {
  it("display off hides the text, display on shows it again", () => {
    const controller = ready();
    write(controller, "abc");
    controller.write(0, 0x08);
    expect(controller.lines[0]).toBe(" ".repeat(16));
    controller.write(0, 0x0f);
    expect(controller.lines[0]).toBe("abc".padEnd(16));
    expect(controller.displayControl).toEqual({ display: true, cursor: true, blink: true });
  });

  it("clear fills with spaces, goes to 0, undoes the shift and turns to incrementing, but keeps S", () => {
    const controller = ready();
    write(controller, "abc");
    controller.write(0, 0x18);
    controller.write(0, 0x05);
    controller.write(0, 0x01);
    expect(controller.lines).toEqual([" ".repeat(16), " ".repeat(16)]);
    expect(controller.addressCounter).toBe(0);
    expect(controller.shift).toBe(0);
    expect(controller.entryMode).toEqual({ increment: true, shift: true });
  });

  it("takes 1.52 ms for clear and home, 37 us for all else (Table 6)", () => {
    const controller = ready();
    expect([0x01, 0x02, 0x03].map((byte) => controller.write(0, byte))).toEqual([1520, 1520, 1520]);
    const others = [0x06, 0x0c, 0x14, 0x38, 0x40, 0x80].map((byte) => controller.write(0, byte));
    expect(others).toEqual([37, 37, 37, 37, 37, 37]);
    expect([controller.write(1, 0x41), controller.readData()]).toEqual([37, 37]);
  });

  it("keeps a glyph of 8 rows in the CGRAM, wraps after 64 bytes, and leaves the text to the DDRAM", () => {
    const controller = ready();
    const bell = [0x04, 0x0e, 0x0e, 0x0e, 0x1f, 0x00, 0x04, 0x00];
    controller.write(0, 0x40 | (7 * 8));
    for (const row of bell) controller.write(1, row);
    expect([...controller.cgram.subarray(56)]).toEqual(bell);
    expect([controller.addressSpace, controller.addressCounter]).toEqual(["cgram", 0]);
    controller.write(0, 0x80);
    for (const code of [7, 15, 0, 8]) controller.write(1, code); // bit 3 has no effect (Table 5, p. 19)
    expect(controller.lines[0]).toBe("₇₇₀₀".padEnd(16));
  });

  it("function set chooses bits, lines and font", () => {
    const controller = ready();
    controller.write(0, 0x24);
    expect([controller.interfaceBits, controller.lineCount, controller.font]).toEqual([4, 1, "5x10"]);
    controller.write(0, 0x38);
    expect([controller.interfaceBits, controller.lineCount, controller.font]).toEqual([8, 2, "5x8"]);
  });
});

describe("ROM A00 (Table 4, p. 17)", () => {
  it.each([
    ["41", "A"],
    ["5c", "¥"],
    ["7d", "}"],
    ["7e", "→"],
    ["7f", "←"],
    ["b1", "ｱ"],
    ["dd", "ﾝ"],
    ["df", "°"],
    ["e4", "µ"],
    ["f4", "Ω"],
    ["fd", "÷"],
    ["ff", "█"],
    ["80", " "],
  ])("shows 0x%s as %s", (codeHex, character) => {
    const controller = ready();
    controller.write(1, Number.parseInt(codeHex, 16));
    expect(controller.lines[0].charAt(0)).toBe(character);
  });

  it("gives each of the 256 codes exactly one character", () => {
    const controller = ready();
    for (let code = 0; code < 256; code++) {
      controller.write(0, 0x80);
      controller.write(1, code);
      expect(controller.lines[0]).toHaveLength(16);
    }
  });
});
