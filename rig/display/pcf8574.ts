/**
 * An HD44780 behind an I2C backpack: a PCF8574 whose eight outputs are P0 RS, P1 R/W, P2 E, P3 backlight, P4-P7 D4-D7.
 * Nibbles of hd44780.ts -> expander bytes, up to 30 in one request -> BoardPins.writeI2c on A4/A5.
 * Source: NXP PCF8574 data sheet Rev. 5, 8.2 (each byte written shows on the outputs at its acknowledge).
 *
 * Timing. StandardFirmata's Wire runs the bus at 100 kHz: a byte takes 9 clocks = 90 us, whatever the host does. That is E's
 * width, and the least from a byte's last fall of E to the next rise (37 us needed, 58 at the slowest oscillator).
 *
 * Wire has no time limit of its own: a backpack that holds SDA or SCL low, or a wire pulled in the middle of a byte, can
 * freeze the firmware, with everything else on that board, until the board is reset. Keep the wires short; the parallel
 * wiring has no such risk.
 */
import type { BoardPins } from "../core/pins.js";
import type { NibbleBus } from "./hd44780.js";

const P_RS = 0x01;
const P_E = 0x04;
const P_BACKLIGHT = 0x08;
const DATA_SHIFT = 4;

const BYTE_US = 90;
/** StandardFirmata takes 30 data bytes in a request, and garbles longer ones. */
const REQUEST_BYTES_MAX = 30;
/** START_SYSEX, I2C_REQUEST, address, mode, END_SYSEX; each data byte travels as two. */
const REQUEST_OVERHEAD_BYTES = 5;

export class Pcf8574Bus implements NibbleBus {
  readonly #pins: BoardPins;
  readonly #address: number;
  #rs = 0;
  #held: number[] = [];

  /** @param address 7-bit I2C address: 0x20-0x27 (PCF8574), 0x38-0x3F (PCF8574A) */
  constructor(pins: BoardPins, address: number) {
    this.#pins = pins;
    this.#address = address;
  }

  /** After power-on all outputs are high: R/W and E fall together here, which the display takes for the end of a read. */
  open(): void {
    this.#held = [];
    this.selectRegister(0);
  }

  selectRegister(rs: 0 | 1): void {
    this.#rs = rs === 1 ? P_RS : 0;
    this.#held.push(this.#rs | P_BACKLIGHT);
  }

  strobe(nibble: number): void {
    const levels = (nibble << DATA_SHIFT) | this.#rs | P_BACKLIGHT;
    this.#held.push(levels | P_E, levels);
  }

  /** Bytes that change nothing: the bus clock itself is the pace-maker, so queueing in the board takes nothing away. */
  wait(durationUs: number): void {
    const levels = this.#held.at(-1) ?? P_BACKLIGHT;
    for (let waitedUs = 0; waitedUs < durationUs; waitedUs += BYTE_US) this.#held.push(levels);
  }

  flush(): number {
    let bytes = 0;
    for (let start = 0; start < this.#held.length; start += REQUEST_BYTES_MAX) {
      const request = Uint8Array.from(this.#held.slice(start, start + REQUEST_BYTES_MAX));
      this.#pins.writeI2c(this.#address, request);
      bytes += REQUEST_OVERHEAD_BYTES + 2 * request.length;
    }
    this.#held = [];
    return bytes;
  }
}
