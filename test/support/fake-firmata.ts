/**
 * An Arduino UNO with StandardFirmata as the wire shows it, in memory, by the test's clock; and the port it is plugged into.
 * Written from the Firmata protocol 2.6 and StandardFirmata 2.4/2.5, not from the rig. Simulated: boot, versions, capabilities,
 * analog mapping, sampling, digital ports with pull-ups. Not: UART pace, bootloader, servo, PWM, I2C devices.
 */
import { Duplex } from "node:stream";
import type { Clock } from "../../rig/core/clock.js";
import { PortError } from "../../rig/core/errors.js";
import type { Port } from "../../rig/core/port.js";

export interface FakeFirmataOptions {
  readonly name?: string;
  readonly major?: number;
  readonly minor?: number;
  /** From reset to the version report [ms]; StandardFirmata 2.5 blinks for 2125 ms. */
  readonly bootMs?: number;
  readonly sketch?: string;
  /** Code of one sample. */
  readonly adc?: (channel: number, index: number) => number;
}

const INPUT = 0x00;
const OUTPUT = 0x01;
const PULLUP = 0x0b;
const PIN_COUNT = 20;

export class FakeFirmata implements Port {
  readonly name: string;
  /** Every byte the board took from its wire since the last boot. */
  readonly received: number[] = [];
  /** Chunks as they were written to the stream since the last boot. */
  readonly writes: Uint8Array[] = [];
  readonly modes: number[] = Array(PIN_COUNT).fill(OUTPUT);
  /** Output latches. */
  readonly levels: number[] = Array(PIN_COUNT).fill(0);
  /** What drives the pin from outside; null leaves it open. */
  readonly driven: (0 | 1 | null)[] = Array(PIN_COUNT).fill(null);
  readonly pullups: boolean[] = Array(PIN_COUNT).fill(false);
  opened = 0;
  intervalMs = 19;
  /** Answers nothing and samples nothing, as with a stuck I2C bus. */
  frozen = false;
  plugged = true;
  /** Samples are not sent although they are asked for. */
  mute = false;
  readonly #clock: Clock;
  readonly #options: FakeFirmataOptions;
  readonly #analog = new Set<number>();
  readonly #reportedPorts = new Set<number>();
  readonly #lastReport = new Map<number, number>();
  #stream: FakeStream | null = null;
  #cancelBoot: () => void = () => undefined;
  #cancelSampling: () => void = () => undefined;
  #running = false;
  #buffer: number[] = [];
  #queuedWhileBooting: number[] = [];
  #index = 0;

  constructor(clock: Clock, options: FakeFirmataOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.name = options.name ?? "fake:uno";
  }

  async open(signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted();
    if (!this.plugged) throw new PortError("port/missing", `there is no port ${this.name}`);
    if (this.#stream !== null) throw new PortError("port/busy", `${this.name} is in use`);
    this.opened += 1;
    const stream = new FakeStream(
      (bytes) => this.#take(bytes),
      () => {
        if (this.#stream === stream) this.#stream = null;
      },
    );
    this.#stream = stream;
    this.reset();
    return stream;
  }

  unplug(): void {
    this.plugged = false;
    this.#stop();
    this.#stream?.destroy(new PortError("port/lost", `${this.name} was lost`));
  }

  plug(): void {
    this.plugged = true;
  }

  /** As the reset button: boots anew and reports version and firmware. */
  reset(): void {
    this.#stop();
    this.received.length = 0;
    this.writes.length = 0;
    this.modes.fill(OUTPUT);
    this.levels.fill(0);
    this.pullups.fill(false);
    this.intervalMs = 19;
    this.#buffer = [];
    this.#queuedWhileBooting = [];
    const { bootMs = 2125, sketch } = this.#options;
    if (sketch !== undefined) {
      this.#cancelBoot = this.#clock.every(250, () => this.send(Buffer.from(sketch, "latin1")));
      return;
    }
    this.#cancelBoot = this.#clock.after(bootMs, () => {
      this.#running = true;
      this.#startSampling();
      this.#sendVersion();
      this.#sendFirmware();
      this.#parse(this.#queuedWhileBooting.splice(0, 64));
    });
  }

  /** Puts bytes on the wire to the host. */
  send(bytes: Iterable<number>): void {
    if (!this.frozen) this.#stream?.push(Buffer.from([...bytes]));
  }

  /** Drives an input from outside, or opens the wire. */
  drive(pin: number, level: 0 | 1 | null): void {
    this.driven[pin] = level;
    for (const port of this.#reportedPorts) this.#reportPort(port, false);
  }

  /** Timers of this board that are armed end here. */
  #stop(): void {
    this.#cancelBoot();
    this.#cancelSampling();
    this.#running = false;
    this.#analog.clear();
    this.#reportedPorts.clear();
    this.#lastReport.clear();
  }

  /** Takes the board out of the test: no timer is left. */
  dispose(): void {
    this.#stop();
  }

