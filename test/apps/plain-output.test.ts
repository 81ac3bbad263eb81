import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { plainPrinter } from "../../rig/apps/plain-output.js";
import type { TimedEvent } from "../../rig/core/events.js";

const MEGABYTE = 1024 * 1024;

/** A reader that takes nothing until it is told to, and keeps what it has read. */
class StalledReader extends Writable {
  readonly lines: string[] = [];
  stalled = true;
  #goOn: () => void = () => undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#goOn = () => {
      this.lines.push(chunk.toString());
      done();
    };
    if (!this.stalled) this.#goOn();
  }

  read(): void {
    this.stalled = false;
    this.#goOn();
  }
}

function event(second: number, text = ""): TimedEvent {
  const time = new Date(second * 1000).toISOString();
  return { time, event: "alert", kind: "test", meter: null, text };
}

describe("plain output", () => {
  it("prints an event as one line of JSON, its time first", () => {
    const reader = new StalledReader();
    reader.stalled = false;
    plainPrinter(reader, () => undefined)(event(1));
    expect(reader.lines).toEqual([
      '{"time":"1970-01-01T00:00:01.000Z","event":"alert","kind":"test","meter":null,"text":""}\n',
    ]);
  });

  it("prints what the modem says with its counters, 6 digits after the point and null as null", () => {
    const reader = new StalledReader();
    reader.stalled = false;
    const print = plainPrinter(reader, () => undefined);
    const time = "1970-01-01T00:00:01.000Z";
    const counters = { brownOuts: 2, strayBytes: 14 };
    print({
      time,
      event: "modem",
      state: "recovering",
      signal: 17,
      operator: null,
      detail: "",
      rung: "pdp",
      counters,
    });
    print({ time, event: "clock", state: "differs", differenceS: -42.1234567, detail: "" });
    expect(reader.lines).toEqual([
      `{"time":"${time}","event":"modem","state":"recovering","signal":17,"operator":null,"detail":"","rung":"pdp","counters":{"brownOuts":2,"strayBytes":14}}\n`,
      `{"time":"${time}","event":"clock","state":"differs","differenceS":-42.123457,"detail":""}\n`,
    ]);
  });

  it("holds 8 MB for a stalled reader, drops the rest and says once how many", async () => {
    const reader = new StalledReader();
    const print = plainPrinter(reader, () => undefined);
    for (let second = 0; second < 20; second += 1) print(event(second, "x".repeat(MEGABYTE)));
    expect(reader.writableLength).toBeLessThan(9.1 * MEGABYTE);
    print(event(20));
    reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    print(event(21));
    const seen = reader.lines.map((line) => JSON.parse(line) as TimedEvent & { kind: string; text: string });
    const kept = seen.filter(({ kind, text }) => kind === "test" && text !== "").length;
    expect(kept).toBe(8);
    expect(seen.slice(kept)).toEqual([
      {
        time: "1970-01-01T00:00:20.000Z",
        event: "alert",
        kind: "output",
        meter: null,
        text: "the reader of the output stalled: 13 events were dropped",
      },
      event(21),
    ]);
  });

  it("asks to stop once when the reader has gone", async () => {
    const reader = new StalledReader();
    let closed = 0;
    const print = plainPrinter(reader, () => {
      closed += 1;
    });
    reader.destroy(new Error("write EPIPE"));
    await new Promise((resolve) => setImmediate(resolve));
    print(event(1));
    expect(closed).toBe(1);
  });
});
