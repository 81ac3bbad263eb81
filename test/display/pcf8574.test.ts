import { describe, expect, it } from "vitest";
import type { LcdLines } from "../../rig/core/events.js";
import { Hd44780 } from "../../rig/display/hd44780.js";
import { Pcf8574Bus } from "../../rig/display/pcf8574.js";
import { LcdGlass } from "./lcd-glass.js";
import { RecordingPins } from "./recording-pins.js";

/** 9 clocks of the 100 kHz bus. */
const BYTE_US = 90;
const READING: LcdLines = ["1.739A   400.1 W", "230.1V   PF 1.00"];
const A: LcdLines = ["A".repeat(16), "A".repeat(16)];
const B: LcdLines = ["B".repeat(16), "B".repeat(16)];

function build() {
  const pins = new RecordingPins();
  const lcd = new Hd44780(new Pcf8574Bus(pins, 0x27));
  return { pins, lcd };
}

const bytesOf = (pins: RecordingPins) => pins.requests.flatMap(({ bytes }) => bytes);

/** P0 RS, P2 E, P4-P7 D4-D7, as the usual backpack is wired; after power-on all of them are high. */
function play(pins: RecordingPins): LcdGlass {
  const glass = new LcdGlass();
  bytesOf(pins).forEach((byte, index) => {
    glass.drive({ rs: (byte & 1) !== 0, e: (byte & 4) !== 0, nibble: byte >> 4 }, index * BYTE_US);
  });
  return glass;
}

describe("Hd44780 behind a PCF8574", () => {
  it("sets up and shows lines with no fault at 90 us a byte, backlight on and R/W low in every byte", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(A);
    lcd.show(READING);
    const glass = play(pins);
    expect(glass.instructions.slice(0, 9)).toEqual(["3.", "3.", "3.", "2.", "28", "08", "01", "06", "0c"]);
    expect(glass.faults).toEqual([]);
    expect(glass.lines).toEqual(READING);
    expect(bytesOf(pins).every((byte) => (byte & 0x08) !== 0 && (byte & 0x02) === 0)).toBe(true);
  });

  it("puts at most 30 bytes in a request, all to the configured address", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(A);
    expect(Math.max(...pins.requests.map(({ bytes }) => bytes.length))).toBe(30);
    expect(pins.requests.every(({ address }) => address === 0x27)).toBe(true);
  });

  it("redraws both lines in 305 bytes of the board's wire: 140 expander bytes, twice, and 5 for each of 5 requests", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(A);
    const before = pins.requests.length;
    expect(lcd.show(B)).toBe(2 * 140 + 5 * 5);
    expect(pins.requests.length - before).toBe(5);
  });

  it("writes a changed reading in 65 bytes and an unchanged one in 0", () => {
    const { lcd } = build();
    lcd.begin();
    lcd.show(READING);
    expect(lcd.show(["1.738A   400.3 W", "230.2V   PF 1.00"])).toBe(2 * 30 + 5);
    expect(lcd.show(["1.738A   400.3 W", "230.2V   PF 1.00"])).toBe(0);
  });

  it("sends no set-up of pins: A4 and A5 belong to the firmware's I2C", () => {
    const { pins, lcd } = build();
    lcd.begin();
    expect(pins.modes.size).toBe(0);
    expect(pins.messages).toEqual([]);
  });
});
