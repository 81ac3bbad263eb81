import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import five from "johnny-five";
import { afterEach, describe, expect, it } from "vitest";
import { FirmataBoard } from "../../rig/board/firmata-board.js";
import type { RigError } from "../../rig/core/errors.js";
import { FakeFirmata, type FakeFirmataOptions } from "../support/fake-firmata.js";
import { ManualClock } from "../support/manual-clock.js";

const LIMIT_MS = 8000;

async function connect(firmware: FakeFirmata, clock: ManualClock, signal?: AbortSignal) {
  const stream = await firmware.open();
  const options = signal === undefined ? {} : { signal };
  const outcome = FirmataBoard.connect(stream, { portName: firmware.name, clock, ...options }).then(
    (board) => ({ board, error: null }),
    (error: RigError) => ({ board: null, error }),
  );
  return { stream, outcome };
}

/** What a board of this kind gives within the time limit. */
async function connectWithin(
  options: FakeFirmataOptions,
  prepare: (firmware: FakeFirmata) => void = () => undefined,
) {
  const clock = new ManualClock();
  const firmware = new FakeFirmata(clock, options);
  prepare(firmware);
  const { stream, outcome } = await connect(firmware, clock);
  await clock.advance(LIMIT_MS);
  firmware.dispose();
  return { clock, firmware, stream, ...(await outcome) };
}

afterEach(() => {
  expect(five.Board.cache).toHaveLength(0);
});

describe("FirmataBoard.connect", () => {
  it("is ready within 2.3 s of a reset, with the firmware's name and the pins it reported", async () => {
    const clock = new ManualClock();
    const firmware = new FakeFirmata(clock);
    const { outcome } = await connect(firmware, clock);
    await clock.advance(2300);
    const { board } = await outcome;
    expect(board?.firmware).toEqual({ name: "StandardFirmata", major: 2, minor: 5 });
    expect(board?.protocol).toEqual({ major: 2, minor: 5 });
    expect(board?.io.pins).toHaveLength(20);
    expect(board?.io.analogPins).toEqual([14, 15, 16, 17, 18, 19]);
    expect(board?.five.isReady).toBe(true);
    await board?.close();
    firmware.dispose();
    expect(clock.armedTimers).toBe(0);
  });

  it("asks a board that was not reset by opening, and is ready within 1 s", async () => {
    const clock = new ManualClock();
    const firmware = new FakeFirmata(clock, { bootMs: 0 });
    const stream = await firmware.open();
    stream.on("data", () => undefined);
    await clock.advance(1000);
    stream.removeAllListeners("data");
    const connecting = FirmataBoard.connect(stream, { portName: firmware.name, clock });
    await clock.advance(1000);
    const board = await connecting;
    expect(board.firmware.name).toBe("StandardFirmata");
    await board.close();
    firmware.dispose();
  });

  it("says board/silent after 8 s without a byte", async () => {
    const { error, stream, clock } = await connectWithin({}, (firmware) => {
      firmware.frozen = true;
    });
    expect(error?.code).toBe("board/silent");
    expect(error?.message).toContain("8s");
    expect(stream.closed).toBe(true);
    expect(clock.armedTimers).toBe(0);
  });

  it("says board/no-firmware and shows the text that another sketch prints", async () => {
    const { error } = await connectWithin({ sketch: "temperature: 21.5\r\n" });
    expect(error?.code).toBe("board/no-firmware");
    expect(error?.message).toContain("temperature: 21.5");
    expect(error?.hint).toContain("sketches/README.md");
  });

  it("says board/wrong-baud-or-firmware and shows the first bytes in hex", async () => {
    const { error } = await connectWithin({ sketch: "\x00\xe6\x18\x9e\x00" });
    expect(error?.code).toBe("board/wrong-baud-or-firmware");
    expect(error?.message).toContain("00 e6 18 9e 00");
  });

  it("says board/unfinished where a board tells its version and no more", async () => {
    const { error } = await connectWithin({ sketch: "\xf9\x02\x05" });
    expect(error?.code).toBe("board/unfinished");
    expect(error?.message).toContain("firmware's name");
  });

  it("rejects with port/lost when the cable is pulled while the board boots", async () => {
    const clock = new ManualClock();
    const firmware = new FakeFirmata(clock);
    const { outcome } = await connect(firmware, clock);
    await clock.advance(1000);
    firmware.unplug();
    await clock.advance(0);
    expect((await outcome).error?.code).toBe("port/lost");
    expect(clock.armedTimers).toBe(0);
  });

  it("rejects with the signal's reason and closes the stream", async () => {
    const clock = new ManualClock();
    const firmware = new FakeFirmata(clock);
    const abort = new AbortController();
    const { outcome, stream } = await connect(firmware, clock, abort.signal);
    await clock.advance(1000);
    const reason = new Error("stopped by the test");
    abort.abort(reason);
    expect((await outcome).error).toBe(reason);
    expect(stream.closed).toBe(true);
    firmware.dispose();
    expect(clock.armedTimers).toBe(0);
  });

  it("comes up although garbage precedes the version", async () => {
    const clock = new ManualClock();
    const firmware = new FakeFirmata(clock);
    const { outcome } = await connect(firmware, clock);
    firmware.send([0xf0, 0x79, 0xf7, 0xe0, 0x7f, 0x7f, 0xff, 0x00, 0xf0, 0x6e, 0x70, 0, 0, 0xf7]);
    await clock.advance(2300);
    const { board } = await outcome;
    expect(board?.counters).toEqual({ discardedBytes: 14, refusedMessages: 0 });
    await board?.close();
    firmware.dispose();
  });
});

