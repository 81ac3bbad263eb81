import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SampleWindow, WindowCollector } from "../../rig/measure/window.js";
import { randomFrom } from "./synthetic.js";

function collector(intervalMs: number, voltageChannel: number | null = null, windowMs = 1000) {
  return new WindowCollector({ currentChannel: 0, voltageChannel, intervalMs, windowMs });
}

/**
 * Windows of a board whose samples come every `periodMs` by the host's clock, handed over in batches.
 * @param lateMs how much later than its batch the sample of that true time is handed over
 */
function stream(
  collect: WindowCollector,
  samples: number,
  periodMs: number,
  lateMs: (trueMs: number) => number,
  batchMs = 5,
): SampleWindow[] {
  const windows: SampleWindow[] = [];
  let arrivalMs = 0;
  for (let k = 0; k < samples; k += 1) {
    const trueMs = 1000 + k * periodMs;
    const batch = Math.ceil(trueMs / batchMs) * batchMs;
    arrivalMs = Math.max(arrivalMs, batch + lateMs(batch));
    const window = collect.push(0, 512, arrivalMs);
    if (window !== null) windows.push(window);
  }
  return windows;
}

/** Each batch late by a random time of its own, on average `meanMs`, never early. */
function jitter(seed: number, meanMs: number): (batchMs: number) => number {
  const random = randomFrom(seed);
  let batch = Number.NaN;
  let lateMs = 0;
  return (batchMs) => {
    if (batchMs !== batch) lateMs = -meanMs * Math.log(1 - random.uniform());
    batch = batchMs;
    return lateMs;
  };
}

function percentOff(value: number, truth: number): number {
  return Math.abs(value / truth - 1) * 100;
}

