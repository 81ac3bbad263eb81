/**
 * A meter's 16x2 display on the virtual bench, soldered as the configuration says: six pins, or a backpack on I2C.
 * Takes the board's pins -> gives the levels at the controller's pins, all that change at one instant in one call.
 * What is left open: the controller pulls RS and DB0-DB7 up itself, E is taken as low so that nothing is strobed, R/W
 * goes to ground. Source: Hitachi HD44780U data sheet ADE-207-272(Z), pin functions and electrical characteristics.
 */
import type { LcdConfig } from "../core/config.js";
import type { LcdLines } from "../core/events.js";
import { firmataPin } from "../core/pin-names.js";
import { portOfPin, type UnoPins } from "./boards/uno-pins.js";
import { Hd44780Part } from "./parts/hd44780-part.js";
import { Pcf8574Part } from "./parts/pcf8574-part.js";

const BLANK_LINE = " ".repeat(16);
const BLANK: LcdLines = [BLANK_LINE, BLANK_LINE];
/** DB0-DB3 are not connected and the controller pulls them up. */
const OPEN_LOW_NIBBLE = 0x0f;

interface ParallelPins {
  readonly rs: number;
  readonly e: number;
  /** DB4 to DB7. */
  readonly data: readonly number[];
  readonly ports: ReadonlySet<number>;
}

export class MeterDisplay {
  /** On the board's I2C bus, or null. */
  readonly backpack: Pcf8574Part | null;
  readonly #part: Hd44780Part | null;
  readonly #wiring: ParallelPins | null;
  /** RS, E and data in one number: what the controller was last shown. */
  #shown = -1;

  constructor(config: LcdConfig) {
    this.#part = config.type === "none" ? null : new Hd44780Part();
    this.backpack = config.type === "i2c" ? new Pcf8574Part(config.address, this.#part!) : null;
    this.#wiring = config.type === "parallel" ? parallelPins(config) : null;
  }

  /** The two lines as they look; blank without a display or without supply. */
  get lines(): LcdLines {
    return this.#part?.lines ?? BLANK;
  }

  get timingViolations(): number {
    return this.#part?.timingViolations ?? 0;
  }

  /** Power comes, at bench time `timeUs`: all memory is as the controller's own reset leaves it. */
  powerOn(timeUs: number): void {
    this.#shown = -1;
    if (this.backpack === null) this.#part?.powerOn();
    else this.backpack.powerOn(timeUs);
  }

  /** The board lost its supply, and the display with it. */
  powerOff(): void {
    this.#part?.powerOn();
  }

  /** The chip changed pins of `port` at bench time `timeUs`. */
  portChanged(pins: UnoPins, port: number, timeUs: number): void {
    if (this.#wiring === null || this.#part === null || !this.#wiring.ports.has(port)) return;
    const rs = pins.level(this.#wiring.rs, 1);
    const e = pins.level(this.#wiring.e, 0);
    let data = OPEN_LOW_NIBBLE;
    for (const [index, pin] of this.#wiring.data.entries()) data |= pins.level(pin, 1) << (4 + index);
    const shown = (rs << 9) | (e << 8) | data;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#part.setPins({ rs, rw: 0, e, data }, timeUs);
  }
}

function parallelPins(config: Extract<LcdConfig, { type: "parallel" }>): ParallelPins {
  const rs = firmataPin(config.rs);
  const e = firmataPin(config.e);
  const data = [config.d4, config.d5, config.d6, config.d7].map(firmataPin);
  return { rs, e, data, ports: new Set([rs, e, ...data].map(portOfPin)) };
}
