/**
 * johnny-five as its documentation uses it, for comparison: Board on firmata-io, its Sensor and its LCD.
 * Source: johnny-five 2.1.0, lib/sensor.js, lib/lcd.js; firmata-io 2.3.0.
 */
import { type EventEmitter, once } from "node:events";
import type { Duplex } from "node:stream";
import firmata, { type Firmata } from "firmata-io";
import five from "johnny-five";
import type { LcdLines } from "../../rig/core/events.js";

interface FiveSensor extends EventEmitter {
  disable(): void;
}

interface FiveLcd {
  cursor(row: number, column: number): FiveLcd;
  print(text: string): FiveLcd;
}

type FiveBoard = InstanceType<typeof five.Board> & { samplingInterval(intervalMs: number): void };

/** The parts that the rig does not use, and so has no types for. */
const components = five as unknown as {
  readonly Sensor: new (options: { board: FiveBoard; pin: string; freq: number }) => FiveSensor;
  readonly LCD: new (options: Record<string, unknown>) => FiveLcd;
};

export class JohnnyFivePeer {
  readonly #io: Firmata;
  readonly #board: FiveBoard;
  readonly #sensors: FiveSensor[] = [];

  /** @param stream to a board that boots now */
  static async connect(stream: Duplex): Promise<JohnnyFivePeer> {
    const peer = new JohnnyFivePeer(stream);
    stream.emit("open");
    await once(peer.#board, "ready");
    if (peer.#board.timer !== null) clearTimeout(peer.#board.timer);
    return peer;
  }

  private constructor(stream: Duplex) {
    this.#io = new firmata.Firmata(stream);
    this.#board = new five.Board({ io: this.#io, repl: false, debug: false, sigint: false }) as FiveBoard;
  }

  /** Its Sensor on A0, as fast as it goes. @param onSample for each value of the board; @param onData for each `data` event */
  sense({ onSample, onData }: { readonly onSample: () => void; readonly onData: () => void }): void {
    const sensor = new components.Sensor({ board: this.#board, pin: "A0", freq: 1 });
    this.#io.on("analog-read-0", onSample);
    sensor.on("data", onData);
    this.#sensors.push(sensor);
  }

  /** Asks for a sampling interval; firmata-io raises what is below 10 ms. */
  sampleEvery(intervalMs: number): void {
    this.#board.samplingInterval(intervalMs);
  }

  /** Its LCD, on the rig's default pins or behind an I2C backpack at 0x27. @returns what writes whole lines */
  display(wiring: "parallel" | "i2c"): (row: 0 | 1, text: string) => void {
    const pins = wiring === "parallel" ? { pins: [2, 3, 4, 5, 6, 7] } : { controller: "PCF8574" };
    const lcd = new components.LCD({ board: this.#board, rows: 2, cols: 16, ...pins });
    return (row, text) => {
      lcd.cursor(row, 0).print(text);
    };
  }

  close(): void {
    for (const sensor of this.#sensors) sensor.disable();
    this.#io.removeAllListeners();
    clearTimeout(this.#io.reportVersionTimeoutId);
    const index = five.Board.cache.indexOf(this.#board);
    if (index >= 0) five.Board.cache.splice(index, 1);
  }
}

/** Both lines, whatever they were before. */
export function writeScreen(write: (row: 0 | 1, text: string) => void, lines: LcdLines): void {
  write(0, lines[0]);
  write(1, lines[1]);
}
