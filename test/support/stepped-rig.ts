/**
 * The rig's meters on the stepped bench: real firmware, real stages, real files, in bench time. In place of network and centre
 * stands a carrier that opens every sealed report and compares it with its `report` event.
 * Watches on its own, at every event: no field of a reading is NaN, energy never falls, reports arrive once, in order, unchanged.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Meter } from "../../rig/apps/meter.js";
import type { Carrier } from "../../rig/core/carrier.js";
import { type Config, configSchema } from "../../rig/core/config.js";
import type { BoardEvent, DisplayEvent, ReadingEvent, ReportEvent, RigEvent } from "../../rig/core/events.js";
import type { Port } from "../../rig/core/port.js";
import { RegisterFile } from "../../rig/measure/register-file.js";
import { Journal } from "../../rig/route/journal.js";
import { Router } from "../../rig/route/router.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { Opener } from "../../rig/seal/opener.js";
import { Sealer } from "../../rig/seal/sealer.js";
import type { BenchCommand } from "../../rig/virtual/bench-command.js";
import type { MeterSnapshot } from "../../rig/virtual/meter-place.js";
import { ManualClock } from "./manual-clock.js";
import { SteppedBench } from "./stepped-bench.js";

/** From the stop of the meters to a closed port: the last words on the display and a little more [ms]. */
const STOP_MS = 400;

/** What was last seen of a meter, and when [ms of bench time]. */
export interface Seen {
  board: BoardEvent | null;
  /** `board` events of the state so far. */
  ready: number;
  lost: number;
  reading: ReadingEvent | null;
  readings: number;
  readingAtMs: number;
  display: DisplayEvent | null;
  displayAtMs: number;
  report: ReportEvent | null;
  delivered: number;
}

export interface SteppedRigOptions {
  /** As in the configuration file. */
  readonly config: unknown;
  /** Puts something between a meter and its board. */
  readonly wrapPort?: (meter: string, port: Port) => Port;
}

