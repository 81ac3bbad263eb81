import { describe, expect, it } from "vitest";
import { BoardPowerKey } from "../../rig/apps/power-key.js";
import { ModemError } from "../../rig/core/errors.js";
import { RecordingPins } from "../display/recording-pins.js";
import { ManualClock } from "../support/manual-clock.js";

/** A3 is Firmata's pin 17: bit 1 of port 2. */
const A3 = 0b0000_0010;

function keyOnA3() {
  const clock = new ManualClock();
  const key = new BoardPowerKey({ meter: "main", pin: "A3", clock });
  const pins = new RecordingPins();
  return { clock, key, pins };
}

/** What A3 was driven to with each message. */
const levels = (pins: RecordingPins) => pins.messages.map((ports) => (ports[2] & A3) / A3);

describe("the power key on a board's pin", () => {
  it("makes the pin an output at LOW when the board is ready", () => {
    const { key, pins } = keyOnA3();
    key.boardReady(pins);
    expect([...pins.modes]).toEqual([[17, "output"]]);
    expect(levels(pins)).toEqual([0]);
  });

  it("is HIGH for the 1200 ms of a press and LOW after it", async () => {
    const { clock, key, pins } = keyOnA3();
    key.boardReady(pins);
    let done = false;
    const pressed = key.press(1200, new AbortController().signal).then(() => {
      done = true;
    });
    expect(levels(pins)).toEqual([0, 1]);
    await clock.advance(1199);
    expect(levels(pins)).toEqual([0, 1]);
    expect(done).toBe(false);
    await clock.advance(1);
    expect(levels(pins)).toEqual([0, 1, 0]);
    await pressed;
    expect(clock.armedTimers).toBe(0);
  });

  it("touches no other pin of the port", async () => {
    const { clock, key, pins } = keyOnA3();
    pins.writePort(2, 0xff, 0b0011_1000);
    key.boardReady(pins);
    const pressed = key.press(1200, new AbortController().signal);
    await clock.advance(1200);
    await pressed;
    expect(pins.messages.map((ports) => ports[2] & ~A3)).toEqual(Array(4).fill(0b0011_1000));
  });

  it("is LOW again when the press is aborted, and rejects with the reason", async () => {
    const { clock, key, pins } = keyOnA3();
    key.boardReady(pins);
    const abort = new AbortController();
    const pressed = key.press(1200, abort.signal);
    const rejected = expect(pressed).rejects.toThrow("the rig stops");
    await clock.advance(300);
    abort.abort(new Error("the rig stops"));
    await rejected;
    expect(levels(pins)).toEqual([0, 1, 0]);
    expect(clock.armedTimers).toBe(0);
  });

  it("is never pressed by a press that was aborted before it began", async () => {
    const { key, pins } = keyOnA3();
    key.boardReady(pins);
    await expect(key.press(1200, AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late");
    expect(levels(pins)).toEqual([0]);
  });

  it("cannot be pressed without its board: modem/no-power-key, naming meter and pin", async () => {
    const { key, pins } = keyOnA3();
    const { signal } = new AbortController();
    const before = await key.press(1200, signal).catch((error: unknown) => error);
    expect(before).toBeInstanceOf(ModemError);
    expect(before).toMatchObject({ code: "modem/no-power-key", message: expect.stringMatching(/main.*A3/) });
    key.boardReady(pins);
    key.boardLost();
    await expect(key.press(1200, signal)).rejects.toMatchObject({ code: "modem/no-power-key" });
  });

  it("rejects at once when the board is lost while it is pressed, and writes nothing to what comes after", async () => {
    const { clock, key, pins } = keyOnA3();
    key.boardReady(pins);
    const pressed = key.press(1200, new AbortController().signal);
    const rejected = expect(pressed).rejects.toMatchObject({ code: "modem/no-power-key" });
    await clock.advance(300);
    key.boardLost();
    const anew = new RecordingPins();
    key.boardReady(anew);
    await rejected;
    expect(levels(pins)).toEqual([0, 1]);
    expect(levels(anew)).toEqual([0]);
    const again = key.press(1200, new AbortController().signal);
    await clock.advance(1200);
    await again;
    expect(levels(anew)).toEqual([0, 1, 0]);
  });

  it("lets go before a board is left that is still there", async () => {
    const { clock, key, pins } = keyOnA3();
    key.boardReady(pins);
    const pressed = key.press(1200, new AbortController().signal);
    const rejected = expect(pressed).rejects.toMatchObject({ code: "modem/no-power-key" });
    await clock.advance(300);
    key.boardLeaving();
    expect(levels(pins)).toEqual([0, 1, 0]);
    await rejected;
    expect(levels(pins)).toEqual([0, 1, 0]);
  });

  it("refuses a second press while one is under way", async () => {
    const { clock, key, pins } = keyOnA3();
    key.boardReady(pins);
    const pressed = key.press(1200, new AbortController().signal);
    await expect(key.press(1200, new AbortController().signal)).rejects.toBeInstanceOf(TypeError);
    await clock.advance(1200);
    await pressed;
    expect(levels(pins)).toEqual([0, 1, 0]);
  });
});
