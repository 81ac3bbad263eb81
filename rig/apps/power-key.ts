/** The modem's PWRKEY on a pin of a board: HIGH presses the key through a transistor, LOW lets it go. */
import { type Clock, sleep } from "../core/clock.js";
import { ModemError } from "../core/errors.js";
import { type DigitalPin, firmataPin } from "../core/pin-names.js";
import type { BoardPins } from "../core/pins.js";
import type { PowerKey } from "../modem/modem.js";

export interface BoardPowerKeyOptions {
  /** Id of the meter whose board drives the key. */
  readonly meter: string;
  readonly pin: DigitalPin;
  readonly clock: Clock;
}

export class BoardPowerKey implements PowerKey {
  readonly #meter: string;
  readonly #label: DigitalPin;
  readonly #pin: number;
  readonly #clock: Clock;
  /** Null while the board is not there. */
  #pins: BoardPins | null = null;
  /** Ends the press that is under way. */
  #press: AbortController | null = null;

  constructor({ meter, pin, clock }: BoardPowerKeyOptions) {
    this.#meter = meter;
    this.#label = pin;
    this.#pin = firmataPin(pin);
    this.#clock = clock;
  }

  /** The board is there, for the first time or anew: its pin lets the key go. */
  boardReady(pins: BoardPins): void {
    this.boardLost();
    this.#pins = pins;
    pins.setMode(this.#pin, "output");
    this.#drive(pins, 0);
  }

  /** The board is gone or was reset: nothing is written to it, since its other pins are not what they were either. */
  boardLost(): void {
    this.#pins = null;
    this.#press?.abort(this.#missing("was lost while the key was pressed"));
  }

  /** The board is still there and is about to be left: the key is let go first. */
  boardLeaving(): void {
    if (this.#pins !== null && this.#press !== null) this.#drive(this.#pins, 0);
    this.boardLost();
  }

  /**
   * Presses the key for `forMs` and lets it go, also when it is aborted meanwhile.
   * Rejects with ModemError "modem/no-power-key" when the board is not there or is lost, or with the signal's reason.
   */
  async press(forMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#press !== null) throw new TypeError(`the power key on ${this.#label} is pressed already`);
    const pins = this.#pins;
    if (pins === null) throw this.#missing("is not there");
    const press = new AbortController();
    const onAbort = () => press.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#press = press;
    try {
      this.#drive(pins, 1);
      await sleep(this.#clock, forMs, press.signal);
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#press = null;
      if (this.#pins === pins) this.#drive(pins, 0);
    }
  }

  #drive(pins: BoardPins, level: 0 | 1): void {
    const bit = 1 << (this.#pin & 7);
    pins.writePort(this.#pin >> 3, bit, level === 1 ? bit : 0);
  }

  #missing(what: string): ModemError {
    return new ModemError(
      "modem/no-power-key",
      `the board of meter ${this.#meter}, whose pin ${this.#label} drives the modem's power key, ${what}`,
      { hint: `plug in the board of ${this.#meter}, or press the modem's power key by hand for 1 to 2 s` },
    );
  }
}
