/**
 * The I2C backpack of a character display: a PCF8574 (or PCF8574A) whose eight outputs are wired to an HD44780.
 * Takes data bytes written to its address -> sets the display's pins and the backlight, all eight at the same instant.
 * Not simulated: reading the port back, the interrupt output, the 4 us until the outputs follow (tpv).
 * Source: NXP PCF8574; PCF8574A product data sheet rev. 5 (27 May 2013), section 7.1 (addresses), 8.2 (write mode), power-on reset.
 */
import type { Hd44780Part, LcdPins } from "./hd44780-part.js";
import { requireWhole } from "./require-range.js";

/** P0 RS, P1 R/W, P2 E, P3 backlight, P4-P7 to D4-D7: the wiring of the common backpack. */
const RS_BIT = 0;
const RW_BIT = 1;
const E_BIT = 2;
const BACKLIGHT_BIT = 3;
const DATA_MASK = 0xf0;
/** D3-D0 of the display are not connected: its pull-ups hold them high (HD44780U data sheet, DC Characteristics, -Ip). */
const OPEN_DATA = 0x0f;
const ALL_HIGH = 0xff;

export class Pcf8574Part {
  /** 7 bits. */
  readonly address: number;
  readonly #display: Hd44780Part;
  #outputs = ALL_HIGH;

  /**
   * Wires the display and puts power on both.
   * @param address 0x20..0x27 (PCF8574) or 0x38..0x3F (PCF8574A)
   * @throws RangeError for any other address
   */
  constructor(address: number, display: Hd44780Part) {
    if (!Number.isInteger(address) || (address & ~0x07 & 0xffff) !== (address < 0x30 ? 0x20 : 0x38))
      throw new RangeError(`address must be 0x20..0x27 or 0x38..0x3F, not ${address}`);
    this.address = address;
    this.#display = display;
    this.powerOn(0);
  }

  /** Power comes on at expander and display: all outputs are high, the display runs its internal reset. */
  powerOn(timeUs: number): void {
    this.#outputs = ALL_HIGH;
    this.#display.powerOn(timeUs, this.#pins());
  }

  /**
   * One data byte after the device's address; in a write of several every byte reaches the outputs in turn.
   * @param byte 0..255
   * @param timeUs when its acknowledge bit is clocked: the outputs change then
   */
  write(byte: number, timeUs: number): void {
    this.#outputs = requireWhole("byte", byte, 0, 255);
    this.#display.setPins(this.#pins(), timeUs);
  }

  /** On while its transistor's base is driven high, as it is from power-on. */
  get backlight(): boolean {
    return this.#output(BACKLIGHT_BIT) === 1;
  }

  #pins(): LcdPins {
    return {
      rs: this.#output(RS_BIT),
      rw: this.#output(RW_BIT),
      e: this.#output(E_BIT),
      data: (this.#outputs & DATA_MASK) | OPEN_DATA,
    };
  }

  #output(bit: number): 0 | 1 {
    return ((this.#outputs >> bit) & 1) as 0 | 1;
  }
}
