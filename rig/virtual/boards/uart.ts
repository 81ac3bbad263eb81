/**
 * USART0 of the ATmega328P, asynchronous 8N1: bytes of the host -> UDR0, UDR0 -> bytes for the host, at the line's pace.
 * It takes the place of avr8js 0.21.1's AVRUSART, which loses a received byte whenever UCSR0B or UCSR0A is written while
 * RXC0 is set (every stop and start of the transmit interrupt does so) and has no transmit buffer behind UDR0.
 * Simulated: two-byte receive buffer and both shift registers, data overrun, one-byte transmit buffer, U2X0, interrupts.
 * Not simulated: parity, 5, 6, 7 and 9 bits, two stop bits, synchronous modes, framing errors.
 * Source: ATmega48A/PA/88A/PA/168A/PA/328/P data sheet DS40002061A, section 20 (USART0).
 */
import { type CPU, usart0Config } from "avr8js";

type Interrupt = Parameters<CPU["setInterruptFlag"]>[0];

const { UCSRA, UCSRB, UDR, UBRRL, UBRRH } = usart0Config;
// UCSR0A
const RXC0 = 0x80;
const TXC0 = 0x40;
const UDRE0 = 0x20;
const DOR0 = 0x08;
const U2X0 = 0x02;
const MPCM0 = 0x01;
// UCSR0B
const RXCIE0 = 0x80;
const TXCIE0 = 0x40;
const UDRIE0 = 0x20;
const RXEN0 = 0x10;
const TXEN0 = 0x08;

/** Start bit, eight data bits, stop bit. */
const BITS_PER_BYTE = 10;
/** A byte at what an UNO calls 57600 baud: UBRR0 = 16 without U2X0 [CPU cycles]. */
const USUAL_BYTE_CYCLES = 2720;
/** Two bytes of receive buffer, and one more waits in the shift register until the next start bit. */
const MAX_WAITING_BYTES = 3;

export class Uart {
  /** Bytes that the firmware was too slow to take, lost as on the chip. */
  overruns = 0;
  readonly #cpu: CPU;
  readonly #transmitted: (byte: number) => void;
  /** Bytes on their way from the host; the first one is being received while the line is busy. */
  readonly #line = new ByteQueue();
  #lineBusy = false;
  /** Received and not yet read by the firmware. */
  readonly #received: number[] = [];
  #shiftBusy = false;
  #held: number | null = null;

  readonly #receiveComplete = flag(usart0Config.rxCompleteInterrupt, RXC0, RXCIE0, true);
  readonly #dataRegisterEmpty = flag(usart0Config.dataRegisterEmptyInterrupt, UDRE0, UDRIE0, true);
  readonly #transmitComplete = flag(usart0Config.txCompleteInterrupt, TXC0, TXCIE0, false);

  /** @param transmitted takes each byte when its stop bit ends */
  constructor(cpu: CPU, transmitted: (byte: number) => void) {
    this.#cpu = cpu;
    this.#transmitted = transmitted;
    cpu.data[UCSRA] = UDRE0;
    cpu.writeHooks[UCSRA] = (value, old) => this.#writeStatus(value, old);
    cpu.writeHooks[UCSRB] = (value, old) => this.#writeControl(value, old);
    cpu.readHooks[UDR] = () => this.#readData();
    cpu.writeHooks[UDR] = (value) => this.#writeData(value);
  }

  /** Bytes given to `receive` that have not reached the chip yet. */
  get queuedBytes(): number {
    return this.#line.length;
  }

  /** Puts bytes of the host on the line, behind those already there; each takes its time at the chip's own baud rate. */
  receive(bytes: Uint8Array): void {
    this.#line.push(bytes);
    if (!this.#lineBusy) this.#beginReceiving(this.#cpu.cycles);
  }

  /** @param startCycle when the start bit begins */
  #beginReceiving(startCycle: number): void {
    this.#lineBusy = this.#line.length > 0;
    if (!this.#lineBusy) return;
    const overrun = this.#received.length === MAX_WAITING_BYTES;
    const endCycle = startCycle + this.#byteCycles(RXEN0);
    this.#cpu.addClockEvent(() => {
      this.#finishReceiving(this.#line.shift(), overrun);
      this.#beginReceiving(endCycle);
    }, endCycle - this.#cpu.cycles);
  }

