/**
 * Wires between pins of the boards: a change at one end reaches the other a fixed time later, until the wire is cut.
 * Boards are stepped in turn, so one can be ahead of another by a quantum; the fixed time (`WIRE_DELAY_CYCLES`) is no
 * shorter than a quantum, which keeps the order and the spacing of edges exact in both directions.
 * A wire has no direction: each end is an input where its chip makes it one. An end sees what drives the other ends of
 * its wires: low wins over high and pull-up, and a cut wire, or one whose other end is an open input, is open.
 */
import type { PinDrive, PinLevel, UnoPins } from "./boards/uno-pins.js";
import { portOfPin } from "./boards/uno-pins.js";

/** 64 us at 16 MHz: less than one pass of StandardFirmata's loop. */
export const WIRE_DELAY_CYCLES = 1024;

/** A pin of a board, the board by its place on the bench. */
export interface WireEnd {
  readonly board: number;
  readonly pin: number;
}

export class Wire {
  readonly ends: readonly [WireEnd, WireEnd];
  intact = true;

  constructor(a: WireEnd, b: WireEnd) {
    this.ends = [a, b];
  }
}

/** A level that reaches a pin of a board at a bench time. */
export interface WireEdge {
  readonly cycle: number;
  readonly pin: number;
  readonly level: PinLevel;
}

export class Wires {
  readonly #pins: readonly UnoPins[];
  readonly #wires: readonly Wire[];
  /** Per board and port: the wires with an end there. */
  readonly #byPort: readonly (readonly Wire[][])[];
  /** Per board: levels under way, soonest first. */
  readonly #underWay: readonly WireEdge[][];
  /** Per board and pin: the level that was last sent on its way. */
  readonly #lastSent: readonly Map<number, PinLevel>[];

  /** @param pins the boards' pins, in the order that `WireEnd.board` counts */
  constructor(pins: readonly UnoPins[], wires: readonly Wire[]) {
    this.#pins = pins;
    this.#wires = wires;
    this.#underWay = pins.map(() => []);
    this.#lastSent = pins.map(() => new Map());
    this.#byPort = pins.map((_, board) =>
      [0, 1, 2].map((port) =>
        wires.filter((wire) => wire.ends.some((end) => end.board === board && portOfPin(end.pin) === port)),
      ),
    );
  }

  /** The chip of `board` changed pins of `port` at bench time `cycle`. */
  portChanged(board: number, port: 0 | 1 | 2, cycle: number): void {
    for (const wire of this.#byPort[board]![port]!) this.#carry(wire, cycle);
  }

  /** Cuts or mends a wire at bench time `cycle`. */
  setIntact(wire: Wire, intact: boolean, cycle: number): void {
    wire.intact = intact;
    this.#carry(wire, cycle);
  }

  /** Takes the next level that reaches `board` before `endCycle`, or undefined. */
  takeDue(board: number, endCycle: number): WireEdge | undefined {
    const underWay = this.#underWay[board]!;
    return underWay[0] !== undefined && underWay[0].cycle < endCycle ? underWay.shift() : undefined;
  }

  #carry(wire: Wire, cycle: number): void {
    for (const end of wire.ends) {
      const level = this.#levelAt(end);
      const lastSent = this.#lastSent[end.board]!;
      if ((lastSent.get(end.pin) ?? null) === level) continue;
      lastSent.set(end.pin, level);
      const underWay = this.#underWay[end.board]!;
      const edge = { cycle: cycle + WIRE_DELAY_CYCLES, pin: end.pin, level };
      const later = underWay.findIndex((other) => other.cycle > edge.cycle);
      underWay.splice(later === -1 ? underWay.length : later, 0, edge);
    }
  }

  #levelAt(end: WireEnd): PinLevel {
    let level: PinLevel = null;
    for (const wire of this.#wires) {
      if (!wire.intact) continue;
      const [a, b] = wire.ends;
      const other = isSame(a, end) ? b : isSame(b, end) ? a : null;
      if (other === null) continue;
      const drive: PinDrive = this.#pins[other.board]!.drive(other.pin);
      if (drive === 0) return 0;
      if (drive !== "open") level = 1;
    }
    return level;
  }
}

function isSame(a: WireEnd, b: WireEnd): boolean {
  return a.board === b.board && a.pin === b.pin;
}
