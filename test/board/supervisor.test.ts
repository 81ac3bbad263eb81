import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BoardSession, BoardSupervisor } from "../../rig/board/supervisor.js";
import type { BoardEvent, RigEvent } from "../../rig/core/events.js";
import { FakeFirmata, type FakeFirmataOptions } from "../support/fake-firmata.js";
import { ManualClock } from "../support/manual-clock.js";

let clock: ManualClock;
let firmware: FakeFirmata;
let supervisor: BoardSupervisor;
let events: BoardEvent[];
let sessions: BoardSession[];
let lost: string[];
let samples: [number, number, number][];

function build(options: FakeFirmataOptions = {}, channels = [0]): void {
  clock = new ManualClock();
  firmware = new FakeFirmata(clock, options);
  events = [];
  sessions = [];
  lost = [];
  samples = [];
  supervisor = new BoardSupervisor({
    meter: "main",
    port: firmware,
    channels,
    clock,
    emit: (event: RigEvent) => event.event === "board" && events.push(event),
    onReady: (session) => {
      sessions.push(session);
      session.pins.setMode(9, "pullup");
    },
    onLost: (reason) => lost.push(reason),
    onSample: (...sample) => samples.push(sample),
  });
}

const states = () => events.map((event) => event.state);

beforeEach(() => build());
afterEach(async () => {
  await supervisor.stop();
  firmware.dispose();
  expect(clock.armedTimers).toBe(0);
});

