/** The driver on the virtual SIM900, stepped, with an echo server on loopback: opens, carries, recovers from each fault. */
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configSchema, type ModemConfig } from "../../rig/core/config.js";
import type { ModemEvent, RigEvent } from "../../rig/core/events.js";
import { Modem } from "../../rig/modem/modem.js";
import { MODEM_FAULTS, type ModemCommand, type ModemFault } from "../../rig/virtual/modem-command.js";
import { VirtualModem } from "../../rig/virtual/virtual-modem.js";
import { ManualClock } from "../support/manual-clock.js";
import { SeededRandom } from "../support/seeded-random.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const STEP_MS = 10;

class Bench {
  readonly clock: ManualClock;
  readonly events: RigEvent[] = [];
  readonly modem: Modem;
  readonly virtual: VirtualModem;
  readonly abort = new AbortController();
  socket: Duplex | null = null;
  /** Everything the echo server has sent back on the present socket. */
  echoed = "";
  readonly peer: { host: string; port: number };

  /** @param options.after the bench whose modem is taken over as it was left */
  constructor(
    server: Server,
    options: { modem?: Partial<ModemConfig>; readPin?: () => string; trace?: boolean; after?: Bench } = {},
  ) {
    const clock = options.after?.clock ?? new ManualClock(Date.UTC(2026, 5, 1));
    this.clock = clock;
    this.peer = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
    const emit = (event: RigEvent) => {
      this.events.push(event);
    };
    this.virtual =
      options.after?.virtual ??
      new VirtualModem({ clock, seed: 1, baudBps: 9600, emit, mayReach: () => true });
    const { modem: config } = configSchema.parse({
      meters: [{ id: "unused" }],
      modem: { port: "virtual", apn: "airtelgprs.com", ...options.modem },
    });
    const random = new SeededRandom(1);
    this.modem = new Modem({
      ...{ line: this.virtual.line, config: config as ModemConfig, readPin: options.readPin ?? (() => null) },
      ...{ dataDirectory: temporaryDirectory(), secrets: [], powerKey: null, clock, emit },
      ...{ random: () => random.next(), trace: options.trace ?? false },
    });
    this.modem.start();
  }

  get states(): string[] {
    return this.events.flatMap((event) => (event.event === "modem" ? [event.state] : []));
  }

  get last(): ModemEvent {
    return this.events.filter((event) => event.event === "modem").at(-1) as ModemEvent;
  }

  /** In steps, so that the sockets of loopback can follow. */
  async pass(forMs: number, stepMs = STEP_MS): Promise<void> {
    const endMs = this.clock.steadyMs() + forMs;
    while (this.clock.steadyMs() < endMs) await this.clock.advance(stepMs);
  }

  async until(what: string, condition: () => boolean, limitMs: number): Promise<number> {
    const fromMs = this.clock.steadyMs();
    while (!condition()) {
      if (this.clock.steadyMs() - fromMs >= limitMs) {
        throw new Error(
          `not within ${limitMs} ms: ${what}; ${JSON.stringify(this.events.slice(-8), null, 1)}`,
        );
      }
      await this.clock.advance(STEP_MS);
    }
    return this.clock.steadyMs() - fromMs;
  }

  /** A socket that is opened anew whenever it has closed. */
  keepOpen(): void {
    this.modem.openSocket(this.peer, this.abort.signal).then(
      (socket) => {
        this.socket = socket;
        this.echoed = "";
        socket.on("data", (bytes: Buffer) => {
          this.echoed += bytes.toString("latin1");
        });
        socket.on("error", () => undefined);
        socket.on("close", () => {
          if (this.socket === socket) this.socket = null;
          if (!this.abort.signal.aborted) this.keepOpen();
        });
      },
      () => undefined,
    );
  }

  /** Sends a text until it comes back, on whatever socket there is. @returns how long that took [ms] */
  async echo(text: string, limitMs: number): Promise<number> {
    let tried: Duplex | null = null;
    let triedMs = 0;
    return await this.until(
      `the echo of ${text}`,
      () => {
        const { socket } = this;
        if (socket !== null && socket !== tried) {
          tried = socket;
          triedMs = this.clock.steadyMs();
          socket.write(text);
        } else if (socket !== null && this.clock.steadyMs() - triedMs > 20_000) {
          // As the uplink does when an acknowledgement stays away.
          socket.destroy();
          tried = null;
          triedMs = this.clock.steadyMs();
          this.socket = null;
        }
        return this.echoed.includes(text);
      },
      limitMs,
    );
  }

  async stop(): Promise<void> {
    this.abort.abort(new Error("the test is over"));
    let stopped = false;
    const stopping = this.modem.stop().then(() => {
      stopped = true;
    });
    await this.until("the stop", () => stopped, 12_000);
    await stopping;
    await this.virtual.stop();
    expect(this.clock.armedTimers).toBe(0);
  }
}

