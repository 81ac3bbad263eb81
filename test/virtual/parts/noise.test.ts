// Expected values: the normal distribution
import { describe, expect, it } from "vitest";
import { GaussianNoise } from "../../../rig/virtual/parts/noise.js";

const COUNT = 100_000;

function draws(seed: number, stream = 0, count = COUNT): Float64Array {
  const noise = new GaussianNoise(seed, stream);
  return Float64Array.from({ length: count }, () => noise.next());
}

const mean = (values: Float64Array, of: (value: number, index: number) => number) =>
  values.reduce((sum, value, index) => sum + of(value, index), 0) / values.length;

describe("GaussianNoise", () => {
  it.each([0, 1, 42, 0xffff_ffff])("seed %i: moments 0, 1, 0, 3 within five standard errors", (seed) => {
    const values = draws(seed);
    const error = 5 / Math.sqrt(COUNT);
    expect(Math.abs(mean(values, (v) => v))).toBeLessThan(error);
    expect(Math.abs(mean(values, (v) => v * v) - 1)).toBeLessThan(Math.sqrt(2) * error);
    expect(Math.abs(mean(values, (v) => v ** 3))).toBeLessThan(Math.sqrt(15) * error);
    expect(Math.abs(mean(values, (v) => v ** 4) - 3)).toBeLessThan(Math.sqrt(96) * error);
  });

  it("has 68.27 % within one sigma and 95.45 % within two", () => {
    const values = draws(3);
    expect(mean(values, (v) => (Math.abs(v) < 1 ? 1 : 0))).toBeCloseTo(0.6827, 2);
    expect(mean(values, (v) => (Math.abs(v) < 2 ? 1 : 0))).toBeCloseTo(0.9545, 2);
  });

  it("has no correlation from one number to the next, nor between streams and neighbouring seeds", () => {
    const values = draws(5);
    const limit = 5 / Math.sqrt(COUNT);
    expect(Math.abs(mean(values, (v, k) => v * (values[k + 1] ?? 0)))).toBeLessThan(limit);
    for (const other of [draws(5, 1), draws(6)])
      expect(Math.abs(mean(values, (v, k) => v * (other[k] as number)))).toBeLessThan(limit);
  });

  it("repeats itself for the same seed and stream", () => {
    expect(draws(9, 2, 100)).toEqual(draws(9, 2, 100));
  });

  it("refuses a seed of -1 or 0.5", () => {
    expect(() => new GaussianNoise(-1, 0)).toThrow(/seed must be 0 to 4294967295, not -1/);
    expect(() => new GaussianNoise(0.5, 0)).toThrow(RangeError);
  });
});
