/**
 * Controller of a 16x2 with an HD44780 in 4-bit mode: sets it up, remembers what it shows, writes only what changes.
 * Lines of screens.ts -> runs of plan-writes.ts -> nibbles on a bus (parallel-bus.ts, pcf8574.ts).
 * Source: Hitachi HD44780U data sheet ADE-207-272(Z): Table 6 (instructions), Figure 24 (set-up), AC characteristics (timing).
 *
 * It stands beside johnny-five's LCD component, not on it, because that one
 * - is held for ever in a Map of its module: every board that comes back would leave a display and its pins behind;
 * - spends 14 port messages on a character (a full screen: 1440 bytes, a quarter of a second of the wire) where 4 do;
 * - never sends Function Set in 4-bit mode, so that the second line works only if D0-D3 are left floating.
 */
import type { LcdLines } from "../core/events.js";
import { type LcdCursor, planWrites } from "./plan-writes.js";

/** The wires to the display as this controller needs them. R/W is low all the time: nothing is read. */
export interface NibbleBus {
  /** Makes the wires outputs and drives RS, E and the data low. */
  open(): void;
  /** Sets RS while E is low, apart from E's next rise: RS must be stable 40 ns before it (tAS). */
  selectRegister(rs: 0 | 1): void;
  /** Raises E with D4-D7 as the nibble's bits, then lowers E with the data unchanged (tDSW 80 ns, tH 10 ns). */
  strobe(nibble: number): void;
  /** Lets at least this long pass on the display's side before what is strobed next, by the board's own timing. */
  wait(durationUs: number): void;
  /** Hands over what is still held back; returns the bytes sent to the board since the last flush. */
  flush(): number;
}

const CLEAR_DISPLAY = 0x01;
const ENTRY_MODE_INCREMENT = 0x06;
const DISPLAY_OFF = 0x08;
const DISPLAY_ON = 0x0c;
const FUNCTION_SET_4_BIT_2_LINES = 0x28;
const SET_DDRAM_ADDRESS = 0x80;
const ROW_ADDRESS = [0x00, 0x40] as const;
/** High nibble of Function Set for 8 and for 4 bits, strobed once each while it is unknown how wide the display listens. */
const FUNCTION_SET_8_BIT_NIBBLE = 0x3;
const FUNCTION_SET_4_BIT_NIBBLE = 0x2;

/** Figure 24: after the first Function Set, and after the second. */
const FIRST_FUNCTION_SET_US = 4100;
const SECOND_FUNCTION_SET_US = 100;
/** Table 6 gives 1.52 ms at an oscillator of 270 kHz; the slowest that the data sheet allows is 190 kHz. */
const CLEAR_US = Math.ceil((1520 * 270) / 190);

const COLUMNS = 16;
const BLANK: LcdLines = [" ".repeat(COLUMNS), " ".repeat(COLUMNS)];

/**
 * Ordinary instructions and characters take 37 us, 41 us until the address counter has moved on too (Table 6). No waiting
 * is sent for them: the buses space their strobes wider than that even in a burst, as each says.
 */
export class Hd44780 {
  readonly #bus: NibbleBus;
  #shown: LcdLines | null = null;
  #cursor: LcdCursor = { row: 0, column: 0 };
  #rs: 0 | 1 = 0;

  constructor(bus: NibbleBus) {
    this.#bus = bus;
  }

  /**
   * Sets the display up from whatever state it is in and clears it: at the start, and after every reset of the board.
   * The 40 ms that the display needs after power-on have passed by then: the board's firmware takes 2 s to start.
   */
  begin(): void {
    this.#bus.open();
    this.#rs = 0;
    this.#bus.strobe(FUNCTION_SET_8_BIT_NIBBLE);
    this.#bus.wait(FIRST_FUNCTION_SET_US);
    this.#bus.strobe(FUNCTION_SET_8_BIT_NIBBLE);
    this.#bus.wait(SECOND_FUNCTION_SET_US);
    this.#bus.strobe(FUNCTION_SET_8_BIT_NIBBLE);
    this.#bus.wait(SECOND_FUNCTION_SET_US);
    this.#bus.strobe(FUNCTION_SET_4_BIT_NIBBLE);
    this.#bus.wait(SECOND_FUNCTION_SET_US);
    this.#send(0, FUNCTION_SET_4_BIT_2_LINES);
    this.#send(0, DISPLAY_OFF);
    this.#send(0, CLEAR_DISPLAY);
    this.#bus.wait(CLEAR_US);
    this.#send(0, ENTRY_MODE_INCREMENT);
    this.#send(0, DISPLAY_ON);
    this.#bus.flush();
    this.#shown = BLANK;
    this.#cursor = { row: 0, column: 0 };
  }

  /**
   * Writes what differs from what is shown. Everything goes into the board's one queue, in order: call it no more often
   * than the returned bytes can leave (5760 bytes/s at 57600 baud), and there is never an old frame waiting.
   * @param lines two lines of exactly 16 characters that ROM A00 shows as in ASCII: 0x20 to 0x7D without 0x5C (there a yen sign)
   * @returns bytes sent to the board; 0 if nothing differs
   * @throws RangeError for other lines, Error if `begin` was never called; nothing is sent then
   */
  show(lines: LcdLines): number {
    if (this.#shown === null)
      throw new Error("cannot show lines on a display that was not set up: call begin() first");
    for (const line of lines) {
      if (!/^[ -[\]-}]{16}$/.test(line))
        throw new RangeError(
          `a display line must be 16 characters from 0x20 to 0x7D without the backslash, not ${JSON.stringify(line)}`,
        );
    }
    for (const run of planWrites(this.#shown, lines, this.#cursor)) {
      if (run.needsMove) this.#send(0, SET_DDRAM_ADDRESS | (ROW_ADDRESS[run.row] + run.column));
      for (let index = 0; index < run.text.length; index++) this.#send(1, run.text.charCodeAt(index));
      this.#cursor = { row: run.row, column: run.column + run.text.length };
    }
    this.#shown = [lines[0], lines[1]];
    return this.#bus.flush();
  }

  /** One byte, high nibble first. @param rs 0 instruction, 1 character */
  #send(rs: 0 | 1, byte: number): void {
    if (rs !== this.#rs) this.#bus.selectRegister(rs);
    this.#rs = rs;
    this.#bus.strobe(byte >> 4);
    this.#bus.strobe(byte & 0xf);
  }
}