describe("the modem's driver on the virtual SIM900", () => {
  const sockets = new Set<Socket>();
  let server: Server;
  let bench: Bench;

  beforeEach(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    await bench.stop();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await new Promise((resolve) => server.close(resolve));
  });

  it("opens a socket and carries bytes both ways", async () => {
    bench = new Bench(server);
    bench.keepOpen();
    await bench.until("online", () => bench.states.includes("online"), 60_000);
    const tookMs = await bench.echo("hello", 10_000);
    expect(tookMs).toBeLessThan(5000);
  });

  it("says each step of the bring-up once, and nothing of the time before the network has told it", async () => {
    bench = new Bench(server);
    bench.keepOpen();
    await bench.until("online", () => bench.states.includes("online"), 60_000);
    bench.virtual.command({ verb: "fault", what: "modem", name: "brown-out" });
    await bench.until("recovering", () => bench.states.includes("recovering"), 30_000);
    await bench.until("online again", () => bench.last.state === "online", 120_000);
    const steps = bench.events.flatMap((event) =>
      event.event === "modem" ? [`${event.state}: ${event.detail}`] : [],
    );
    expect(steps.filter((step, index) => step === steps[index - 1])).toEqual([]);
    expect(steps.some((step) => step.startsWith("searching"))).toBe(true);
    expect(bench.events.flatMap((event) => (event.event === "clock" ? [event.state] : []))).not.toContain(
      "unknown",
    );
  });

  it("says what is wrong with a peer that cannot be asked for", async () => {
    bench = new Bench(server);
    const refused = bench.modem.openSocket({ host: 'a"b', port: 1883 }, bench.abort.signal);
    await expect(refused).rejects.toBeInstanceOf(RangeError);
    await bench.until("the context", () => bench.last.detail.startsWith("the context is up"), 60_000);
    expect(bench.last.detail).not.toContain("wanted");
    expect(bench.last.detail).toMatch(/host/);
  });

  /** Connects, lets a fault happen in the middle of a write, takes it back after two minutes and waits for the way to be free. */
  async function suffer(...commands: readonly ModemCommand[]): Promise<number> {
    bench = new Bench(server);
    bench.keepOpen();
    await bench.echo("before", 60_000);
    for (const command of commands) bench.virtual.command(command);
    bench.socket?.write("meanwhile");
    await bench.pass(120_000);
    bench.virtual.command({ verb: "fault", what: "modem", name: "none" });
    return await bench.echo("after", 1_200_000);
  }
  const fault = (name: ModemFault): ModemCommand => ({ verb: "fault", what: "modem", name });
  const FAULTS = Object.keys(MODEM_FAULTS) as ModemFault[];
  const PASSING = FAULTS.filter((name) => !MODEM_FAULTS[name].lasts);
  /** What is told of each that lasts and that the modem itself tells of. */
  const LASTING = {
    "no-sim": /no SIM that it can use/,
    pin: /wants its PIN/,
    "wrong-apn": /check modem\.apn, which is "airtelgprs\.com"/,
    "ciicr-fails": /gives no PDP context/,
    "connect-fail": /no connection to 127\.0\.0\.1:\d+: .*CONNECT FAIL.*check that the broker runs/,
  } as const;

  it("knows every fault that lasts", () => {
    bench = new Bench(server);
    const lasting = FAULTS.filter((name) => MODEM_FAULTS[name].lasts);
    expect([...Object.keys(LASTING), "blackhole"].sort()).toEqual(lasting.sort());
  });

  it.each(PASSING)("is back within two minutes of %s", async (name) => {
    expect(await suffer(fault(name))).toBeLessThan(10_000);
    expect(bench.last).toMatchObject({ state: "online" });
  });

  it.each(Object.entries(LASTING))(
    "tells of %s, and is back within 10 minutes of its end",
    async (name, told) => {
      expect(await suffer(fault(name as ModemFault), fault("pdp-deact"))).toBeLessThan(600_000);
      const details = bench.events.flatMap((event) => (event.event === "modem" ? [event.detail] : []));
      expect(details.join("\n")).toMatch(told);
    },
  );

  it("is back when the SIM900 is no longer deaf after a blackhole, which it is for 645 s", async () => {
    expect(await suffer(fault("blackhole"))).toBeLessThan(600_000);
  });

  it("counts a restart that nobody asked for, and names the supply", async () => {
    await suffer(fault("brown-out"));
    expect(bench.last.counters?.brownOuts).toBe(1);
    const said = bench.events.find((event) => event.event === "modem" && event.state === "recovering");
    expect(said).toMatchObject({ detail: expect.stringMatching(/2 A.*1000 uF/) });
    expect(said).not.toHaveProperty("rung");
  });

  it("neither climbs nor hammers while there is no network for an hour, and is back within 30 s", async () => {
    bench = new Bench(server, { trace: true });
    bench.keepOpen();
    await bench.echo("before", 60_000);
    bench.virtual.command({ verb: "network", up: false });
    await bench.pass(3_600_000, 100);
    const commands = bench.events.flatMap((event) =>
      event.event === "at" && event.kind === "command" ? [event.text] : [],
    );
    expect(commands.filter((command) => command.startsWith("AT+CFUN"))).toEqual([]);
    // Four short commands every 5 s.
    expect(commands.length).toBeLessThan(3600);
    bench.virtual.command({ verb: "network", up: true });
    expect(await bench.echo("after", 60_000)).toBeLessThan(30_000);
    expect(bench.last.counters?.brownOuts).toBe(0);
  });

  it("finds a modem that was switched off and on again, and does not repeat itself meanwhile", async () => {
    bench = new Bench(server);
    bench.keepOpen();
    await bench.echo("before", 60_000);
    bench.virtual.command({ verb: "modem", on: false });
    await bench.until("no answer", () => bench.last.state === "no-answer", 120_000);
    await bench.pass(120_000);
    const told = bench.events.filter((event) => event.event === "modem" && event.state === "no-answer");
    expect(told.length).toBeLessThanOrEqual(2);
    bench.virtual.command({ verb: "modem", on: true });
    expect(await bench.echo("after", 120_000)).toBeLessThan(60_000);
  });

  it.each([50, 150, 400])(
    "recovers a modem whose program was killed %i ms into a CIPSEND",
    async (killedAfterMs) => {
      bench = new Bench(server);
      await bench.modem.stop();
      const raw = await bench.virtual.line.open(9600);
      raw.on("data", () => undefined);
      const type = async (text: string, forMs: number) => {
        raw.write(Buffer.from(text, "latin1"));
        await bench.pass(forMs);
      };
      await type('AT+CSTT="airtelgprs.com","",""\r', 1000);
      await type("AT+CIICR\r", 4000);
      await type("AT+CIFSR\r", 1000);
      await type(`AT+CIPSTART="TCP","127.0.0.1",${bench.peer.port}\r`, 8000);
      await type("AT+CIPSEND=1000\r", 500);
      await type("x".repeat(Math.round(killedAfterMs * 0.96)), killedAfterMs);
      raw.destroy();
      await bench.pass(100);
      bench = new Bench(server, { after: bench });
      bench.keepOpen();
      expect(await bench.echo("again", 60_000)).toBeLessThan(30_000);
    },
  );

  it("leaves the line alone in manual mode, and takes it back in auto", async () => {
    bench = new Bench(server);
    bench.keepOpen();
    await bench.echo("before", 60_000);
    bench.modem.setMode("manual");
    await bench.until("manual", () => bench.last.state === "manual", 10_000);
    const other = await bench.virtual.line.open(9600);
    await bench.pass(60_000);
    expect(bench.last.state).toBe("manual");
    other.destroy();
    await bench.pass(100);
    bench.modem.setMode("auto");
    expect(await bench.echo("after", 60_000)).toBeLessThan(15_000);
  });

  it("sends a message beside the open connection, and receives one", async () => {
    bench = new Bench(server);
    bench.keepOpen();
    await bench.echo("before", 60_000);
    let sent = false;
    void bench.modem.sendSms("+4915112345678", "route barred", bench.abort.signal).then(() => {
      sent = true;
    });
    await bench.until("sent", () => sent, 60_000);
    bench.virtual.command({ verb: "sms", number: "+4915112345678", text: "status?" });
    const received = () =>
      bench.events.some((event) => event.event === "sms" && event.direction === "received");
    await bench.until("received", received, 30_000);
    await bench.echo("after", 10_000);
    expect(bench.states.filter((state) => state === "recovering")).toEqual([]);
  });

  it("enters the PIN of its file after a restart, and shows it nowhere", async () => {
    const pinFile = path.join(temporaryDirectory(), "pin");
    writeFileSync(pinFile, "1234\n");
    bench = new Bench(server, {
      modem: { pinFile },
      readPin: () => readFileSync(pinFile, "utf8").trim(),
      trace: true,
    });
    bench.keepOpen();
    await bench.echo("before", 60_000);
    bench.virtual.command(fault("pin"));
    await bench.until("offline", () => bench.last.state !== "online", 30_000);
    expect(await bench.echo("after", 120_000)).toBeLessThan(60_000);
    expect(bench.events).toContainEqual(expect.objectContaining({ event: "at", text: "AT+CPIN=****" }));
    expect(JSON.stringify(bench.events)).not.toContain("1234");
  });

  it("stops within 12 s and leaves no timer, wherever it is", async () => {
    for (const afterMs of [0, 50, 400, 1000, 2500, 4000, 9000, 40_000]) {
      bench = new Bench(server);
      bench.keepOpen();
      await bench.pass(afterMs);
      await bench.stop();
      expect(bench.last.state, `after ${afterMs} ms`).toBe("stopped");
    }
    bench = new Bench(server);
  });

  it("rejects a request that waits at the stop, one that is given up, and one for a peer that cannot be asked for", async () => {
    bench = new Bench(server);
    const never = new AbortController().signal;
    const stopped = expect(bench.modem.openSocket(bench.peer, never)).rejects.toMatchObject({
      code: "modem/stopped",
    });
    await expect(bench.modem.openSocket({ host: 'a"b', port: 1883 }, never)).rejects.toBeInstanceOf(
      RangeError,
    );
    const abort = new AbortController();
    const givenUp = expect(bench.modem.openSocket(bench.peer, abort.signal)).rejects.toThrow("enough");
    abort.abort(new Error("enough"));
    await givenUp;
    await bench.stop();
    await stopped;
  });
});
