/** The controller against the virtual bench's display, which is written from the data sheet by itself. */
import { describe, expect, it } from "vitest";
import type { LcdLines } from "../../rig/core/events.js";
import { createLcd, type Lcd } from "../../rig/display/lcd.js";
import { Hd44780Part } from "../../rig/virtual/parts/hd44780-part.js";
import { Pcf8574Part } from "../../rig/virtual/parts/pcf8574-part.js";
import { type LcdWiring, levelsOf, RecordingPins } from "./recording-pins.js";

const WIRING: LcdWiring = { rs: "D2", e: "D3", d4: "D4", d5: "D5", d6: "D6", d7: "D7" };
/** The firmware's boot: from power-on to the first message. */
const BOOT_US = 2_000_000;
const FRAMES: LcdLines[] = [
  ["Waiting for     ", "first reading   "],
  ["1.739A   400.1 W", "230.1V   PF 1.00"],
  ["1.741A   400.4 W", "230.0V   PF 1.00"],
  ["connection      ", "barred          "],
  ["E     1234.57 Wh", "Max      398.2 W"],
];

/** Sets up, then draws every frame; calls `check` after each. */
function drawAll(lcd: Lcd | null, check: (lines: LcdLines | null) => void): void {
  lcd?.begin();
  check(null);
  for (const frame of FRAMES) {
    lcd?.show(frame);
    check(frame);
  }
}

describe("createLcd and the virtual bench's display", () => {
  for (const [spacingUs, oscillatorKhz] of [
    [510, 270],
    [510, 190],
    [60, 270],
    [60, 190],
    [45.7, 270],
  ] as const) {
    it(`shows every frame, 0 timing violations: messages ${spacingUs} us apart, oscillator ${oscillatorKhz} kHz`, () => {
      const part = new Hd44780Part({ oscillatorKhz });
      const pins = new RecordingPins();
      let played = 0;
      let atUs = BOOT_US;
      drawAll(createLcd({ type: "parallel", ...WIRING }, pins), (frame) => {
        for (const message of pins.messages.slice(played)) {
          // The set-up is longer than the board can queue: it crosses the wire at its own pace.
          atUs += frame === null ? 510 : spacingUs;
          const { rs, e, nibble } = levelsOf(message, WIRING);
          // D0-D3 at ground: the second line is there only if Function Set comes in 4-bit mode too.
          part.setPins({ rs: rs ? 1 : 0, rw: 0, e: e ? 1 : 0, data: nibble << 4 }, atUs);
        }
        played = pins.messages.length;
        expect(part.lines).toEqual(frame ?? [" ".repeat(16), " ".repeat(16)]);
      });
      expect(part.violations).toEqual([]);
    });
  }

  for (const oscillatorKhz of [270, 190]) {
    it(`shows every frame through the backpack at 90 us a byte, 0 timing violations, at ${oscillatorKhz} kHz`, () => {
      const part = new Hd44780Part({ oscillatorKhz });
      const backpack = new Pcf8574Part(0x27, part);
      const pins = new RecordingPins();
      let played = 0;
      let atUs = BOOT_US;
      drawAll(createLcd({ type: "i2c", address: 0x27 }, pins), (frame) => {
        for (const { bytes } of pins.requests.slice(played)) {
          for (const byte of bytes) {
            atUs += 90;
            backpack.write(byte, atUs);
          }
        }
        played = pins.requests.length;
        expect(part.lines).toEqual(frame ?? [" ".repeat(16), " ".repeat(16)]);
      });
      expect(part.violations).toEqual([]);
      expect(backpack.backlight).toBe(true);
    });
  }
});
