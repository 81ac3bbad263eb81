/**
 * The virtual bench: every virtual meter of the configuration, its wires and the mains, stepped in lockstep.
 * A pure simulation without threads, timers or a clock of its own: `advanceUs` is the only thing that lets time pass.
 * Host bytes and commands go in, the boards' bytes and what is to be seen come out; bench-host.ts runs it in real time.
 */
import type { Config } from "../core/config.js";
import type { LcdLines } from "../core/events.js";
import { firmataPin } from "../core/pin-names.js";
import { type BenchCommand, checkBenchCommand, virtualLinks, virtualMeters } from "./bench-command.js";
import { loadFirmware } from "./boards/firmware.js";
import { CYCLES_PER_US, type Uno } from "./boards/uno.js";
import { MeterPlace, type MeterSnapshot } from "./meter-place.js";
import { MainsPart } from "./parts/mains-part.js";
import { WIRE_DELAY_CYCLES, Wire, Wires } from "./wires.js";

/** How far one board may be ahead of another. */
const QUANTUM_CYCLES = WIRE_DELAY_CYCLES;
const US_PER_S = 1e6;

export interface LinkSnapshot {
  readonly between: readonly [string, string];
  readonly intact: boolean;
}

export interface BenchSnapshot {
  readonly timeUs: number;
  readonly meters: readonly MeterSnapshot[];
  readonly links: readonly LinkSnapshot[];
}