  #take(bytes: Uint8Array): void {
    this.writes.push(Uint8Array.from(bytes));
    this.received.push(...bytes);
    if (this.frozen || this.#options.sketch !== undefined) return;
    if (this.#running) this.#parse([...bytes]);
    else this.#queuedWhileBooting.push(...bytes);
  }

  #parse(bytes: readonly number[]): void {
    for (const byte of bytes) {
      this.#buffer.push(byte);
      const [command = 0] = this.#buffer;
      if (command === 0xf0) {
        if (byte === 0xf7) this.#sysex(this.#buffer.splice(0).slice(1, -1));
      } else if (command === 0xf9) {
        this.#buffer = [];
        this.#sendVersion();
      } else if ((command & 0xf0) === 0xc0 || (command & 0xf0) === 0xd0) {
        if (this.#buffer.length === 2) this.#enableReport(this.#buffer.splice(0));
      } else if (this.#buffer.length === 3) {
        this.#message(this.#buffer.splice(0));
      }
    }
  }

  #enableReport([command = 0, value = 0]: number[]): void {
    const index = command & 0x0f;
    if ((command & 0xf0) === 0xc0) {
      if (value === 0) this.#analog.delete(index);
      else {
        this.#analog.add(index);
        // StandardFirmata 2.5 sends one sample at once.
        this.#sendSample(index);
      }
    } else if (value === 0) this.#reportedPorts.delete(index);
    else {
      this.#reportedPorts.add(index);
      this.#reportPort(index, true);
    }
  }

  #message([command = 0, first = 0, second = 0]: number[]): void {
    if (command === 0xf4) {
      this.modes[first] = second;
      this.pullups[first] = second === PULLUP;
      if (second === OUTPUT) this.levels[first] = 0;
    } else if ((command & 0xf0) === 0x90) {
      const value = first | (second << 7);
      const from = (command & 0x0f) * 8;
      for (let pin = Math.max(2, from); pin < Math.min(from + 8, PIN_COUNT); pin += 1) {
        const bit = (value >> (pin - from)) & 1;
        if (this.modes[pin] === OUTPUT) this.levels[pin] = bit;
        // digitalWriteCallback: an input whose bit is 1 gets its pull-up; 2.5 never takes it away again.
        else if (this.modes[pin] === INPUT && (bit === 1 || this.#minor < 5)) this.pullups[pin] = bit === 1;
      }
    }
  }

  #sysex(body: readonly number[]): void {
    const [command, lsb = 0, msb = 0] = body;
    if (command === 0x79) this.#sendFirmware();
    if (command === 0x6b) this.send([0xf0, 0x6c, ...this.#capabilities(), 0xf7]);
    if (command === 0x69) {
      const mapping = Array.from({ length: PIN_COUNT }, (_, pin) => (pin < 14 ? 0x7f : pin - 14));
      this.send([0xf0, 0x6a, ...mapping, 0xf7]);
    }
    if (command === 0x7a) {
      this.intervalMs = Math.max(lsb | (msb << 7), this.#minor < 5 ? 10 : 1);
      this.#startSampling();
    }
  }

  get #minor(): number {
    return this.#options.minor ?? 5;
  }

  #capabilities(): number[] {
    const bytes: number[] = [];
    for (let pin = 0; pin < PIN_COUNT; pin += 1) {
      if (pin >= 2) bytes.push(INPUT, 1, OUTPUT, 1);
      if (pin >= 2 && this.#minor >= 5) bytes.push(PULLUP, 1);
      if (pin >= 14) bytes.push(0x02, 10);
      if ([3, 5, 6, 9, 10, 11].includes(pin)) bytes.push(0x03, 8);
      if (pin >= 18) bytes.push(0x06, 1);
      bytes.push(0x7f);
    }
    return bytes;
  }

  #sendVersion(): void {
    this.send([0xf9, this.#options.major ?? 2, this.#minor]);
  }

  #sendFirmware(): void {
    const name = [...Buffer.from("StandardFirmata.ino", "latin1")].flatMap((byte) => [
      byte & 0x7f,
      byte >> 7,
    ]);
    this.send([0xf0, 0x79, this.#options.major ?? 2, this.#minor, ...name, 0xf7]);
  }

  #startSampling(): void {
    this.#cancelSampling();
    this.#cancelSampling = this.#clock.every(this.intervalMs, () => {
      if (this.frozen || this.mute) return;
      for (const channel of [...this.#analog].sort((a, b) => a - b)) this.#sendSample(channel);
      this.#index += 1;
    });
  }

  #sendSample(channel: number): void {
    if (this.mute) return;
    const counts = this.#options.adc?.(channel, this.#index) ?? 512;
    this.send([0xe0 | channel, counts & 0x7f, counts >> 7]);
  }

  #reportPort(port: number, force: boolean): void {
    let value = 0;
    for (let bit = 0; bit < 8; bit += 1) {
      const pin = port * 8 + bit;
      if (this.modes[pin] === INPUT || this.modes[pin] === PULLUP) {
        value |= (this.driven[pin] ?? (this.pullups[pin] ? 1 : 0)) << bit;
      }
    }
    if (!force && this.#lastReport.get(port) === value) return;
    this.#lastReport.set(port, value);
    this.send([0x90 | port, value & 0x7f, value >> 7]);
  }
}

/** The host's end of the wire. */
class FakeStream extends Duplex {
  readonly #take: (bytes: Uint8Array) => void;
  readonly #closed: () => void;

  constructor(take: (bytes: Uint8Array) => void, closed: () => void) {
    super({ allowHalfOpen: false });
    this.#take = take;
    this.#closed = closed;
  }

  override _read(): void {
    // Bytes are pushed when the board sends them.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#take(bytes);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#closed();
    done(error);
  }
}
