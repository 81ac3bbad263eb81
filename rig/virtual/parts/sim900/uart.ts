/**
 * The module's UART, 8N1, three wires: host bytes -> `onByte`, the firmware's bytes -> the open stream, both at the line's pace.
 * A host at another baud rate gives and gets garbage; with autobaud the rate is learnt from the first "AT" or "At".
 * Not simulated: RTS/CTS, DTR, DCD, RI; framing errors (a garbled byte is one byte).
 * Source: SIM900 AT Command Manual V1.03, 1.4 and AT+IPR.
 */
import type { Clock } from "../../../core/clock.js";
import type { LineStream } from "./line-stream.js";
import { PacedQueue } from "./paced-queue.js";

/** Rates of AT+IPR that the module can be set to, and that it can learn. */
export const BAUD_RATES_BPS: readonly number[] = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200];

/** AT+IPR=0. */
export const AUTOBAUD = 0;

export class Uart {
  /** Where the host's bytes go; null while the module is not running. */
  onByte: ((byte: number) => void) | null = null;
  /** Called whenever bytes have left towards the host. */
  onSent: (() => void) | null = null;
  readonly #toModule: PacedQueue;
  readonly #toHost: PacedQueue;
  #stream: LineStream | null = null;
  #hostBaudBps: number;
  /** null: not learnt yet. */
  #baudBps: number | null;
  #before = 0;

  /** @param baudBps AUTOBAUD or a rate */
  constructor(clock: Clock, baudBps: number) {
    this.#baudBps = baudBps === AUTOBAUD ? null : baudBps;
    this.#hostBaudBps = baudBps === AUTOBAUD ? 9600 : baudBps;
    this.#toModule = new PacedQueue(
      clock,
      () => this.#hostBaudBps,
      (bytes) => this.#arrive(bytes),
    );
    this.#toHost = new PacedQueue(
      clock,
      () => this.#baudBps ?? this.#hostBaudBps,
      (bytes) => this.#leave(bytes),
    );
  }

  /** The module's rate; null while it is to be learnt [bit/s]. */
  get baudBps(): number | null {
    return this.#baudBps;
  }

  /** Bytes of the module that have not left yet. */
  get waitingBytes(): number {
    return this.#toHost.length;
  }

  /** @param baudBps AUTOBAUD: to be learnt anew */
  setBaud(baudBps: number): void {
    this.#baudBps = baudBps === AUTOBAUD ? null : baudBps;
    this.#before = 0;
  }

  attach(stream: LineStream, hostBaudBps: number): void {
    this.#stream = stream;
    this.#hostBaudBps = hostBaudBps;
  }

  detach(): void {
    this.#stream = null;
    this.#toModule.clear();
  }

  /** The host puts bytes on the line. */
  write(bytes: Uint8Array): void {
    this.#toModule.push(bytes);
  }

  /** Bytes of the host that have not reached the module yet. */
  get unreadBytes(): number {
    return this.#toModule.length;
  }

  /** The module puts bytes on the line. Before its rate is learnt nothing is sent. */
  send(bytes: Uint8Array): void {
    if (this.#baudBps !== null) this.#toHost.push(bytes);
  }

  /** The module puts a few bytes on the line at a rate of its own, as it does at power-on. */
  sendAt(baudBps: number, bytes: Uint8Array): void {
    this.#stream?.deliver(baudBps === this.#hostBaudBps ? bytes : bytes.map(garble));
  }

  /** The supply is gone: what was on its way out is lost. */
  cut(): void {
    this.onByte = null;
    this.onSent = null;
    this.#toHost.clear();
  }

  stop(): void {
    this.cut();
    this.#toModule.clear();
  }

  #arrive(bytes: Uint8Array): void {
    for (const byte of bytes) this.#arriveByte(byte);
    this.#stream?.taken();
  }

  #arriveByte(byte: number): void {
    if (this.onByte === null) return;
    if (this.#baudBps === null) {
      this.#learn(byte);
      return;
    }
    this.onByte(this.#baudBps === this.#hostBaudBps ? byte : garble(byte));
  }

  #learn(byte: number): void {
    const before = this.#before;
    this.#before = byte;
    const prefix = before === 0x41 && (byte === 0x54 || byte === 0x74);
    if (!prefix || !BAUD_RATES_BPS.includes(this.#hostBaudBps)) return;
    this.#baudBps = this.#hostBaudBps;
    this.onByte?.(before);
    this.onByte?.(byte);
  }

  #leave(bytes: Uint8Array): void {
    this.#stream?.deliver(this.#baudBps === this.#hostBaudBps ? bytes : bytes.map(garble));
    this.onSent?.();
  }
}

/** What a receiver at the wrong rate makes of a byte: always the same, and never a character of a command. */
function garble(byte: number): number {
  return 0x80 | ((byte * 37 + 11) & 0x7f);
}
