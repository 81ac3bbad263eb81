/**
 * The twenty pins of an UNO, by Firmata's numbers (D2 is 2, A0 is 14): what the chip does to each, and what the world does.
 * Between avr8js's three ports and whatever is wired to the board. Source: ATmega328P data sheet DS40002061A, section 14.
 *
 * A pin that is an input, has no pull-up and is driven by nobody picks up the mains hum of the bench: it reads 1 for the
 * first and 0 for the second 10 ms of every 20 ms of bench time. A forgotten pull-up is then seen at once, as on a desk.
 * (It is worked out when the pin register is read, so hum raises no pin-change interrupt.)
 */
import { AVRIOPort, type CPU, portBConfig, portCConfig, portDConfig } from "avr8js";

/** What the chip does to a pin: drives it low or high, pulls it up weakly, or leaves it alone. */
export type PinDrive = 0 | 1 | "pullup" | "open";
/** What the world does to a pin; null leaves it open. */
export type PinLevel = 0 | 1 | null;

/** In the order of the pin numbers: D0-D7, D8-D13, A0-A5. */
const AVR_PORTS = [
  { config: portDConfig, firstPin: 0, pins: 8 },
  { config: portBConfig, firstPin: 8, pins: 6 },
  { config: portCConfig, firstPin: 14, pins: 6 },
] as const;
export const PIN_COUNT = 20;
/** The serial line to the USB chip, which keeps it high when idle. */
const SERIAL_RX_PIN = 0;
const SERIAL_TX_PIN = 1;
/** Half a period of 50 Hz [CPU cycles]. */
const HUM_HALF_PERIOD_CYCLES = 160_000;

/** Which port a pin belongs to, counted 0: D0-D7, 1: D8-D13, 2: A0-A5. */
export function portOfPin(pin: number): 0 | 1 | 2 {
  if (!Number.isInteger(pin) || pin < 0 || pin >= PIN_COUNT) {
    throw new RangeError(`pin is ${pin}; an UNO has pins 0 to ${PIN_COUNT - 1}`);
  }
  if (pin < 8) return 0;
  return pin < 14 ? 1 : 2;
}

/** Called after the chip changed pins of a port, once for all that change at the same instant. */
export type PortListener = (port: 0 | 1 | 2) => void;

export class UnoPins {
  readonly #ports = AVR_PORTS.map(({ config, firstPin, pins }) => new PortState(config, firstPin, pins));
  readonly #listeners: PortListener[] = [];

  constructor() {
    this.setInput(SERIAL_RX_PIN, 1);
    this.setInput(SERIAL_TX_PIN, 1);
  }

  /** Puts the pins of a chip that has just been reset behind these: all open. */
  attach(cpu: CPU): void {
    for (const [index, port] of this.#ports.entries()) port.attach(cpu, () => this.#notify(index));
    this.#notifyAll();
  }

  /** The chip has no supply: its pins do nothing. */
  detach(): void {
    for (const port of this.#ports) port.detach();
    this.#notifyAll();
  }

  onPortChange(listener: PortListener): void {
    this.#listeners.push(listener);
  }

  drive(pin: number): PinDrive {
    const port = this.#ports[portOfPin(pin)]!;
    return port.drive(pin - port.firstPin);
  }

  /** The level on a pin that something passive hangs on: what the chip drives or pulls up, otherwise `whenOpen`. */
  level(pin: number, whenOpen: 0 | 1): 0 | 1 {
    const drive = this.drive(pin);
    if (drive === "open") return whenOpen;
    return drive === "pullup" ? 1 : drive;
  }

  setInput(pin: number, level: PinLevel): void {
    const port = this.#ports[portOfPin(pin)]!;
    port.setInput(pin - port.firstPin, level);
  }

  #notify(index: number): void {
    for (const listener of this.#listeners) listener(index as 0 | 1 | 2);
  }

  #notifyAll(): void {
    for (let index = 0; index < AVR_PORTS.length; index++) this.#notify(index);
  }
}

class PortState {
  readonly firstPin: number;
  readonly #config: (typeof AVR_PORTS)[number]["config"];
  readonly #existing: number;
  #port: AVRIOPort | null = null;
  /** 1: output. */
  #direction = 0;
  /** Level of an output, pull-up of an input. */
  #value = 0;
  #drivenMask = 0;
  #drivenLevels = 0;
  /** What the port's pin register was last given. */
  #given = 0;
  #floating = 0;

  constructor(config: (typeof AVR_PORTS)[number]["config"], firstPin: number, pins: number) {
    this.#config = config;
    this.firstPin = firstPin;
    this.#existing = (1 << pins) - 1;
  }

  attach(cpu: CPU, changed: () => void): void {
    const { PIN, DDR } = this.#config;
    const port = new AVRIOPort(cpu, this.#config);
    this.#port = port;
    this.#given = 0;
    this.#setChip(0, 0);
    port.addListener((value) => {
      this.#setChip(cpu.data[DDR]!, value);
      changed();
    });
    cpu.readHooks[PIN] = () => {
      const register = cpu.data[PIN]!;
      if (this.#floating === 0) return register;
      const high = Math.floor(cpu.cycles / HUM_HALF_PERIOD_CYCLES) % 2 === 0;
      return high ? register | this.#floating : register & ~this.#floating;
    };
  }

  detach(): void {
    this.#port = null;
    this.#setChip(0, 0);
  }

  drive(bit: number): PinDrive {
    const set = (this.#value >> bit) & 1;
    if ((this.#direction >> bit) & 1) return set === 1 ? 1 : 0;
    return set === 1 ? "pullup" : "open";
  }

  setInput(bit: number, level: PinLevel): void {
    const mask = 1 << bit;
    this.#drivenMask = level === null ? this.#drivenMask & ~mask : this.#drivenMask | mask;
    this.#drivenLevels = level === 1 ? this.#drivenLevels | mask : this.#drivenLevels & ~mask;
    this.#updateInputs();
  }

  #setChip(direction: number, value: number): void {
    this.#direction = direction & this.#existing;
    this.#value = value & this.#existing;
    this.#updateInputs();
  }

  #updateInputs(): void {
    const pullups = this.#value & ~this.#direction;
    this.#floating = this.#existing & ~this.#direction & ~pullups & ~this.#drivenMask;
    const wanted = this.#drivenLevels | (pullups & ~this.#drivenMask);
    if (this.#port === null) return;
    const changed = wanted ^ this.#given;
    this.#given = wanted;
    for (let bit = 0; changed >> bit !== 0; bit++) {
      if ((changed >> bit) & 1) this.#port.setPin(bit, ((wanted >> bit) & 1) === 1);
    }
  }
}