export class SteppedRig {
  readonly config: Config;
  readonly clock = new ManualClock();
  readonly #bench: SteppedBench;
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), "meter-rig-soak-"));
  readonly #meters: readonly Meter[];
  readonly #journals: Journal[] = [];
  readonly #router: Router;
  readonly #seen: ReadonlyMap<string, Seen>;
  /** Of each meter, timing violations of its display that an act at the bench was. */
  readonly #cutOff: number[] = [];
  readonly #faults: string[] = [];
  readonly #watchers: ((event: RigEvent, atMs: number) => void)[] = [];

  constructor({ config, wrapPort = (_meter, port) => port }: SteppedRigOptions) {
    this.config = configSchema.parse(config);
    this.#bench = new SteppedBench(this.config, this.clock);
    const ids = this.config.meters.map(({ id }) => id);
    this.#seen = new Map(ids.map((id) => [id, nothingSeen()]));
    makeMissingKeys(this.#directory, ids);
    const emit = (event: RigEvent) => this.#take(event);
    const legs = ids.map((meter) => {
      const { journal } = Journal.open(this.#directory, meter);
      this.#journals.push(journal);
      return { meter, journal, carrier: this.#carrier(meter) };
    });
    this.#router = new Router(legs, { clock: this.clock, emit });
    this.#meters = this.config.meters.map((meter) => {
      const registerFile = new RegisterFile(this.#directory, meter.id);
      return new Meter({
        meter,
        config: this.config,
        port: wrapPort(meter.id, this.#bench.port(meter.id)),
        registerFile,
        kept: registerFile.load(),
        sealer: Sealer.open(this.#directory, meter.id).sealer,
        router: this.#router,
        clock: this.clock,
        emit,
        showWaveform: () => undefined,
      });
    });
    this.#router.start();
    for (const meter of this.#meters) meter.start();
  }

  /** Bench time since the start [ms]. */
  get timeMs(): number {
    return this.clock.steadyMs();
  }

  seen(meter: string): Readonly<Seen> {
    const seen = this.#seen.get(meter);
    if (seen === undefined) throw new RangeError(`there is no meter ${meter}`);
    return seen;
  }

  /** The meter's place on the bench as it is now, with what ideal meters would read. */
  place(meter: string): MeterSnapshot {
    const place = this.#bench.bench.snapshot().meters.find((snapshot) => snapshot.meter === meter);
    if (place === undefined) throw new RangeError(`there is no meter ${meter}`);
    return place;
  }

  /** Calls `watcher` at every event; it must not throw, but may call `fault`. */
  watch(watcher: (event: RigEvent, atMs: number) => void): void {
    this.#watchers.push(watcher);
  }

  /** Something is wrong: the next `advance` throws with it. */
  fault(text: string): void {
    this.#faults.push(`at ${Math.round(this.timeMs)} ms of bench time: ${text}`);
  }

  command(command: BenchCommand): void {
    const violations = () => this.#bench.bench.snapshot().meters.map((place) => place.timingViolations);
    const before = violations();
    this.#bench.command(command);
    violations().forEach((count, index) => {
      this.#cutOff[index] = (this.#cutOff[index] ?? 0) + count - (before[index] ?? 0);
    });
  }

  /** Timing violations of a display, but for transfers that a reset or a pulled cable itself cut off. */
  timingViolations(meter: string): number {
    const index = this.config.meters.findIndex(({ id }) => id === meter);
    return this.place(meter).timingViolations - (this.#cutOff[index] ?? 0);
  }

  /** @throws Error with every fault that was found on the way */
  async advance(ms: number): Promise<void> {
    await this.#bench.advance(ms);
    this.#throwFaults();
  }

  /** @returns how long it took [ms]. @throws Error when `condition` does not come true within `limitMs` */
  async advanceUntil(what: string, condition: () => boolean, limitMs: number): Promise<number> {
    const fromMs = this.timeMs;
    while (!condition()) {
      if (this.timeMs - fromMs >= limitMs) {
        const states = [...this.#seen].map(([meter, seen]) => `${meter}: ${JSON.stringify(seen)}`);
        throw new Error(`not within ${limitMs} ms of bench time: ${what}\n${states.join("\n")}`);
      }
      await this.advance(1);
    }
    return this.timeMs - fromMs;
  }

  /** Stops as the program does. @throws Error when a report or a timer is left */
  async stop(): Promise<void> {
    const stopped = Promise.all(this.#meters.map((meter) => meter.stop()));
    await this.advance(STOP_MS);
    await stopped;
    await this.advance(1);
    await this.#router.stop();
    for (const [meter, { report, delivered }] of this.#seen) {
      if (delivered !== (report?.sequence ?? 0)) {
        this.fault(`${meter} made ${report?.sequence ?? 0} reports and delivered ${delivered}`);
      }
    }
    await this.#bench.close();
    if (this.clock.armedTimers > 0) this.fault(`${this.clock.armedTimers} timers are left after the stop`);
    this.#throwFaults();
  }

  /** Removes the files; for the very end, whatever happened before. */
  dispose(): void {
    for (const journal of this.#journals) journal.close();
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  #throwFaults(): void {
    if (this.#faults.length > 0) throw new Error(this.#faults.splice(0).join("\n"));
  }

  #take(event: RigEvent): void {
    const atMs = this.timeMs;
    const seen = "meter" in event && event.meter !== null ? this.#seen.get(event.meter) : undefined;
    if (seen !== undefined) {
      if (event.event === "board") {
        seen.board = event;
        if (event.state !== "connecting") seen[event.state] += 1;
      } else if (event.event === "reading") {
        this.#check(event, seen);
        seen.reading = event;
        seen.readings += 1;
        seen.readingAtMs = atMs;
      } else if (event.event === "display") {
        seen.display = event;
        seen.displayAtMs = atMs;
      } else if (event.event === "report") {
        seen.report = event;
      }
    }
    if (event.event === "alert") this.fault(`alert: ${event.text}`);
    for (const watcher of this.#watchers) watcher(event, atMs);
  }

  #check(event: ReadingEvent, seen: Seen): void {
    const unreal = Object.entries(event).filter(
      ([, value]) => typeof value === "number" && !Number.isFinite(value),
    );
    if (unreal.length > 0) this.fault(`a reading of ${event.meter} has ${unreal.join("; ")}`);
    const beforeWh = seen.reading?.energyWh ?? 0;
    if (event.energyWh < beforeWh)
      this.fault(`energy of ${event.meter} fell from ${beforeWh} to ${event.energyWh} Wh`);
  }

  #carrier(meter: string): Carrier {
    let opener: Opener | null = null;
    return {
      send: async ({ bytes }) => {
        opener ??= Opener.forMeter(this.#directory, meter);
        const { report } = opener.open(bytes);
        const seen = this.seen(meter) as Seen;
        const expected = seen.report as unknown as Record<string, unknown>;
        if (report.sequence !== seen.delivered + 1) {
          this.fault(`${meter} delivered report ${report.sequence} after ${seen.delivered}`);
        }
        seen.delivered = report.sequence;
        for (const [field, value] of Object.entries(report)) {
          if (field === "endMs" || JSON.stringify(expected[field]) === JSON.stringify(value)) continue;
          this.fault(`${meter} reported ${field} ${expected[field]} and the centre reads ${value}`);
        }
      },
    };
  }
}

function nothingSeen(): Seen {
  return {
    board: null,
    ready: 0,
    lost: 0,
    reading: null,
    readings: 0,
    readingAtMs: 0,
    display: null,
    displayAtMs: 0,
    report: null,
    delivered: 0,
  };
}
