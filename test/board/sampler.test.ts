import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { planSampling, Sampler } from "../../rig/board/sampler.js";
import { ManualClock } from "../support/manual-clock.js";

const NEW = { major: 2, minor: 5 };

describe("planSampling", () => {
  it.each([
    [1, 1],
    [2, 3],
    [3, 3],
    [5, 3],
    [6, 7],
  ])("samples %d channels every %d ms on firmware 2.5, within 5882 bytes/s", (channels, intervalMs) => {
    expect(planSampling(channels, NEW)).toEqual({ intervalMs, warning: null });
    expect((channels * 3 * 1000) / intervalMs).toBeLessThan(5882);
  });

  it.each([
    [2, 3],
    [2, 4],
    [1, 9],
  ])("takes 11 ms with a warning on firmware %d.%d, never 10 or 20", (major, minor) => {
    const plan = planSampling(1, { major, minor });
    expect(plan.intervalMs).toBe(11);
    expect(plan.warning).toContain(`${major}.${minor}`);
  });
});

function makeSampler(channels: number[], intervalMs = 3) {
  const clock = new ManualClock();
  const io = new EventEmitter();
  const written: number[][] = [];
  const samples: [number, number, number][] = [];
  const sampler = new Sampler({
    io,
    clock,
    channels,
    intervalMs,
    write: (message) => written.push([...message]),
    onSample: (...sample) => samples.push(sample),
  });
  return { clock, io, written, samples, sampler };
}

describe("Sampler", () => {
  it("sets the interval by raw sysex, waits 200 ms, then switches the channels on, lowest first", async () => {
    const { clock, written, sampler } = makeSampler([1, 0]);
    sampler.start();
    await clock.advance(199);
    expect(written).toEqual([
      [0xc0, 0],
      [0xc1, 0],
      [0xf0, 0x7a, 3, 0, 0xf7],
    ]);
    await clock.advance(1);
    expect(written.slice(3)).toEqual([
      [0xc0, 1],
      [0xc1, 1],
    ]);
  });

  it("drops 0.5 s, begins with the lowest channel and keeps the order of the wire", async () => {
    const { clock, io, samples, sampler } = makeSampler([0, 1]);
    sampler.start();
    await clock.advance(250);
    io.emit("analog-read-0", 1);
    await clock.advance(499);
    io.emit("analog-read-0", 2);
    await clock.advance(1);
    io.emit("analog-read-1", 3);
    io.emit("analog-read-0", 4);
    io.emit("analog-read-1", 5);
    io.emit("analog-read-0", 6);
    expect(samples).toEqual([
      [0, 4, 750],
      [1, 5, 750],
      [0, 6, 750],
    ]);
    expect(sampler.delivers).toBe(true);
  });

  it("measures the silence of the quietest channel", async () => {
    const { clock, io, sampler } = makeSampler([0, 1]);
    sampler.start();
    await clock.advance(200);
    expect(sampler.silenceMs()).toBe(0);
    await clock.advance(1000);
    io.emit("analog-read-0", 1);
    expect(sampler.silenceMs()).toBe(1000);
  });

  it("leaves no listener and no timer when stopped before or after the start of reporting", async () => {
    const { clock, io, sampler } = makeSampler([0, 1]);
    sampler.start();
    sampler.stop();
    expect(clock.armedTimers).toBe(0);
    sampler.start();
    await clock.advance(300);
    sampler.stop();
    expect(io.eventNames()).toEqual([]);
    expect(sampler.silenceMs()).toBe(0);
  });

  it("does nothing without channels", () => {
    const { clock, written, sampler } = makeSampler([]);
    sampler.start();
    expect([written.length, clock.armedTimers]).toEqual([0, 0]);
  });
});