  #finishReceiving(byte: number, overrun: boolean): void {
    const { data } = this.#cpu;
    if ((data[UCSRB]! & RXEN0) === 0) return;
    if (overrun) {
      data[UCSRA]! |= DOR0;
      this.overruns++;
      return;
    }
    this.#received.push(byte);
    this.#cpu.setInterruptFlag(this.#receiveComplete);
  }

  #readData(): number {
    const byte = this.#received.shift() ?? 0;
    this.#cpu.data[UCSRA]! &= ~DOR0;
    if (this.#received.length === 0) this.#cpu.clearInterrupt(this.#receiveComplete);
    return byte;
  }

  #writeData(value: number): boolean {
    const { data } = this.#cpu;
    // Writing while the buffer is full, or with the transmitter off, is ignored by the chip.
    if ((data[UCSRB]! & TXEN0) === 0 || (data[UCSRA]! & UDRE0) === 0) return true;
    this.#cpu.clearInterrupt(this.#transmitComplete);
    if (this.#shiftBusy) {
      this.#held = value;
      this.#cpu.clearInterrupt(this.#dataRegisterEmpty);
    } else {
      this.#beginTransmitting(value, this.#cpu.cycles);
    }
    return true;
  }

  #beginTransmitting(byte: number, startCycle: number): void {
    this.#shiftBusy = true;
    const endCycle = startCycle + this.#byteCycles(TXEN0);
    this.#cpu.addClockEvent(() => {
      this.#transmitted(byte);
      const next = this.#held;
      if (next === null) {
        this.#shiftBusy = false;
        this.#cpu.setInterruptFlag(this.#transmitComplete);
      } else {
        this.#held = null;
        // From the exact end of the last byte: the line has no gap however late the event is seen.
        this.#beginTransmitting(next, endCycle);
        this.#cpu.setInterruptFlag(this.#dataRegisterEmpty);
      }
    }, endCycle - this.#cpu.cycles);
  }

  #writeStatus(value: number, old: number): boolean {
    // RXC0, UDRE0 and the error flags are read-only; TXC0 is cleared by writing one to it.
    this.#cpu.data[UCSRA] = (old & ~(U2X0 | MPCM0)) | (value & (U2X0 | MPCM0));
    this.#cpu.clearInterruptByFlag(this.#transmitComplete, value);
    return true;
  }

  #writeControl(value: number, old: number): boolean {
    const cpu = this.#cpu;
    cpu.data[UCSRB] = value;
    if ((value & RXEN0) === 0 && (old & RXEN0) !== 0) {
      this.#received.length = 0;
      cpu.clearInterrupt(this.#receiveComplete);
    }
    cpu.updateInterruptEnable(this.#receiveComplete, value);
    cpu.updateInterruptEnable(this.#dataRegisterEmpty, value);
    cpu.updateInterruptEnable(this.#transmitComplete, value);
    return true;
  }

  #byteCycles(enabled: number): number {
    const { data } = this.#cpu;
    // Before the firmware has set its baud rate the host still sends at its own.
    if ((data[UCSRB]! & enabled) === 0) return USUAL_BYTE_CYCLES;
    const divisor = ((data[UBRRH]! << 8) | data[UBRRL]!) + 1;
    return BITS_PER_BYTE * divisor * ((data[UCSRA]! & U2X0) === 0 ? 16 : 8);
  }
}

/** @param level true: the interrupt is asked for as long as the flag stands */
function flag(address: number, flagMask: number, enableMask: number, level: boolean): Interrupt {
  return { address, flagRegister: UCSRA, flagMask, enableRegister: UCSRB, enableMask, constant: level };
}

/** First in, first out, without moving what waits. */
class ByteQueue {
  length = 0;
  readonly #chunks: Uint8Array[] = [];
  #offset = 0;

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.length += bytes.length;
  }

  /** The oldest byte; the queue must not be empty. */
  shift(): number {
    const chunk = this.#chunks[0]!;
    const byte = chunk[this.#offset++]!;
    this.length--;
    if (this.#offset === chunk.length) {
      this.#chunks.shift();
      this.#offset = 0;
    }
    return byte;
  }
}
