/**
 * The display of one meter, however it is wired.
 * Lines of screens.ts -> the pins of a ready board. One Lcd belongs to one BoardPins and is dropped with it.
 */
import type { LcdConfig } from "../core/config.js";
import type { LcdLines } from "../core/events.js";
import type { BoardPins } from "../core/pins.js";
import { Hd44780 } from "./hd44780.js";
import { ParallelBus } from "./parallel-bus.js";
import { Pcf8574Bus } from "./pcf8574.js";

export interface Lcd {
  /** Sets the display up anew and clears it: first of all, and again after every reset of the board. */
  begin(): void;
  /** Writes what changed; returns the bytes sent to the board, 0 if nothing did. */
  show(lines: LcdLines): number;
}

/** null where the meter has no display (type: none). */
export function createLcd(config: LcdConfig, pins: BoardPins): Lcd | null {
  switch (config.type) {
    case "parallel":
      return new Hd44780(new ParallelBus(pins, config));
    case "i2c":
      return new Hd44780(new Pcf8574Bus(pins, config.address));
    case "none":
      return null;
  }
}
