import { describe, expect, test } from "vitest";
import { BoardPowerKey } from "../../rig/apps/power-key.js";
import { BoardSupervisor } from "../../rig/board/supervisor.js";
import { configSchema } from "../../rig/core/config.js";
import { VirtualBench } from "../../rig/virtual/bench.js";
import { loadFirmware } from "../../rig/virtual/boards/firmware.js";
import { watchPowerKey } from "../../rig/virtual/power-key-watch.js";
import { ManualClock } from "../support/manual-clock.js";
import { SteppedBench } from "../support/stepped-bench.js";
import { concat, pinMode, writePort } from "./firmata-bytes.js";

const program = loadFirmware(undefined);
const MAIN = "main";
const BOOT_US = 2_300_000;
/** A3 is Firmata's pin 17: bit 1 of port 2. */
const A3_PIN = 17;
const A3 = 0b10;
/** A message of 3 bytes takes 0.52 ms at 57 600 baud; the firmware looks at its serial line between two samplings. */
const LATENCY_MS = 3;

function configWith(powerKey: object | undefined) {
  return configSchema.parse({
    meters: [{ id: MAIN }],
    modem: { port: "virtual", ...(powerKey === undefined ? {} : { powerKey }) },
  });
}

/** Booted, with what the key did since and when [ms since the boot]. */
function bootWatched() {
  const config = configWith({ meter: MAIN, pin: "A3" });
  const bench = new VirtualBench(config, program);
  const seen: [pressed: boolean, atMs: number][] = [];
  watchPowerKey(bench, config, (pressed) => seen.push([pressed, (bench.timeUs - BOOT_US) / 1000]));
  bench.advanceUs(BOOT_US);
  return { bench, seen };
}

describe("the power key of the virtual bench", () => {
  test("is pressed for the 1.2 s that Firmata drives its pin HIGH, and not by booting or by becoming an output", () => {
    const { bench, seen } = bootWatched();
    bench.send(MAIN, pinMode(A3_PIN, "output"));
    bench.advanceUs(100_000);
    expect(seen).toEqual([]);
    bench.send(MAIN, writePort(2, A3));
    bench.advanceUs(1_200_000);
    bench.send(MAIN, writePort(2, 0));
    bench.advanceUs(100_000);
    expect(seen.map(([pressed]) => pressed)).toEqual([true, false]);
    const [[, fromMs], [, toMs]] = seen as [[boolean, number], [boolean, number]];
    expect(fromMs - 100).toBeGreaterThan(0);
    expect(fromMs - 100).toBeLessThan(LATENCY_MS);
    expect(Math.abs(toMs - fromMs - 1200)).toBeLessThan(LATENCY_MS);
  });

  test("is let go when its board loses power, and when it is reset", () => {
    const { bench, seen } = bootWatched();
    const press = concat(pinMode(A3_PIN, "output"), writePort(2, A3));
    bench.send(MAIN, press);
    bench.advanceUs(20_000);
    bench.apply({ verb: "unplug", meter: MAIN });
    expect(seen.map(([pressed]) => pressed)).toEqual([true, false]);
    bench.apply({ verb: "plug", meter: MAIN });
    bench.advanceUs(BOOT_US);
    bench.send(MAIN, press);
    bench.advanceUs(20_000);
    bench.apply({ verb: "reset", meter: MAIN });
    expect(seen.map(([pressed]) => pressed)).toEqual([true, false, true, false]);
  });

  test("is pressed by a pull-up too, which is what a pin left an input gets", () => {
    const { bench, seen } = bootWatched();
    bench.send(MAIN, pinMode(A3_PIN, "pullup"));
    bench.advanceUs(20_000);
    expect(seen.map(([pressed]) => pressed)).toEqual([true]);
  });

  test("is not there where none is configured, where its board is real, and on other pins", () => {
    const { bench, seen } = bootWatched();
    const others: boolean[] = [];
    for (const config of [configWith(undefined), configWith({ meter: MAIN, pin: "A2" })])
      watchPowerKey(bench, config, (pressed) => others.push(pressed));
    watchPowerKey(bench, configWith({ meter: "real", pin: "A3" }), (pressed) => others.push(pressed));
    bench.send(MAIN, concat(pinMode(A3_PIN, "output"), writePort(2, A3)));
    bench.advanceUs(20_000);
    expect(seen.map(([pressed]) => pressed)).toEqual([true]);
    expect(others).toEqual([]);
  });

  test("is pressed for 1.2 s of clock time by the host's power key, through supervisor and firmware", async () => {
    const clock = new ManualClock();
    const config = configWith({ meter: MAIN, pin: "A3" });
    const seen: [pressed: boolean, atMs: number][] = [];
    const stepped = new SteppedBench(config, clock, (pressed) => seen.push([pressed, clock.steadyMs()]));
    const key = new BoardPowerKey({ meter: MAIN, pin: "A3", clock });
    let ready = false;
    const supervisor = new BoardSupervisor({
      meter: MAIN,
      port: stepped.port(MAIN),
      channels: [0],
      clock,
      emit: () => undefined,
      onReady: ({ pins }) => {
        key.boardReady(pins);
        ready = true;
      },
      onLost: () => key.boardLost(),
      onSample: () => undefined,
    });
    supervisor.start();
    await stepped.advanceUntil(() => ready, 10_000);
    await stepped.advance(100);
    expect(seen).toEqual([]);
    const pressed = key.press(1200, new AbortController().signal);
    await stepped.advance(1300);
    await pressed;
    expect(seen.map(([level]) => level)).toEqual([true, false]);
    expect(Math.abs(seen[1]![1] - seen[0]![1] - 1200)).toBeLessThanOrEqual(LATENCY_MS);
    const stopped = supervisor.stop();
    await stepped.advance(100);
    await stopped;
    await stepped.close();
  });
});
