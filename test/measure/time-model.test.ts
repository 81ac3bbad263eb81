import { describe, expect, it } from "vitest";
import { clockScale } from "../../rig/measure/time-model.js";

describe("the board's clock by the host's", () => {
  it("runs 0.5 % fast when 1005 samples of 1 ms come in a second", () => {
    expect(clockScale(1005, 1)).toBeCloseTo(1.005, 12);
  });

  it("runs 0.2 % slow when 332.67 samples of 3 ms come in a second", () => {
    expect(clockScale(332.667, 3)).toBeCloseTo(0.998, 5);
  });

  it.each([
    [385.6, 3],
    [321.3, 3],
    [1100, 1],
  ])(
    "is taken as right at %d samples/s of %d ms, which no resonator explains",
    (sampleRateHz, intervalMs) => {
      expect(clockScale(sampleRateHz, intervalMs)).toBe(1);
    },
  );
});
