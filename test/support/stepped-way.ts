/**
 * The whole way of a report but for its boards, in stepped time: journal -> router -> uplink -> driver -> virtual SIM900 at its
 * baud rate -> real TCP on loopback -> real broker -> intake -> store, with real files. A report that is made carries the time of its making.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Alerts } from "../../rig/centre/alerts.js";
import { BROKER_USER, type Broker, startBroker } from "../../rig/centre/broker.js";
import { Intake } from "../../rig/centre/intake.js";
import { Store } from "../../rig/centre/store.js";
import { sleep } from "../../rig/core/clock.js";
import { configSchema, type ModemConfig } from "../../rig/core/config.js";
import type { ReceivedEvent, RigEvent } from "../../rig/core/events.js";
import { Modem } from "../../rig/modem/modem.js";
import { Journal } from "../../rig/route/journal.js";
import { Router } from "../../rig/route/router.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { Opener } from "../../rig/seal/opener.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { MqttUplink } from "../../rig/uplink/mqtt-uplink.js";
import type { ModemCommand } from "../../rig/virtual/modem-command.js";
import { VirtualModem } from "../../rig/virtual/virtual-modem.js";
import { ManualClock } from "./manual-clock.js";
import { lampReport } from "./reports.js";
import { SeededRandom } from "./seeded-random.js";

const SITE = "lab-1";
const BAUD_BPS = 9600;
const PASSWORD = "of the stepped way";
/** A turn of bench time: short beside everything on the wire, long enough for the sockets of loopback to follow [ms]. */
const STEP_MS = 10;

export interface SteppedWayOptions {
  readonly seed: number;
  readonly meters: readonly string[];
  /** report.every of the configuration, for what counts as delayed [ms]. */
  readonly reportEveryMs: number;
  /** AT trace as `at` events. */
  readonly trace?: boolean;
  /** Of the SIM, in a file as it should be. */
  readonly pin?: string;
  /** Whether the driver can press the modem's power key. */
  readonly powerKey?: boolean;
}

export class SteppedWay {
  readonly clock = new ManualClock(Date.UTC(2026, 5, 1));
  readonly events: { readonly atMs: number; readonly event: RigEvent }[] = [];
  readonly modem: Modem;
  readonly intake: Intake;
  readonly store: Store;
  /** Of each meter, when its reports were made by sequence [ms since 1970]. */
  readonly made: ReadonlyMap<string, Map<number, number>>;
  readonly #virtualModem: VirtualModem;
  readonly #directory: string;
  readonly #broker: Broker;
  readonly #alerts: Alerts;
  readonly #journals: readonly Journal[];
  readonly #sealers: ReadonlyMap<string, Sealer>;
  readonly #uplink: MqttUplink;
  readonly #router: Router;

  /** Everything is started, at time 0. */
  static async start(options: SteppedWayOptions): Promise<SteppedWay> {
    const directory = mkdtempSync(path.join(os.tmpdir(), "meter-rig-way-"));
    makeMissingKeys(directory, options.meters);
    let way: SteppedWay | null = null;
    const broker = await startBroker({
      host: "127.0.0.1",
      port: 0,
      site: SITE,
      meters: options.meters,
      password: PASSWORD,
      accept: (topic, payload) => {
        way?.intake.accept(topic, payload);
      },
    });
    way = new SteppedWay(options, directory, broker);
    return way;
  }

