import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LcdLines } from "../../rig/core/events.js";
import { Hd44780 } from "../../rig/display/hd44780.js";
import { ParallelBus } from "../../rig/display/parallel-bus.js";
import { LcdGlass } from "./lcd-glass.js";
import { type LcdWiring, levelsOf, RecordingPins } from "./recording-pins.js";

const ONE_PORT: LcdWiring = { rs: "D2", e: "D3", d4: "D4", d5: "D5", d6: "D6", d7: "D7" };
/** Data on all three ports, two of them without E. */
const SPREAD: LcdWiring = { rs: "A2", e: "D8", d4: "D9", d5: "D5", d6: "A3", d7: "D7" };
const MESSAGE_US = 510;
/** Least spacing of port messages that StandardFirmata works off from its buffer. */
const BURST_US = 45.7;
const FASTEST_MESSAGE_US = 255;

const READING: LcdLines = ["1.739A   400.1 W", "230.1V   PF 1.00"];
const A: LcdLines = ["A".repeat(16), "A".repeat(16)];
const B: LcdLines = ["B".repeat(16), "B".repeat(16)];

function build(wiring = ONE_PORT) {
  const pins = new RecordingPins();
  const lcd = new Hd44780(new ParallelBus(pins, wiring));
  return { pins, lcd };
}

interface Playing {
  wiring?: LcdWiring;
  glass?: LcdGlass;
  spacingUs?: (message: number) => number;
}

/** Plays the messages to a display, message k at the sum of the first k spacings. */
function play(pins: RecordingPins, how: Playing = {}): LcdGlass {
  const { wiring = ONE_PORT, glass = new LcdGlass(), spacingUs = () => MESSAGE_US } = how;
  let atUs = 0;
  pins.messages.forEach((ports, message) => {
    atUs += spacingUs(message);
    glass.drive(levelsOf(ports, wiring), atUs);
  });
  return glass;
}

describe("Hd44780 on parallel wires", () => {
  it("sets the display up as in Figure 24: 3, 3, 3, 2, then 28 08 01 06 0C", () => {
    const { pins, lcd } = build();
    lcd.begin();
    const glass = play(pins);
    expect(glass.instructions).toEqual(["3.", "3.", "3.", "2.", "28", "08", "01", "06", "0c"]);
    expect(glass.faults).toEqual([]);
    expect(glass.lines).toEqual([" ".repeat(16), " ".repeat(16)]);
    expect([...pins.modes.keys()].sort()).toEqual([2, 3, 4, 5, 6, 7]);
  });

  it("sets up a display left in 4-bit mode, between bytes or with any of 16 nibbles taken", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(READING);
    for (const high of [null, ...Array(16).keys()]) {
      expect(play(pins, { glass: LcdGlass.inFourBitMode(high) }).lines).toEqual(READING);
    }
  });

  it("keeps every time of the data sheet wherever 22 messages that queued up in the board come 45.7 us apart", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(A);
    lcd.show(READING);
    for (let from = 0; from < pins.messages.length; from++) {
      const glass = play(pins, {
        spacingUs: (message) => (message >= from && message < from + 22 ? BURST_US : FASTEST_MESSAGE_US),
      });
      expect(glass.faults).toEqual([]);
      expect(glass.lines).toEqual(READING);
    }
  });

  it("redraws both lines in 420 bytes: 128 messages for 32 characters, 8 for two addresses, 4 changes of RS", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(A);
    const before = pins.messages.length;
    expect(lcd.show(B)).toBe(420);
    expect(pins.messages.length - before).toBe(140);
    expect(play(pins).lines).toEqual(B);
  });

  it("writes a reading whose last digits of current, power and voltage changed in 90 bytes", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(READING);
    expect(lcd.show(["1.741A   400.3 W", "230.2V   PF 1.00"])).toBeLessThanOrEqual(102);
    expect(lcd.show(["1.742A   400.4 W", "230.1V   PF 1.00"])).toBe(90);
    expect(play(pins).lines).toEqual(["1.742A   400.4 W", "230.1V   PF 1.00"]);
  });

  it("writes 0 bytes for lines that are shown already", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(READING);
    const before = pins.messages.length;
    expect(lcd.show([...READING])).toBe(0);
    expect(pins.messages.length).toBe(before);
  });

  it("says how many bytes it sent: 3 for each port message since", () => {
    const { pins, lcd } = build();
    lcd.begin();
    for (const lines of [A, READING, B]) {
      const before = pins.messages.length;
      expect(lcd.show(lines)).toBe(3 * (pins.messages.length - before));
    }
  });

  it("clears and draws everything anew after begin, whatever was shown before", () => {
    const { pins, lcd } = build();
    lcd.begin();
    lcd.show(READING);
    pins.messages.length = 0;
    lcd.begin();
    lcd.show(READING);
    const glass = play(pins);
    expect(glass.lines).toEqual(READING);
    expect(glass.faults).toEqual([]);
  });

  it("leaves the other pins of its ports as they are written by others", () => {
    const { pins, lcd } = build(SPREAD);
    pins.writePort(0, 0x40, 0x40);
    pins.writePort(1, 0x20, 0x20);
    lcd.begin();
    lcd.show(READING);
    expect(pins.messages.slice(2).every(([d, b]) => (d & 0x40) !== 0 && (b & 0x20) !== 0)).toBe(true);
  });

  it("drives data pins spread over three ports with no fault, also in a burst", () => {
    for (const us of [MESSAGE_US, BURST_US]) {
      const { pins, lcd } = build(SPREAD);
      lcd.begin();
      lcd.show(READING);
      const setUp = pins.messages.length;
      lcd.show(A);
      lcd.show(B);
      const glass = play(pins, {
        wiring: SPREAD,
        spacingUs: (message) => (message < setUp ? MESSAGE_US : us),
      });
      expect(glass.faults).toEqual([]);
      expect(glass.lines).toEqual(B);
    }
  });

  it("shows any sequence of lines, character by character", () => {
    const line = fc.string({
      unit: fc
        .integer({ min: 0x20, max: 0x7d })
        .filter((code) => code !== 0x5c)
        .map((code) => String.fromCharCode(code)),
      minLength: 16,
      maxLength: 16,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(line, line), { minLength: 1, maxLength: 4 }), (frames) => {
        const { pins, lcd } = build();
        lcd.begin();
        for (const frame of frames) expect(lcd.show(frame)).toBeLessThanOrEqual(420);
        const glass = play(pins);
        expect(glass.lines).toEqual(frames.at(-1));
        expect(glass.faults).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses a line of 15 characters, a tilde and a backslash, and sends nothing of them", () => {
    const { pins, lcd } = build();
    lcd.begin();
    const before = pins.messages.length;
    expect(() => lcd.show(["x".repeat(16), "x".repeat(15)])).toThrow(RangeError);
    expect(() => lcd.show(["~".repeat(16), "x".repeat(16)])).toThrow(RangeError);
    expect(() => lcd.show(["x".repeat(16), "\\".repeat(16)])).toThrow(RangeError);
    expect(pins.messages.length).toBe(before);
  });

  it("refuses to show before it is set up", () => {
    expect(() => build().lcd.show(READING)).toThrow(/begin/);
  });
});
