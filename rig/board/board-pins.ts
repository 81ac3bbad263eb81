/**
 * The pins of a ready board, for the stages after it: modes, whole-port writes, input changes, I2C writes.
 * Port bytes are kept and built here: firmata-io's `ports` also takes up what inputs read, and writing that back would turn
 * pull-ups on at random. Source: Firmata protocol 2.6; StandardFirmata 2.5 digitalWriteCallback and setPinModeCallback.
 */
import type { Firmata } from "firmata-io";
import type { BoardPins, PinMode } from "../core/pins.js";

const DIGITAL_MESSAGE = 0x90;
const REPORT_DIGITAL = 0xd0;
const START_SYSEX = 0xf0;
const END_SYSEX = 0xf7;
const I2C_REQUEST = 0x76;
const I2C_CONFIG = 0x78;
const I2C_WRITE_MODE = 0x00;
/** 31 and more overflow the firmware's 64-byte sysex buffer: 3 bytes of head and two for each data byte. */
const MAX_I2C_DATA_BYTES = 30;
const MAX_I2C_ADDRESS = 0x7f;
/** D0 and D1 are the USB serial line. */
const FIRST_PIN = 2;

interface InputPin {
  /** As last reported; null before the first report. */
  level: 0 | 1 | null;
  readonly listeners: Set<(level: 0 | 1) => void>;
  readonly onReport: (level: number) => void;
}

export class FirmataPins implements BoardPins {
  readonly #io: Firmata;
  readonly #write: (message: Uint8Array) => void;
  /** Bits last written to each port. */
  readonly #written: number[];
  /** Bits of each port that are inputs with pull-up. */
  readonly #pullups: number[];
  readonly #inputs = new Map<number, InputPin>();
  #i2cConfigured = false;

  /** For a board that has just booted: every port is written 0. */
  constructor(io: Firmata, write: (message: Uint8Array) => void) {
    this.#io = io;
    this.#write = write;
    const ports = Math.ceil(io.pins.length / 8);
    this.#written = Array(ports).fill(0);
    this.#pullups = Array(ports).fill(0);
  }

  /** A pull-up input is reported from here on; its first report counts as a change. RangeError for a pin the board lacks. */
  setMode(pin: number, mode: PinMode): void {
    this.#checkPin(pin);
    const port = pin >> 3;
    const bit = 1 << (pin & 7);
    if (mode === "output") {
      this.#forgetInput(pin);
      // The firmware drives the pin LOW when it becomes an output.
      this.#pullups[port] = (this.#pullups[port] ?? 0) & ~bit;
      this.#written[port] = (this.#written[port] ?? 0) & ~bit;
      this.#io.pinMode(pin, this.#io.MODES.OUTPUT);
      return;
    }
    this.#pullups[port] = (this.#pullups[port] ?? 0) | bit;
    const { PULLUP, INPUT } = this.#io.MODES;
    if (this.#io.pins[pin]?.supportedModes.includes(PULLUP)) {
      this.#io.pinMode(pin, PULLUP);
    } else {
      // Before 2.5 there is no such mode: an input's bit in a port write is its pull-up.
      this.#io.pinMode(pin, INPUT);
      this.writePort(port, 0, 0);
    }
    const input = this.#inputs.get(pin) ?? this.#watchInput(pin);
    input.level = null;
    // Also where the port is reported already: the firmware answers with the port as it is now.
    this.#write(Uint8Array.of(REPORT_DIGITAL | port, 1));
  }

  writePort(port: number, mask: number, levels: number): void {
    const written = this.#written[port];
    if (written === undefined) {
      throw new RangeError(`port ${port} is not on this board: 0 to ${this.#written.length - 1}`);
    }
    // A 1 for an input with pull-up leaves it on, in firmware of every age.
    const bits = ((written & ~mask) | (levels & mask) | (this.#pullups[port] ?? 0)) & 0xff;
    this.#written[port] = bits;
    this.#write(Uint8Array.of(DIGITAL_MESSAGE | port, bits & 0x7f, bits >> 7));
  }

  onInput(pin: number, listener: (level: 0 | 1) => void): () => void {
    this.#checkPin(pin);
    const input = this.#inputs.get(pin) ?? this.#watchInput(pin);
    input.listeners.add(listener);
    return () => input.listeners.delete(listener);
  }

  writeI2c(address: number, bytes: Uint8Array): void {
    if (!Number.isInteger(address) || address < 0 || address > MAX_I2C_ADDRESS) {
      throw new RangeError(`I2C address ${address} is not a 7-bit address: 0 to ${MAX_I2C_ADDRESS}`);
    }
    if (!this.#i2cConfigured) {
      this.#i2cConfigured = true;
      // Sent here, not through firmata-io: it keeps every board that ever used I2C.
      this.#write(Uint8Array.of(START_SYSEX, I2C_CONFIG, 0, 0, END_SYSEX));
    }
    for (let from = 0; from < bytes.length; from += MAX_I2C_DATA_BYTES) {
      const message = [START_SYSEX, I2C_REQUEST, address, I2C_WRITE_MODE];
      for (const byte of bytes.subarray(from, from + MAX_I2C_DATA_BYTES))
        message.push(byte & 0x7f, byte >> 7);
      message.push(END_SYSEX);
      this.#write(Uint8Array.from(message));
    }
  }

  /** Stops listening to the board; what is written afterwards still goes out as long as the session lasts. */
  release(): void {
    for (const pin of [...this.#inputs.keys()]) this.#forgetInput(pin);
  }

  #checkPin(pin: number): void {
    if (!Number.isInteger(pin) || pin < FIRST_PIN || pin >= this.#io.pins.length) {
      throw new RangeError(
        `pin ${pin} is not on this board or not free: ${FIRST_PIN} to ${this.#io.pins.length - 1}`,
      );
    }
  }

  #watchInput(pin: number): InputPin {
    const input: InputPin = {
      level: null,
      listeners: new Set(),
      // firmata-io reports every input of a port whenever one of them changes.
      onReport: (value) => {
        const level = value === 0 ? 0 : 1;
        if (level === input.level) return;
        input.level = level;
        for (const listener of [...input.listeners]) listener(level);
      },
    };
    this.#inputs.set(pin, input);
    this.#io.on(`digital-read-${pin}`, input.onReport);
    return input;
  }

  #forgetInput(pin: number): void {
    const input = this.#inputs.get(pin);
    if (input === undefined) return;
    this.#io.off(`digital-read-${pin}`, input.onReport);
    this.#inputs.delete(pin);
  }
}
