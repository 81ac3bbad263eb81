/**
 * One Arduino UNO: an ATmega328P at 16 MHz that runs real firmware in avr8js, with its pins, UART, ADC and I2C bus.
 * Takes host bytes, pin levels and volts; gives bytes and pin changes, all at exact cycles of the bench's common time.
 * Simulated: CPU, 2 KB of SRAM, three timers, ports, USART0, ADC, TWI. Not simulated: bootloader (a reset starts the
 * firmware at once), EEPROM, SPI, watchdog, sleep modes, analog comparator.
 */
import { CPU } from "avr8js";
import { type AnalogSource, attachAdc } from "./analog-input.js";
import { attachI2cBus, type I2cDevice } from "./i2c-bus.js";
import { executeInstruction } from "./instructions.js";
import { attachTimers } from "./timers.js";
import { Uart } from "./uart.js";
import { UnoPins } from "./uno-pins.js";

export const CLOCK_HZ = 16_000_000;
export const CYCLES_PER_US = CLOCK_HZ / 1_000_000;
const SRAM_BYTES = 2048;

/** The private part of avr8js 0.21.1's CPU that says when the next clock event is due. */
interface CpuClock {
  readonly nextClockEvent: { readonly cycles: number } | null;
}

export interface UnoOptions {
  /** Flash, 16 384 words; boards may share it, it is not written. */
  readonly program: Uint16Array;
  readonly analog: AnalogSource;
  readonly i2c?: readonly I2cDevice[];
  /** Takes each byte that the board sends, when its stop bit ends. */
  readonly transmitted: (byte: number) => void;
}

export class Uno {
  readonly pins = new UnoPins();
  readonly #options: UnoOptions;
  #chip: { readonly cpu: CPU; readonly uart: Uart } | null = null;
  #overruns = 0;

  /** A board without supply: `powerOn` starts it. */
  constructor(options: UnoOptions) {
    this.#options = options;
  }

  get powered(): boolean {
    return this.#chip !== null;
  }

  /** The bench's time as the board has reached it [cycles of 16 MHz]; Infinity without supply, when nothing can lag. */
  get cycles(): number {
    return this.#chip?.cpu.cycles ?? Number.POSITIVE_INFINITY;
  }

  /** Host bytes that have not reached the chip yet. */
  get queuedBytes(): number {
    return this.#chip?.uart.queuedBytes ?? 0;
  }

  /** Host bytes lost because the firmware was too slow to take them, over all resets. */
  get overruns(): number {
    return this.#overruns + (this.#chip?.uart.overruns ?? 0);
  }

  /**
   * Starts the firmware at the bench time `cycle`, with every register as after power-on; also a reset, as DTR and the
   * button give it. Host bytes still on the line are lost, where a real board's bootloader would swallow them.
   */
  powerOn(cycle: number): void {
    this.#overruns = this.overruns;
    const { program, analog, i2c = [], transmitted } = this.#options;
    const cpu = new CPU(program, SRAM_BYTES);
    cpu.cycles = cycle;
    const uart = new Uart(cpu, transmitted);
    this.#chip = { cpu, uart };
    this.pins.attach(cpu);
    // After the ports: the timers' compare outputs look their port up.
    attachTimers(cpu);
    attachAdc(cpu, CLOCK_HZ, analog);
    attachI2cBus(cpu, CLOCK_HZ, i2c);
  }

  powerOff(): void {
    this.#overruns = this.overruns;
    this.#chip = null;
    this.pins.detach();
  }

  /** Puts host bytes on the serial line; without supply they are lost. */
  receive(bytes: Uint8Array): void {
    this.#chip?.uart.receive(bytes);
  }

  /** Runs instructions until the bench time `cycle`; the last one may end up to 5 cycles later. */
  runTo(cycle: number): void {
    if (this.#chip === null) return;
    const { cpu } = this.#chip;
    const clock = cpu as unknown as CpuClock;
    // A local: a module's binding can be a getter, and this is called millions of times a second.
    const execute = executeInstruction;
    while (cpu.cycles < cycle) {
      execute(cpu);
      // What `tick` would find out for itself, at a fraction of its cost: mostly there is nothing for it to do.
      const event = clock.nextClockEvent;
      if (cpu.nextInterrupt >= 0 || (event !== null && event.cycles <= cpu.cycles)) cpu.tick();
    }
  }
}