describe("FirmataBoard", () => {
  it("sends what is written in one tick as one write of the stream", async () => {
    const clock = new ManualClock();
    const firmware = new FakeFirmata(clock, { bootMs: 0 });
    const { outcome } = await connect(firmware, clock);
    await clock.advance(100);
    const { board } = await outcome;
    firmware.writes.length = 0;
    for (let k = 0; k < 100; k += 1) board?.write(Uint8Array.of(0x91, k, 0));
    await clock.advance(0);
    expect(firmware.writes.map((bytes) => bytes.length)).toEqual([300]);
    await board?.close();
    firmware.dispose();
  });

  it("takes back every listener, process hook and timer on close", async () => {
    const clock = new ManualClock();
    const firmware = new FakeFirmata(clock, { bootMs: 0 });
    const sigintBefore = process.listenerCount("SIGINT");
    const countTimers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const timersBefore = countTimers();
    const { outcome, stream } = await connect(firmware, clock);
    await clock.advance(100);
    const { board } = await outcome;
    expect(process.listenerCount("SIGINT")).toBe(sigintBefore);
    await board?.close();
    firmware.dispose();
    expect(board?.io.eventNames()).toEqual([]);
    expect(board?.five.eventNames()).toEqual([]);
    expect(stream.listenerCount("data") + stream.listenerCount("close") + stream.listenerCount("end")).toBe(
      0,
    );
    expect(clock.armedTimers).toBe(0);
    expect(countTimers()).toBeLessThanOrEqual(timersBefore);
  });

  it("keeps at most 1 kB for each of 200 reconnects", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const clock = new ManualClock();
    const firmware = new FakeFirmata(clock, { bootMs: 0 });
    const reconnect = async (times: number) => {
      for (let k = 0; k < times; k += 1) {
        const { outcome } = await connect(firmware, clock);
        await clock.advance(50);
        const { board, error } = await outcome;
        if (board === null) throw error;
        await board.close();
      }
    };
    const usedBytes = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    await reconnect(100);
    const before = await usedBytes();
    await reconnect(200);
    const grownBytes = (await usedBytes()) - before;
    firmware.dispose();
    if (process.env.RIG_SHOW_MEMORY) console.log(`grown by ${grownBytes / 200} bytes per reconnect`);
    expect(grownBytes / 200).toBeLessThanOrEqual(1000);
  });
});
