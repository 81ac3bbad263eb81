/**
 * The virtual bench without threads or real time: bench time and a manual clock move together when the test says so.
 * Ports behave as BenchHost's do; everything that promises lead to is done before `advance` returns.
 */
import type { Config } from "../../rig/core/config.js";
import type { Port } from "../../rig/core/port.js";
import { VirtualBench } from "../../rig/virtual/bench.js";
import type { BenchCommand } from "../../rig/virtual/bench-command.js";
import { BenchPorts } from "../../rig/virtual/bench-ports.js";
import { watchPowerKey } from "../../rig/virtual/power-key-watch.js";
import { SerialSessions } from "../../rig/virtual/serial-sessions.js";
import type { ManualClock } from "./manual-clock.js";

/** As often as USB brings bytes of a full-speed device; the clock's timers fire between two steps. */
const STEP_MS = 1;
const US_PER_MS = 1000;

export class SteppedBench {
  readonly bench: VirtualBench;
  readonly #clock: ManualClock;
  readonly #sessions: SerialSessions;
  readonly #ports: BenchPorts;

  /** @param onPowerKey told when the pin that `modem.powerKey` names presses the modem's power key and lets it go */
  constructor(config: Config, clock: ManualClock, onPowerKey: (pressed: boolean) => void = () => undefined) {
    this.bench = new VirtualBench(config);
    watchPowerKey(this.bench, config, onPowerKey);
    this.#clock = clock;
    this.#sessions = new SerialSessions(this.bench);
    this.#ports = new BenchPorts(this.bench.meterIds, this.#sessions);
  }

  port(meter: string): Port {
    return this.#ports.port(meter);
  }

  /** Does what a person at the bench does; unplugging also loses the port's open stream. */
  command(command: BenchCommand): void {
    if (command.verb === "unplug") this.#ports.unplug(command.meter);
    this.bench.apply(command);
    if (command.verb === "plug") this.#ports.plug(command.meter);
  }

  /** Lets `ms` of bench and clock time pass in steps of 1 ms: boards, then their bytes, then timers and promises. */
  async advance(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) {
      const stepMs = Math.min(STEP_MS, leftMs);
      this.bench.advanceUs(stepMs * US_PER_MS);
      for (const { meter, session, bytes, takenBytes } of this.#sessions.collect()) {
        this.#ports.deliver(meter, session, bytes, takenBytes);
      }
      await this.#clock.advance(stepMs);
    }
  }

  /** Advances until `condition` holds. @throws Error when it does not within `limitMs` */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<void> {
    for (let passedMs = 0; !condition(); passedMs += STEP_MS) {
      if (passedMs >= limitMs)
        throw new Error(`the condition did not come true within ${limitMs} ms of bench time`);
      await this.advance(STEP_MS);
    }
  }

  /** Closes every stream that is open. */
  async close(): Promise<void> {
    await this.#ports.closeAll();
  }
}
