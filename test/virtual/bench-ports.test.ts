import { once } from "node:events";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { configSchema } from "../../rig/core/config.js";
import { PortError } from "../../rig/core/errors.js";
import { BenchPorts, type SerialLines } from "../../rig/virtual/bench-ports.js";
import { ManualClock } from "../support/manual-clock.js";
import { SteppedBench } from "../support/stepped-bench.js";
import { VERSION_2_5 } from "./firmata-bytes.js";

const MAIN = "main";

interface Lines extends SerialLines {
  readonly calls: string[];
}

function recordLines(): Lines {
  const calls: string[] = [];
  return {
    calls,
    open: (meter, session) => calls.push(`open ${meter} ${session}`),
    write: (meter, session, bytes) => calls.push(`write ${meter} ${session} ${bytes.length}`),
    close: (meter, session) => calls.push(`close ${meter} ${session}`),
  };
}

/** What a stream says, in order; data is its length. */
function record(stream: Duplex): string[] {
  const said: string[] = [];
  stream.on("data", (bytes: Buffer) => said.push(`data ${bytes.length}`));
  stream.on("error", (error) => said.push(`error ${error instanceof PortError ? error.code : error}`));
  stream.on("close", () => said.push("close"));
  return said;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "resolved",
    (error: unknown) => (error instanceof PortError ? error.code : String(error)),
  );
}

describe("BenchPorts", () => {
  test("lets one stream be open at a time and opens again after close", async () => {
    const lines = recordLines();
    const port = new BenchPorts([MAIN], lines).port(MAIN);
    expect(port.name).toBe("virtual:main");
    const first = await port.open();
    expect(await codeOf(port.open())).toBe("port/busy");
    first.destroy();
    await once(first, "close");
    expect(await port.open()).not.toBe(first);
    expect(lines.calls).toEqual(["open main 1", "close main 1", "open main 2"]);
  });

  test("says error then close, once each, when the cable is pulled, and is missing until it is back", async () => {
    const ports = new BenchPorts([MAIN], recordLines());
    const port = ports.port(MAIN);
    const stream = await port.open();
    const said = record(stream);
    ports.unplug(MAIN);
    ports.deliver(MAIN, 1, Uint8Array.of(1, 2), 0);
    await new Promise(setImmediate);
    expect(said).toEqual(["error port/lost", "close"]);
    expect(stream.writable).toBe(false);
    expect(await codeOf(port.open())).toBe("port/missing");
    ports.plug(MAIN);
    expect(await codeOf(port.open())).toBe("resolved");
  });

  test("rejects with the signal's reason and opens nothing", async () => {
    const lines = recordLines();
    const port = new BenchPorts([MAIN], lines).port(MAIN);
    const reason = new Error("not any more");
    await expect(port.open(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(lines.calls).toEqual([]);
  });

  test("throws away bytes of an earlier opening", async () => {
    const ports = new BenchPorts([MAIN], recordLines());
    const port = ports.port(MAIN);
    const first = await port.open();
    first.destroy();
    await once(first, "close");
    const second = await port.open();
    ports.deliver(MAIN, 1, Uint8Array.of(1), 0);
    expect(second.read()).toBeNull();
    ports.deliver(MAIN, 2, Uint8Array.of(7), 0);
    expect(second.read()).toEqual(Buffer.of(7));
  });

  test("makes a writer wait beyond 4096 bytes until the board has taken some", async () => {
    const ports = new BenchPorts([MAIN], recordLines());
    const stream = await ports.port(MAIN).open();
    const done: number[] = [];
    for (const [index, length] of [4096, 1, 1].entries())
      stream.write(Buffer.alloc(length), () => done.push(index));
    await new Promise(setImmediate);
    expect(done).toEqual([0]);
    ports.deliver(MAIN, 1, new Uint8Array(0), 2);
    await new Promise(setImmediate);
    expect(done).toEqual([0, 1, 2]);
  });

  test("loses every stream and opens none after the bench failed", async () => {
    const ports = new BenchPorts([MAIN], recordLines());
    const stream = await ports.port(MAIN).open();
    const said = record(stream);
    ports.fail("the virtual bench crashed: boom");
    await new Promise(setImmediate);
    expect(said).toEqual(["error port/lost", "close"]);
    expect(await codeOf(ports.port(MAIN).open())).toBe("port/missing");
  });

  test("keeps 65536 bytes for a reader that does not read and counts the rest as lost", async () => {
    const ports = new BenchPorts([MAIN], recordLines());
    const stream = await ports.port(MAIN).open();
    for (let slice = 0; slice < 70; slice++) ports.deliver(MAIN, 1, new Uint8Array(1024), 0);
    expect(stream.readableLength).toBe(65_536);
    expect((stream as unknown as { lostBytes: number }).lostBytes).toBe(6 * 1024);
  });
});

describe("SteppedBench", () => {
  const benches: SteppedBench[] = [];
  afterEach(async () => {
    for (const bench of benches.splice(0)) await bench.close();
  });

  function makeBench() {
    const clock = new ManualClock();
    const stepped = new SteppedBench(configSchema.parse({ meters: [{ id: MAIN }] }), clock);
    benches.push(stepped);
    return { clock, stepped };
  }

  test("moves bench and clock together, and a port's board boots 2.1 to 2.2 s after it is opened", async () => {
    const { clock, stepped } = makeBench();
    await stepped.advance(500);
    const stream = await stepped.port(MAIN).open();
    const received: number[] = [];
    stream.on("data", (bytes: Buffer) => received.push(...bytes));
    await stepped.advanceUntil(() => received.length >= 3, 2500);
    expect(received.slice(0, 3)).toEqual(VERSION_2_5);
    expect(clock.steadyMs()).toBeGreaterThan(500 + 2100);
    expect(clock.steadyMs()).toBeLessThan(500 + 2200);
    expect(stepped.bench.timeUs / 1000).toBeCloseTo(clock.steadyMs(), 6);
  });

  test("keeps the stream open over the reset button: the version is reported twice", async () => {
    const { stepped } = makeBench();
    const stream = await stepped.port(MAIN).open();
    const received: number[] = [];
    stream.on("data", (bytes: Buffer) => received.push(...bytes));
    await stepped.advance(2300);
    stepped.command({ verb: "reset", meter: MAIN });
    await stepped.advance(2300);
    expect(received.filter((byte) => byte === 0xf9)).toHaveLength(2);
    expect(stream.destroyed).toBe(false);
  });
});
