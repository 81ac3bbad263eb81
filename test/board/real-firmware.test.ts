/** The supervisor on the real StandardFirmata: what the fake firmware of the other tests takes from documents is true of it. */
import { createRequire } from "node:module";
import path from "node:path";
import { afterEach, expect, it } from "vitest";
import { type BoardSession, BoardSupervisor } from "../../rig/board/supervisor.js";
import { configSchema } from "../../rig/core/config.js";
import type { BoardEvent, RigEvent } from "../../rig/core/events.js";
import { ManualClock } from "../support/manual-clock.js";
import { SteppedBench } from "../support/stepped-bench.js";

let cleanUp: () => Promise<void> = async () => undefined;
afterEach(() => cleanUp());

function start(channels: number[], firmware?: string) {
  const virtual = firmware === undefined ? {} : { firmware };
  const config = configSchema.parse({ site: "lab", meters: [{ id: "main" }], virtual });
  const clock = new ManualClock();
  const bench = new SteppedBench(config, clock);
  const events: BoardEvent[] = [];
  const sessions: BoardSession[] = [];
  const samples: { channel: number; counts: number }[] = [];
  const busLevels: number[] = [];
  const supervisor = new BoardSupervisor({
    meter: "main",
    port: bench.port("main"),
    channels,
    clock,
    emit: (event: RigEvent) => event.event === "board" && events.push(event),
    onReady: (session) => {
      sessions.push(session);
      session.pins.setMode(8, "output");
      session.pins.setMode(9, "pullup");
      session.pins.onInput(9, (level) => busLevels.push(level));
      session.pins.writePort(1, 1, 1);
    },
    onLost: () => undefined,
    onSample: (channel, counts) => samples.push({ channel, counts }),
  });
  supervisor.start();
  cleanUp = async () => {
    await supervisor.stop();
    await bench.close();
    expect(clock.armedTimers).toBe(0);
  };
  return { bench, events, sessions, samples, busLevels };
}

/** Emulating a second of an UNO takes a slow machine two [ms]. */
const TEST_LIMIT_MS = 60_000;

it("samples A0 of StandardFirmata 2.5 at 1000 Hz while its bus loop follows", {
  timeout: TEST_LIMIT_MS,
}, async () => {
  const { bench, events, sessions, samples, busLevels } = start([0]);
  await bench.advance(3000);
  expect(events.at(-1)).toMatchObject({ state: "ready", firmware: "StandardFirmata 2.5" });
  const before = samples.length;
  // D8 drives D9 through the loop.
  sessions[0]?.pins.writePort(1, 1, 0);
  await bench.advance(250);
  expect(busLevels.at(-1)).toBe(0);
  sessions[0]?.pins.writePort(1, 1, 1);
  await bench.advance(250);
  expect(busLevels.at(-1)).toBe(1);
  expect(Math.abs(samples.length - before - 500)).toBeLessThanOrEqual(1);
});

it("samples A0 and A1 in turn at 333.3 Hz each, also after a reset", { timeout: TEST_LIMIT_MS }, async () => {
  const { bench, events, sessions, samples } = start([0, 1]);
  await bench.advance(2500);
  expect(events.at(-1)?.state).toBe("ready");
  bench.command({ verb: "reset", meter: "main" });
  await bench.advance(3000);
  expect(events.at(-1)).toMatchObject({
    state: "ready",
    counters: { discardedBytes: 0, refusedMessages: 0, resets: 1 },
  });
  expect(sessions).toHaveLength(2);
  const before = samples.length;
  await bench.advance(600);
  expect(Math.abs(samples.length - before - 400)).toBeLessThanOrEqual(2);
  expect(samples.every(({ channel }, at) => channel === at % 2)).toBe(true);
});

it("samples StandardFirmata 2.4 at 11 ms; its pull-up holds an open input HIGH", {
  timeout: TEST_LIMIT_MS,
}, async () => {
  const packageFile = createRequire(import.meta.url).resolve("avrgirl-arduino/package.json");
  const hex = path.join(path.dirname(packageFile), "junk/hex/uno/StandardFirmata.cpp.hex");
  const { bench, events, sessions, samples, busLevels } = start([0], hex);
  await bench.advance(2900);
  expect(events.at(-1)).toMatchObject({ state: "ready", firmware: "StandardFirmata 2.4" });
  expect(events.at(-1)?.detail).toContain("11 ms");
  const before = samples.length;
  await bench.advance(550);
  expect(Math.abs(samples.length - before - 50)).toBeLessThanOrEqual(1);
  bench.command({ verb: "cut", what: "bus", meter: "main" });
  sessions[0]?.pins.writePort(1, 1, 0);
  await bench.advance(50);
  expect(busLevels.at(-1)).toBe(1);
});