describe("BoardSupervisor", () => {
  it("goes from connecting to ready and then hands on 1000 samples a second", async () => {
    supervisor.start();
    await clock.advance(4000);
    expect(events).toMatchObject([
      { state: "connecting", firmware: null, port: "fake:uno" },
      { state: "ready", firmware: "StandardFirmata 2.5", counters: { resets: 0, discardedBytes: 0 } },
    ]);
    expect(sessions).toMatchObject([
      { samplingIntervalMs: 1, firmware: { name: "StandardFirmata", major: 2, minor: 5 } },
    ]);
    const before = samples.length;
    await clock.advance(1000);
    expect(samples.length - before).toBe(1000);
  });

  it("samples two channels at 333.3 Hz each, A0 before A1", async () => {
    build({ adc: (channel, index) => (index % 500) * 2 + channel }, [0, 1]);
    supervisor.start();
    await clock.advance(4000);
    const before = samples.length;
    await clock.advance(3000);
    const taken = samples.slice(before);
    expect(taken).toHaveLength(2000);
    for (let k = 0; k < taken.length; k += 2) {
      expect([taken[k]?.[0], taken[k + 1]?.[0]]).toEqual([0, 1]);
      expect((taken[k + 1]?.[1] ?? 0) - (taken[k]?.[1] ?? 0)).toBe(1);
    }
  });

  it("takes 11 ms and warns with firmware 2.4", async () => {
    build({ minor: 4, bootMs: 1876 });
    supervisor.start();
    await clock.advance(4000);
    expect(firmware.intervalMs).toBe(11);
    expect(sessions[0]?.samplingIntervalMs).toBe(11);
    expect(events.at(-1)?.detail).toContain("11 ms");
  });

  it("says the same cause once while it retries after 0.5, 1, 2, 4, 5 and 5 s", async () => {
    firmware.plugged = false;
    const attempts: number[] = [];
    const open = firmware.open.bind(firmware);
    firmware.open = (signal) => {
      attempts.push(clock.steadyMs());
      return open(signal);
    };
    supervisor.start();
    await clock.advance(18_000);
    expect(attempts).toEqual([0, 500, 1500, 3500, 7500, 12_500, 17_500]);
    expect(states()).toEqual(["connecting", "lost"]);
    expect(events.at(-1)?.detail).toBe("there is no port fake:uno");
    expect(lost).toEqual([]);
    firmware.plug();
    await clock.advance(8000);
    expect(states()).toEqual(["connecting", "lost", "ready"]);
  });

  it("notices a pulled cable at once, and is back when it is plugged in, 50 times in a row", async () => {
    build({ bootMs: 10 });
    supervisor.start();
    await clock.advance(1500);
    for (let k = 1; k <= 50; k += 1) {
      firmware.unplug();
      await clock.advance(0);
      expect(states().at(-1)).toBe("lost");
      await clock.advance(400);
      firmware.plug();
      await clock.advance(1000);
      expect(states().at(-1)).toBe("ready");
      expect([sessions.length, lost.length]).toEqual([k + 1, k]);
    }
    const before = samples.length;
    await clock.advance(1000);
    expect(samples.length - before).toBe(1000);
  });

  it("asks a silent board, keeps it while it answers, and sends nothing while samples prove life", async () => {
    build({}, []);
    supervisor.start();
    await clock.advance(2500);
    firmware.received.length = 0;
    await clock.advance(20_000);
    expect(states()).toEqual(["connecting", "ready"]);
    expect(firmware.received.every((byte) => byte === 0xf9)).toBe(true);
    expect(firmware.received.length).toBeGreaterThanOrEqual(8);
    await supervisor.stop();
    firmware.dispose();

    build();
    supervisor.start();
    await clock.advance(4000);
    firmware.received.length = 0;
    await clock.advance(20_000);
    expect(firmware.received).toEqual([]);
  });

  it("gives up a frozen board after 3.5 to 4 s of silence and opens its port anew", async () => {
    supervisor.start();
    await clock.advance(4000);
    firmware.frozen = true;
    await clock.advance(3400);
    expect(states().at(-1)).toBe("ready");
    await clock.advance(600);
    expect(events.at(-1)).toMatchObject({ state: "lost" });
    expect(lost[0]).toContain("3500 ms");
    firmware.frozen = false;
    await clock.advance(4000);
    expect(states().at(-1)).toBe("ready");
    expect(firmware.opened).toBe(2);
  });

  it("sets up a board anew that was reset, boot of 3.2 s, on the same stream, and counts it", async () => {
    build({ bootMs: 3200 });
    supervisor.start();
    await clock.advance(5000);
    firmware.reset();
    await clock.advance(3300);
    expect(firmware.opened).toBe(1);
    expect(events.at(-1)).toMatchObject({ state: "ready", counters: { resets: 1 } });
    expect(events.at(-1)?.detail).toContain("reset");
    expect([sessions.length, lost.length]).toEqual([2, 1]);
    expect(firmware.modes[9]).toBe(0x0b);
    await clock.advance(1000);
    const before = samples.length;
    await clock.advance(1000);
    expect([firmware.intervalMs, samples.length - before]).toEqual([1, 1000]);
  });

  it("does not take the answer to its own question for a reset", async () => {
    build({}, []);
    supervisor.start();
    await clock.advance(30_000);
    expect(events.at(-1)?.counters?.resets).toBe(0);
    expect(sessions).toHaveLength(1);
  });

  it("sets up a board anew that answers but has stopped sampling, and gives it up after three times", async () => {
    supervisor.start();
    await clock.advance(4000);
    firmware.mute = true;
    await clock.advance(3000);
    expect(sessions).toHaveLength(2);
    firmware.mute = false;
    await clock.advance(3000);
    expect(sessions).toHaveLength(2);
    expect(events.at(-1)?.counters?.resets).toBe(0);
    firmware.mute = true;
    await clock.advance(14_000);
    expect(lost.at(-1)).toContain("no samples");
  });

  it("survives garbage while it samples, counts it, and loses no sample that came whole", async () => {
    supervisor.start();
    await clock.advance(4000);
    const before = samples.length;
    for (let k = 0; k < 10; k += 1) {
      await clock.advance(100);
      firmware.send([0xf0, 0x79, 0xf7, 0xe0, 0x7f, 0x7f, 0x33, 0xff, 0xf0, 0x6a, 1, 2, 0xf7]);
    }
    await clock.advance(0);
    expect(samples.length - before).toBe(1000);
    firmware.unplug();
    await clock.advance(0);
    expect(events.at(-1)?.counters).toEqual({ discardedBytes: 130, refusedMessages: 30, resets: 0 });
  });

  it("does not blame the board for a host that slept 30 s", async () => {
    supervisor.start();
    await clock.advance(4000);
    const advanceClock = clock.steadyMs.bind(clock);
    clock.steadyMs = () => advanceClock() + 30_000;
    firmware.mute = true;
    await clock.advance(600);
    firmware.mute = false;
    await clock.advance(3000);
    expect(states()).toEqual(["connecting", "ready"]);
  });

  it("stops while it is connecting, waiting and ready, and closes the port each time", async () => {
    for (const stopAtMs of [1000, 2700]) {
      build();
      supervisor.start();
      await clock.advance(stopAtMs);
      await supervisor.stop();
      expect(lost).toEqual([]);
      await firmware.open();
      firmware.dispose();
      expect(clock.armedTimers).toBe(0);
    }
    build();
    firmware.plugged = false;
    supervisor.start();
    await clock.advance(100);
  });
});
