import { once } from "node:events";
import { existsSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../rig/core/clock.js";
import { configSchema } from "../../rig/core/config.js";
import { RigError } from "../../rig/core/errors.js";
import type { RigEvent } from "../../rig/core/events.js";
import { BenchHost as UncompiledBenchHost } from "../../rig/virtual/bench-host.js";
import { concat, pinMode, VERSION_2_5, writePort } from "./firmata-bytes.js";
import { initialiseDisplay, writeLine } from "./hd44780-writer.js";

/** A thread loads compiled JavaScript only, so these tests run what `npx tsc -p .` made (npm test does so first). */
const COMPILED = new URL("../../.build/rig/virtual/bench-host.js", import.meta.url);
if (!existsSync(COMPILED))
  throw new Error(`${COMPILED.pathname} is missing: compile first with npx tsc -p .`);
const { BenchHost } = (await import(COMPILED.href)) as typeof import("../../rig/virtual/bench-host.js");
type Host = Awaited<ReturnType<typeof BenchHost.start>>;

const MAIN = "main";
const NEIGHBOUR = "neighbour";
const LIMIT_MS = 15_000;

const hosts: Host[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

async function startHost(firmware?: string) {
  const events: RigEvent[] = [];
  const powerKey: boolean[] = [];
  const config = configSchema.parse({
    meters: [{ id: MAIN }, { id: NEIGHBOUR }],
    links: [{ between: [MAIN, NEIGHBOUR] }],
    modem: { port: "virtual", powerKey: { meter: MAIN, pin: "A3" } },
    virtual: firmware === undefined ? {} : { firmware },
  });
  const host = await BenchHost.start({
    config,
    clock: systemClock,
    emit: (event) => events.push(event),
    onPowerKey: (pressed) => powerKey.push(pressed),
  });
  hosts.push(host);
  return { host, events, powerKey, config };
}

async function until(condition: () => boolean): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`the condition did not come true within ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("BenchHost", { timeout: 40_000 }, () => {
  test("runs in real time: two boards boot, bench time and what it is short of add up to the time that passed", async () => {
    const { host } = await startHost();
    const received = new Map<string, number[]>([MAIN, NEIGHBOUR].map((meter) => [meter, []]));
    for (const [meter, bytes] of received) {
      const stream = await host.port(meter).open();
      stream.on("data", (data: Buffer) => bytes.push(...data));
    }
    const before = await host.snapshot();
    const startMs = performance.now();
    await until(() => [...received.values()].every((bytes) => bytes.length >= 3));
    for (const bytes of received.values()) expect(bytes.slice(0, 3)).toEqual(VERSION_2_5);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const after = await host.snapshot();
    const realMs = performance.now() - startMs;
    const benchMs = (after.timeUs - before.timeUs) / 1000;
    // What is missing is what the bench says: behind, or given up on a machine that is too busy. 20 ms for the messages.
    const missingMs = after.behindMs - before.behindMs + after.skippedMs - before.skippedMs;
    expect(Math.abs(benchMs + missingMs - realMs)).toBeLessThan(20);
    expect(after.behindMs).toBeLessThan(260);
  });

  test("emits what a display shows once it was written, and its 0 timing violations", async () => {
    const { host, events } = await startHost();
    const stream = await host.port(MAIN).open();
    await once(stream, "data");
    stream.write(concat(initialiseDisplay(), writeLine(0, "connection"), writeLine(1, "barred")));
    const shown = () => events.filter((event) => event.event === "lcd").at(-1);
    await until(() => shown()?.lines[1].startsWith("barred") === true);
    expect(shown()).toEqual({
      event: "lcd",
      meter: MAIN,
      lines: ["connection".padEnd(16), "barred".padEnd(16)],
      timingViolations: 0,
    });
  });

  test("tells when a board presses the modem's power key and when it lets it go", async () => {
    const { host, powerKey } = await startHost();
    const stream = await host.port(MAIN).open();
    await once(stream, "data");
    // A3 is Firmata's pin 17: bit 1 of port 2.
    stream.write(concat(pinMode(17, "output"), writePort(2, 0b10)));
    await until(() => powerKey.length > 0);
    expect(powerKey).toEqual([true]);
    stream.write(writePort(2, 0));
    await until(() => powerKey.length > 1);
    expect(powerKey).toEqual([true, false]);
  });

  test("loses the stream when a board is unplugged, and opens it again when it is plugged in", async () => {
    const { host } = await startHost();
    const port = host.port(MAIN);
    const stream = await port.open();
    const said: string[] = [];
    stream.on("error", (error) => said.push((error as RigError).code));
    stream.on("close", () => said.push("close"));
    host.command({ verb: "unplug", meter: MAIN });
    await until(() => said.includes("close"));
    expect(said).toEqual(["port/lost", "close"]);
    await expect(port.open()).rejects.toMatchObject({ code: "port/missing" });
    expect((await host.snapshot()).meters.map(({ plugged }) => plugged)).toEqual([false, true]);
    host.command({ verb: "plug", meter: MAIN });
    const again = await port.open();
    const [bytes] = (await once(again, "data")) as [Buffer];
    expect(bytes[0]).toBe(0xf9);
  });

  test("refuses a command that the bench cannot do, at once", async () => {
    const { host } = await startHost();
    expect(() => host.command({ verb: "lamps", meter: MAIN, count: 9 })).toThrowError(/lamps is 9/);
    expect(() => host.port("third")).toThrowError(/"third"/);
  });

  test("says that it crashed, with every port lost, when the thread meets what it cannot do", async () => {
    const { host, events, config } = await startHost();
    const stream = await host.port(MAIN).open();
    const codes: string[] = [];
    stream.on("error", (error) => codes.push((error as RigError).code));
    // A meter that came after the start: the host lets the command pass, the bench knows nothing of it.
    config.meters.push({ ...config.meters[0]!, id: "ghost" });
    host.command({ verb: "lamps", meter: "ghost", count: 1 });
    await until(() => stream.closed);
    expect(codes).toEqual(["port/lost"]);
    expect(events.filter(({ event }) => event === "alert")).toMatchObject([
      { kind: "bench", meter: null, text: expect.stringContaining("ghost") },
    ]);
    await expect(host.port(MAIN).open()).rejects.toMatchObject({ code: "port/missing" });
    await expect(host.snapshot()).rejects.toMatchObject({ code: "bench/crashed" });
  });

  test("stops with every stream closed and can be stopped twice", async () => {
    const { host } = await startHost();
    const stream = await host.port(MAIN).open();
    await host.stop();
    expect(stream.closed).toBe(true);
    await host.stop();
    expect(() => host.command({ verb: "volts", volts: 230 })).toThrowError(errorWithCode("bench/stopped"));
    await expect(host.port(MAIN).open()).rejects.toMatchObject({ code: "port/missing" });
  });

  test("rejects with firmware/unreadable when there is no such firmware, and bench/not-compiled outside the build", async () => {
    await expect(startHost("no-such.hex")).rejects.toMatchObject({ code: "firmware/unreadable" });
    const config = configSchema.parse({ meters: [{ id: MAIN }] });
    const started = UncompiledBenchHost.start({ config, clock: systemClock, emit: () => undefined });
    await expect(started).rejects.toMatchObject({ code: "bench/not-compiled" });
    await expect(started).rejects.toBeInstanceOf(RigError);
  });
});

/** Matches by code: the compiled RigError is another class than the one imported here. */
function errorWithCode(code: string): object {
  return expect.objectContaining({ code });
}