export class VirtualBench {
  readonly meterIds: readonly string[];
  readonly #config: Config;
  readonly #mains: MainsPart;
  readonly #places: readonly MeterPlace[];
  readonly #wires: Wires;
  /** Of each meter, the loop through its modem cable. */
  readonly #loops: readonly Wire[];
  readonly #links: readonly {
    readonly between: readonly [string, string];
    readonly wires: readonly Wire[];
  }[];
  #cycle = 0;

  /**
   * All boards are plugged in and start their firmware at time 0.
   * @param program flash of all boards, 16 384 words; by default the firmware that the configuration names
   * @throws ConfigError when that firmware cannot be read
   */
  constructor(config: Config, program: Uint16Array = loadFirmware(config.virtual.firmware)) {
    const meters = virtualMeters(config);
    this.#config = config;
    this.meterIds = meters.map(({ id }) => id);
    this.#mains = new MainsPart({ ...config.mains, seed: config.virtual.seed });
    this.#places = meters.map(
      (meter, board) =>
        new MeterPlace(meter, this.#mains, program, (port) =>
          this.#wires.portChanged(board, port, this.#boardCycle(board)),
        ),
    );
    this.#loops = meters.map(
      ({ bus }, board) => new Wire({ board, pin: firmataPin(bus.out) }, { board, pin: firmataPin(bus.in) }),
    );
    this.#links = virtualLinks(config).map(({ between }) => {
      const ends = between.map((id) => {
        const board = this.meterIds.indexOf(id);
        const { tx, rx } = meters[board]!.link;
        return { tx: { board, pin: firmataPin(tx) }, rx: { board, pin: firmataPin(rx) } };
      });
      return { between, wires: [new Wire(ends[0]!.tx, ends[1]!.rx), new Wire(ends[1]!.tx, ends[0]!.rx)] };
    });
    this.#wires = new Wires(
      this.#places.map((place) => place.uno.pins),
      [...this.#loops, ...this.#links.flatMap((link) => link.wires)],
    );
    for (const place of this.#places) place.start(0);
  }

  /** Bench time since the start [us]. */
  get timeUs(): number {
    return this.#cycle / CYCLES_PER_US;
  }

  /** Lets bench time pass for every board at once. */
  advanceUs(us: number): void {
    const target = this.#cycle + Math.round(us * CYCLES_PER_US);
    while (this.#cycle < target) {
      const end = Math.min(this.#cycle + QUANTUM_CYCLES, target);
      for (let board = 0; board < this.#places.length; board++) this.#stepBoard(board, end);
      this.#cycle = end;
    }
  }

  /** Does what a person at the bench does. @throws RangeError when this bench cannot */
  apply(command: BenchCommand): void {
    checkBenchCommand(this.#config, command);
    switch (command.verb) {
      case "lamps":
        this.#place(command.meter).load.setLoad({ currentA: 0, powerFactor: 1, thirdHarmonic: 0 });
        this.#place(command.meter).load.setLamps(command.count);
        break;
      case "load":
        this.#place(command.meter).load.setLamps(0);
        this.#place(command.meter).load.setLoad(command);
        break;
      case "volts":
        this.#mains.setVolts(command.volts);
        break;
      case "hz":
        this.#mains.setHz(command.hz, this.timeUs / US_PER_S);
        break;
      case "cut":
      case "mend":
        for (const wire of this.#wiresOf(command))
          this.#wires.setIntact(wire, command.verb === "mend", this.#cycle);
        break;
      case "unplug":
        this.#place(command.meter).unplug();
        break;
      case "plug":
        if (!this.isPlugged(command.meter)) this.#place(command.meter).start(this.#cycle);
        break;
      case "reset":
        this.resetBoard(command.meter);
        break;
    }
  }

  isPlugged(meter: string): boolean {
    return this.#place(meter).uno.powered;
  }

  /** Starts the firmware anew, as the button or DTR does; an unplugged board stays dead. */
  resetBoard(meter: string): void {
    if (this.isPlugged(meter)) this.#place(meter).start(this.#cycle);
  }

  /** Puts host bytes on a board's serial line; they take the line's time. */
  send(meter: string, bytes: Uint8Array): void {
    this.#place(meter).uno.receive(bytes);
  }

  /** Host bytes given to `send` that have not reached the chip yet. */
  queuedBytes(meter: string): number {
    return this.#place(meter).uno.queuedBytes;
  }

  /** Takes what a board has sent since the last call. */
  takeSent(meter: string): Uint8Array<ArrayBuffer> {
    return this.#place(meter).takeSent();
  }

  /** What a meter's display shows, cheaper than a snapshot. */
  display(meter: string): { readonly lines: LcdLines; readonly timingViolations: number } {
    return this.#place(meter).display;
  }

  /** The board itself, for looking at its pins. */
  board(meter: string): Uno {
    return this.#place(meter).uno;
  }

  snapshot(): BenchSnapshot {
    return {
      timeUs: this.timeUs,
      meters: this.#places.map((place, board) => place.snapshot(this.#loops[board]!.intact)),
      links: this.#links.map(({ between, wires }) => ({
        between,
        intact: wires.every((wire) => wire.intact),
      })),
    };
  }

  #stepBoard(board: number, endCycle: number): void {
    const { uno } = this.#places[board]!;
    for (;;) {
      const edge = this.#wires.takeDue(board, endCycle);
      if (edge === undefined) break;
      uno.runTo(edge.cycle);
      uno.pins.setInput(edge.pin, edge.level);
    }
    uno.runTo(endCycle);
  }

  /** Bench time of what a board does now: its own while it runs, the bench's when a person acts on it. */
  #boardCycle(board: number): number {
    const { uno } = this.#places[board]!;
    return uno.powered ? uno.cycles : this.#cycle;
  }

  #place(meter: string): MeterPlace {
    const place = this.#places[this.meterIds.indexOf(meter)];
    if (place === undefined)
      throw new RangeError(`there is no virtual meter "${meter}"; there are: ${this.meterIds}`);
    return place;
  }

  #wiresOf(command: Extract<BenchCommand, { verb: "cut" | "mend" }>): readonly Wire[] {
    if (command.what === "bus") return [this.#loops[this.meterIds.indexOf(command.meter)]!];
    if (command.link === "all") return this.#links.flatMap((link) => link.wires);
    return this.#links[command.link]!.wires;
  }
}
