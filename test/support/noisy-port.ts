/**
 * A port whose wire can be disturbed: board -> noise -> rig; what the rig sends stays whole. What comes through is damaged byte
 * by byte: a flipped bit, a lost or doubled byte, a burst of garbage, and sysex that firmata-io does not survive.
 */
import { Duplex } from "node:stream";
import type { Port } from "../../rig/core/port.js";
import type { SeededRandom } from "./seeded-random.js";

const LONGEST_BURST_BYTES = 60;
/** Short, unknown, out of range, endless, and false: Firmata messages that no board should send. */
const NASTY_MESSAGES: readonly (readonly number[])[] = [
  [0xf0, 0xf7],
  [0xf0, 0x79, 0xf7],
  [0xf0, 0x79, 0x02, 0xf7],
  [0xf0, 0x6e, 0x7f, 0x01, 0x01, 0xf7],
  [0xf0, 0x6c, 0xf7],
  [0xf0, 0x6c, 0x00, 0x01, 0x7f, 0xf7],
  [0xf0, 0x6a, ...Array(40).fill(0x01), 0xf7],
  [0xf0, 0x71, 0x41, 0xf7],
  [0xf0, 0x77, 0x00, 0xf7],
  [0xf0, ...Array(3000).fill(0x01)],
  [0xe0, 0x7f, 0x7f],
  [0xef, 0x10, 0x10],
  [0x9f, 0x7f, 0x7f],
  [0xf9, 0x7f, 0x7f],
  [0xf9, 0x02, 0x05],
  [0xff],
];

export class NoisyPort implements Port {
  readonly name: string;
  /** Share of the board's bytes that something happens to, 0 to 1. */
  fromBoard = 0;
  /** How often something happened since the start. */
  disturbances = 0;
  readonly #port: Port;
  readonly #random: SeededRandom;

  constructor(port: Port, random: SeededRandom) {
    this.name = port.name;
    this.#port = port;
    this.#random = random;
  }

  async open(signal?: AbortSignal): Promise<Duplex> {
    const wire = await this.#port.open(signal);
    return new NoisyStream(wire, (bytes) => this.#disturb(bytes));
  }

  #disturb(bytes: Uint8Array): Uint8Array {
    const share = this.fromBoard;
    if (share === 0) return bytes;
    const through: number[] = [];
    for (const byte of bytes) {
      if (!this.#random.chance(share)) {
        through.push(byte);
        continue;
      }
      this.disturbances += 1;
      through.push(...this.#damage(byte));
    }
    return Uint8Array.from(through);
  }

  #damage(byte: number): readonly number[] {
    switch (this.#random.whole(0, 5)) {
      case 0:
        return [byte ^ (1 << this.#random.whole(0, 7))];
      case 1:
        return [];
      case 2:
        return [byte, byte];
      case 3:
        return [this.#random.whole(0, 255)];
      case 4:
        return [...this.#random.bytes(this.#random.whole(1, LONGEST_BURST_BYTES)), byte];
      default:
        return [...this.#random.pick(NASTY_MESSAGES), byte];
    }
  }
}

class NoisyStream extends Duplex {
  readonly #wire: Duplex;

  constructor(wire: Duplex, disturb: (bytes: Uint8Array) => Uint8Array) {
    super({ allowHalfOpen: false });
    this.#wire = wire;
    wire.on("data", (bytes: Buffer) => {
      const through = disturb(bytes);
      if (through.length > 0) this.push(through);
    });
    wire.once("error", (error) => this.destroy(error));
    wire.once("close", () => this.destroy());
  }

  override _read(): void {
    // The board sends when it likes.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#wire.write(bytes, done);
  }

  /** Closed when the wire is, so that the port can be opened again. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#wire.closed) {
      done(error);
      return;
    }
    this.#wire.once("close", () => done(error));
    this.#wire.destroy();
  }
}
