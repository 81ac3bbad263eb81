/**
 * The I2C bus on A4 and A5: the chip's TWI as master -> bytes for the devices, at the clock rate that the firmware sets.
 * Devices only listen, as a PCF8574 that drives a display does; a read gives 0xFF, the level of an idle bus.
 * Source: ATmega328P data sheet DS40002061A, section 22 (nine clocks a byte, the ninth is the acknowledge).
 */
import { AVRTWI, type CPU, type TWIEventHandler, twiConfig } from "avr8js";

/** A device that takes bytes; it acknowledges its address and every byte. */
export interface I2cDevice {
  /** 7-bit address. */
  readonly address: number;
  /** @param timeUs bench time when the byte is acknowledged [us] */
  write(byte: number, timeUs: number): void;
}

const CLOCKS_PER_BYTE = 9;
const CLOCKS_PER_CONDITION = 1;

/** Gives `cpu` a TWI with these devices on its bus. */
export function attachI2cBus(cpu: CPU, frequencyHz: number, devices: readonly I2cDevice[]): void {
  const twi = new AVRTWI(cpu, twiConfig, frequencyHz);
  twi.eventHandler = new I2cBus(cpu, twi, frequencyHz, devices);
}

class I2cBus implements TWIEventHandler {
  readonly #cpu: CPU;
  readonly #twi: AVRTWI;
  readonly #frequencyHz: number;
  readonly #devices: readonly I2cDevice[];
  #addressed: I2cDevice | null = null;

  constructor(cpu: CPU, twi: AVRTWI, frequencyHz: number, devices: readonly I2cDevice[]) {
    this.#cpu = cpu;
    this.#twi = twi;
    this.#frequencyHz = frequencyHz;
    this.#devices = devices;
  }

  start(): void {
    this.#after(CLOCKS_PER_CONDITION, () => this.#twi.completeStart());
  }

  stop(): void {
    this.#addressed = null;
    this.#after(CLOCKS_PER_CONDITION, () => this.#twi.completeStop());
  }

  connectToSlave(address: number): void {
    this.#addressed = this.#devices.find((device) => device.address === address) ?? null;
    this.#after(CLOCKS_PER_BYTE, () => this.#twi.completeConnect(this.#addressed !== null));
  }

  writeByte(byte: number): void {
    this.#after(CLOCKS_PER_BYTE, () => {
      this.#addressed?.write(byte, (this.#cpu.cycles / this.#frequencyHz) * 1e6);
      this.#twi.completeWrite(this.#addressed !== null);
    });
  }

  readByte(): void {
    this.#after(CLOCKS_PER_BYTE, () => this.#twi.completeRead(0xff));
  }

  #after(clocks: number, action: () => void): void {
    this.#cpu.addClockEvent(action, Math.round((clocks * this.#frequencyHz) / this.#twi.sclFrequency));
  }
}