describe("WindowCollector", () => {
  it("puts 334, 333 and 333 instants of 3 ms into 1 s windows, without drift over 10 minutes", () => {
    const collect = collector(3);
    const windows: SampleWindow[] = [];
    for (let k = 0; k < 200_000; k += 1) {
      const window = collect.push(0, 512, k * 3);
      if (window !== null) windows.push(window);
    }
    expect(windows).toHaveLength(600);
    expect(windows.slice(0, 4).map(({ currentCounts }) => currentCounts.length)).toEqual([
      334, 333, 333, 334,
    ]);
    windows.forEach(({ firstIndex }, k) => {
      expect(firstIndex).toBe(Math.ceil((k * 1000) / 3));
    });
  });

  it("gives the window with its last sample, not with the next one's first", () => {
    const collect = collector(1);
    for (let k = 0; k < 999; k += 1) expect(collect.push(0, 512, k)).toBeNull();
    expect(collect.push(0, 512, 999)?.currentCounts).toHaveLength(1000);
  });

  it("pairs an A0 with the A1 directly after it, and keeps time over what lost its partner", () => {
    const collect = collector(3, 1, 30);
    // Instant: 0 both, 1 lost its A1, 2 both, 3 lost its A0, 4..9 both.
    const samples = [0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1];
    let window: SampleWindow | null = null;
    samples.forEach((channel, k) => {
      window = collect.push(channel, channel * 500 + k, k) ?? window;
    });
    const gap = Number.NaN;
    expect(window).toMatchObject({ firstIndex: 0, unpaired: 2, intervalMs: 3 });
    expect(Array.from(window!.currentCounts)).toEqual([0, gap, 3, gap, 6, 8, 10, 12, 14, 16]);
    expect(Array.from(window!.voltageCounts!)).toEqual([501, gap, 504, gap, 507, 509, 511, 513, 515, 517]);
  });

  it("pairs a voltage on A0 with a current on A2", () => {
    const collect = new WindowCollector({
      currentChannel: 2,
      voltageChannel: 0,
      intervalMs: 3,
      windowMs: 6,
    });
    expect(collect.push(0, 700, 0)).toBeNull();
    expect(collect.push(2, 300, 0)).toBeNull();
    collect.push(0, 701, 3);
    const window = collect.push(2, 301, 3);
    expect(Array.from(window!.currentCounts)).toEqual([300, 301]);
    expect(Array.from(window!.voltageCounts!)).toEqual([700, 701]);
  });

  it("never pairs an A1 with a later A0, and blanks both halves of what is broken, whatever is lost", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ a0: fc.boolean(), a1: fc.boolean() }), { minLength: 30, maxLength: 200 }),
        (kept) => {
          const collect = collector(3, 1, 30);
          kept.forEach(({ a0, a1 }, k) => {
            const windows = [
              a0 ? collect.push(0, k % 1024, k) : null,
              a1 ? collect.push(1, k % 1024, k) : null,
            ];
            for (const window of windows) {
              window?.currentCounts.forEach((counts, n) => {
                // A0 of one instant followed by A1 of the next, both partners lost, cannot be told from a pair.
                const voltage = window.voltageCounts![n] as number;
                if (!Number.isNaN(counts)) expect(voltage - counts).toBeGreaterThanOrEqual(0);
                expect(Number.isNaN(counts)).toBe(Number.isNaN(voltage));
              });
            }
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  it("treats counts outside 0..1023 as lost and passes over other channels", () => {
    const collect = collector(3, 1, 6);
    collect.push(0, 28_788, 0);
    collect.push(1, 500, 0);
    collect.push(2, 511, 0);
    collect.push(0, 400, 3);
    const window = collect.push(1, 600, 3);
    expect(window).toMatchObject({ unpaired: 1 });
    expect(Array.from(window!.currentCounts)).toEqual([Number.NaN, 400]);
  });

  it("refuses one channel for both, and a window shorter than the interval", () => {
    expect(() => collector(1, 0)).toThrow(RangeError);
    expect(() => collector(19, null, 10)).toThrow(RangeError);
  });
});

describe("sample rate by the host's clock", () => {
  it("is the nominal one in the first two seconds, when batches would tell more of the host than of the board", () => {
    const windows = stream(collector(3), 2000 / 3 + 1, 3 * 1.005, jitter(1, 0.5), 16);
    expect(windows.map(({ sampleRateHz }) => sampleRateHz)).toEqual(windows.map(() => 1000 / 3));
  });

  for (const [intervalMs, batchMs, limitPercent] of [
    [1, 5, 0.1],
    [3, 5, 0.1],
    [3, 16, 0.1],
  ] as const) {
    it(`is right within ${limitPercent} % after 3 s of ${intervalMs} ms samples in ${batchMs} ms batches with jitter, board 0.5 % off`, () => {
      for (const share of [0.995, 1, 1.005]) {
        for (let seed = 1; seed <= 20; seed += 1) {
          const periodMs = intervalMs * share;
          const [, , third] = stream(
            collector(intervalMs),
            3000 / intervalMs + 1,
            periodMs,
            jitter(seed, 0.5),
            batchMs,
          );
          expect(percentOff(third!.sampleRateHz, 1000 / periodMs)).toBeLessThan(limitPercent);
        }
      }
    });
  }

  it("is right within 0.1 % from the first window on with a stall of 200 ms in it", () => {
    for (const stallAtMs of [1100, 1450, 1700, 1795]) {
      const windows = stream(
        collector(3),
        4000,
        3,
        (ms) => Math.max(0, stallAtMs + 200 - ms) * +(ms > stallAtMs),
      );
      expect(windows.length).toBeGreaterThan(10);
      for (const { sampleRateHz } of windows) expect(percentOff(sampleRateHz, 1000 / 3)).toBeLessThan(0.1);
    }
  });

  it("is right within 10 ppm after 60 s", () => {
    const windows = stream(collector(3), 25_000, 3.0123, jitter(7, 1));
    expect(percentOff(windows.at(-1)!.sampleRateHz, 1000 / 3.0123)).toBeLessThan(0.001);
  });

  it("is nominal for windows before 0.8 s, when jitter would count for more than the board's tolerance", () => {
    const windows = stream(collector(1, null, 200), 700, 1.002, () => 0);
    expect(windows.map(({ sampleRateHz }) => sampleRateHz)).toEqual([1000, 1000, 1000]);
  });

  it("begins anew after the board stood still for 5 s: the end of a window is right within 10 ms 3 s later", () => {
    const collect = collector(1);
    stream(collect, 20_000, 1, () => 0);
    let ended: SampleWindow | null = null;
    for (let k = 0; k < 3000; k += 1) ended = collect.push(0, 512, 26_000 + k) ?? ended;
    expect(Math.abs(ended!.endSteadyMs - 28_999)).toBeLessThan(10);
    expect(percentOff(ended!.sampleRateHz, 1000)).toBeLessThan(0.1);
  });

  it("dates a window's end by the earliest arrivals: a stall of 300 ms at its end moves it by less than 5 ms", () => {
    const windows = stream(collector(1), 5000, 1, (ms) => (ms > 5700 && ms <= 6000 ? 6000 - ms : 0));
    // The fifth window's last sample is number 4999, taken at 1000 + 4999 ms.
    expect(Math.abs(windows[4]!.endSteadyMs - 5999)).toBeLessThan(5);
  });
});