  private constructor(options: SteppedWayOptions, directory: string, broker: Broker) {
    const { clock } = this;
    const { seed, meters, reportEveryMs, trace = false } = options;
    const pinFile = path.join(directory, "sim.pin");
    if (options.pin !== undefined) writeFileSync(pinFile, `${options.pin}\n`, { mode: 0o600 });
    this.#directory = directory;
    this.#broker = broker;
    const emit = (event: RigEvent) => {
      this.events.push({ atMs: clock.steadyMs(), event });
    };
    const { store } = Store.open(directory);
    this.store = store;
    this.#alerts = new Alerts(clock, emit);
    const openers = meters.map((meter) => Opener.forMeter(directory, meter));
    const alerts = this.#alerts;
    this.intake = new Intake({ site: SITE, openers, store, reportEveryMs, clock, emit, alerts });
    this.made = new Map(meters.map((meter) => [meter, new Map()]));
    this.#sealers = new Map(meters.map((meter) => [meter, Sealer.open(directory, meter).sealer]));
    this.#journals = meters.map((meter) => Journal.open(directory, meter).journal);

    this.#virtualModem = new VirtualModem({
      clock,
      seed,
      baudBps: BAUD_BPS,
      emit,
      mayReach: (host) => host === "127.0.0.1",
    });
    const { modem: config } = configSchema.parse({
      meters: [{ id: "unused" }],
      modem: {
        port: "virtual",
        baud: BAUD_BPS,
        apn: "airtelgprs.com",
        ...(options.pin === undefined ? {} : { pinFile }),
      },
    });
    const random = new SeededRandom(seed);
    this.modem = new Modem({
      line: this.#virtualModem.line,
      config: config as ModemConfig,
      readPin: () => options.pin ?? null,
      dataDirectory: directory,
      secrets: [PASSWORD],
      powerKey: options.powerKey === true ? { press: (forMs, signal) => this.#press(forMs, signal) } : null,
      clock,
      random: () => random.next(),
      emit,
      trace,
    });
    const peer = { host: broker.host, port: broker.port };
    this.#uplink = new MqttUplink({
      site: SITE,
      meters,
      broker: "the broker",
      openStream: (signal) => this.modem.openSocket(peer, signal),
      openStreamWaits: true,
      username: BROKER_USER,
      password: PASSWORD,
      clock,
      random: () => random.next(),
      emit,
    });
    const legs = meters.map((meter, index) => ({
      meter,
      journal: this.#journals[index]!,
      carrier: this.#uplink,
    }));
    this.#router = new Router(legs, { clock, emit });
    this.modem.start();
    this.#uplink.start();
    this.#router.start();
  }

  /** Time since the start [ms]. */
  get timeMs(): number {
    return this.clock.steadyMs();
  }

  get waiting(): number {
    return this.#journals.reduce((all, journal) => all + journal.waiting, 0);
  }

  command(command: ModemCommand): void {
    this.#virtualModem.command(command);
  }

  /** A report of the meter is made now and kept in its journal. */
  report(meter: string): number {
    const endMs = this.clock.nowMs();
    const sequence = this.#router.submit(meter, (next) =>
      this.#sealers.get(meter)!.seal(lampReport({ sequence: next, endMs, lengthMs: 1999 })),
    );
    this.made.get(meter)!.set(sequence, endMs);
    return sequence;
  }

  received(meter: string): ReceivedEvent[] {
    return this.events.flatMap(({ event }) =>
      event.event === "received" && event.meter === meter ? [event] : [],
    );
  }

  async #press(forMs: number, signal: AbortSignal): Promise<void> {
    this.#virtualModem.powerKey(true);
    try {
      await sleep(this.clock, forMs, signal);
    } finally {
      this.#virtualModem.powerKey(false);
    }
  }

  async advance(byMs: number): Promise<void> {
    const endMs = this.timeMs + byMs;
    while (this.timeMs < endMs) await this.clock.advance(Math.min(STEP_MS, endMs - this.timeMs));
  }

  /** @returns how long it took [ms]. @throws Error with the newest events when `condition` does not come true within `limitMs` */
  async advanceUntil(what: string, condition: () => boolean, limitMs: number): Promise<number> {
    const fromMs = this.timeMs;
    while (!condition()) {
      if (this.timeMs - fromMs >= limitMs) {
        const newest = this.events.slice(-12).map(({ atMs, event }) => `${atMs} ${JSON.stringify(event)}`);
        throw new Error(`not within ${limitMs} ms: ${what}; ${this.waiting} wait\n${newest.join("\n")}`);
      }
      await this.advance(STEP_MS);
    }
    return this.timeMs - fromMs;
  }

  /** Stops as the program does. @throws Error when it takes more than 30 s, or leaves a timer */
  async stop(): Promise<void> {
    let stopped = false;
    const stopping = (async () => {
      await this.#router.stop();
      await this.#uplink.stop();
      await this.modem.stop();
      await this.#virtualModem.stop();
      this.#alerts.stop();
      await this.#broker.stop();
      stopped = true;
    })();
    await Promise.race([stopping, this.advanceUntil("everything stopped", () => stopped, 30_000)]);
    await stopping;
    if (this.clock.armedTimers > 0)
      throw new Error(`${this.clock.armedTimers} timers are left after the stop`);
  }

  /** Removes the files; for the very end, whatever happened before. */
  dispose(): void {
    for (const journal of this.#journals) journal.close();
    this.store.close();
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }
}
