/**
 * An HD44780's RS, E and D4-D7 on six pins of the board, driven by whole-port messages of 3 bytes.
 * Nibbles of hd44780.ts -> BoardPins. A nibble is two messages where E and the data share a port: E high with the data,
 * E low; each further port that carries data adds one before them.
 *
 * Timing. On the wire a message takes 510 us at 57600 baud, 255 us at 115200. Bytes that queued up in the board while it
 * was busy are worked off closer together: 45.7 us a message is the least seen with StandardFirmata 2.4 and 2.5 run
 * instruction by instruction at 16 MHz. That is still legal: E rises again 45.7 us after a byte's last fall (37 us needed,
 * 41 with the address counter), and even at the slowest oscillator of the data sheet, 190 kHz (53 and 58 us), the byte is
 * done before the next nibble is taken over, at the fall of E 91 us later.
 */
import { type DigitalPin, firmataPin } from "../core/pin-names.js";
import type { BoardPins } from "../core/pins.js";
import type { NibbleBus } from "./hd44780.js";

export interface ParallelLcdPins {
  readonly rs: DigitalPin;
  readonly e: DigitalPin;
  readonly d4: DigitalPin;
  readonly d5: DigitalPin;
  readonly d6: DigitalPin;
  readonly d7: DigitalPin;
}

const BYTES_PER_MESSAGE = 3;
/** At 115200 baud, the fastest a board may be configured for; its UART then runs at 117647: 30 bits in 255 us. */
const SHORTEST_MESSAGE_US = 255;
/** Held by the board at most and so perhaps closer together: a ring of 63 bytes and 3 in the UART are 22 messages. */
const QUEUED_MESSAGES = 22;

interface PinPlace {
  readonly port: number;
  readonly mask: number;
}

function placeOf(pin: DigitalPin): PinPlace {
  const number = firmataPin(pin);
  return { port: number >> 3, mask: 1 << (number & 7) };
}

export class ParallelBus implements NibbleBus {
  readonly #pins: BoardPins;
  readonly #numbers: readonly number[];
  readonly #rs: PinPlace;
  readonly #e: PinPlace;
  /** D4 to D7, the nibble's bit 0 to bit 3. */
  readonly #data: readonly PinPlace[];
  /** Ports that carry data but not E. */
  readonly #dataPorts: readonly number[];
  #messages = 0;

  constructor(pins: BoardPins, wiring: ParallelLcdPins) {
    const data = [wiring.d4, wiring.d5, wiring.d6, wiring.d7];
    this.#pins = pins;
    this.#numbers = [wiring.rs, wiring.e, ...data].map(firmataPin);
    this.#rs = placeOf(wiring.rs);
    this.#e = placeOf(wiring.e);
    this.#data = data.map(placeOf);
    this.#dataPorts = [...new Set(this.#data.map(({ port }) => port))].filter(
      (port) => port !== this.#e.port,
    );
  }

  open(): void {
    for (const number of this.#numbers) this.#pins.setMode(number, "output");
    this.#write(this.#e.port, this.#e.mask, 0);
    this.selectRegister(0);
  }

  selectRegister(rs: 0 | 1): void {
    this.#write(this.#rs.port, this.#rs.mask, rs === 1 ? this.#rs.mask : 0);
  }

  strobe(nibble: number): void {
    for (const port of this.#dataPorts)
      this.#write(port, this.#dataMask(port, 0xf), this.#dataMask(port, nibble));
    const { port, mask } = this.#e;
    this.#write(port, mask | this.#dataMask(port, 0xf), mask | this.#dataMask(port, nibble));
    this.#write(port, mask, 0);
  }

  /**
   * Messages that change nothing, sent as a pace-maker. Twice the need at 57600 baud, and then as many again as may sit in
   * the board's buffer: those in front of them can be worked off late, but what comes after crosses the wire one by one.
   */
  wait(durationUs: number): void {
    const messages = QUEUED_MESSAGES - 1 + Math.ceil(durationUs / SHORTEST_MESSAGE_US);
    for (let sent = 0; sent < messages; sent++) this.#write(this.#e.port, this.#e.mask, 0);
  }

  flush(): number {
    const bytes = this.#messages * BYTES_PER_MESSAGE;
    this.#messages = 0;
    return bytes;
  }

  /** The data pins of one port that the nibble's set bits stand for. */
  #dataMask(port: number, nibble: number): number {
    return this.#data.reduce(
      (mask, place, bit) => (place.port === port && nibble & (1 << bit) ? mask | place.mask : mask),
      0,
    );
  }

  #write(port: number, mask: number, levels: number): void {
    this.#pins.writePort(port, mask, levels);
    this.#messages++;
  }
}
