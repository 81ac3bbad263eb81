import { describe, expect, it } from "vitest";
import type { Reading } from "../../rig/core/reading.js";
import { addReading, type Interval, summarise } from "../../rig/measure/interval.js";

const READING: Reading = {
  currentA: 1,
  voltageV: 230,
  voltageSource: "measured",
  activePowerW: 115,
  apparentPowerVa: 230,
  reactivePowerVar: 199,
  powerFactor: 0.5,
  frequencyHz: 50,
  energyWh: 10,
  maxDemandW: 100,
  runningDemandW: 90,
  samples: 333,
  sampleRateHz: 333.3,
  flags: [],
  durationMs: 1000,
  endMs: 1000,
};

function sumOf(...changes: Partial<Reading>[]) {
  let interval: Interval | null = null;
  for (const change of changes) interval = addReading(interval, { ...READING, ...change });
  return interval === null ? null : summarise(interval);
}

describe("an interval", () => {
  it("averages squares of current and voltage: 1 A and 7 A are 5 A, 230 V and 240 V are 235.053 V", () => {
    const report = sumOf({}, { currentA: 7, voltageV: 240 });
    expect(report?.currentA).toBeCloseTo(5, 12);
    expect(report?.voltageV).toBeCloseTo(235.0532, 4);
  });

  it("has S = V I and PF = P / S of its own values", () => {
    const report = sumOf({}, { currentA: 7, activePowerW: 1265, reactivePowerVar: 401 });
    expect(report?.activePowerW).toBeCloseTo(690, 9);
    expect(report?.reactivePowerVar).toBeCloseTo(300, 9);
    expect(report?.apparentPowerVa).toBeCloseTo(1150, 9);
    expect(report?.powerFactor).toBeCloseTo(0.6, 12);
  });

  it("has power factor 0 without current, and never one above 1", () => {
    const none = { currentA: 0, activePowerW: 0, reactivePowerVar: 0 };
    expect(sumOf(none)).toMatchObject({ apparentPowerVa: 0, powerFactor: 0 });
    expect(sumOf({ activePowerW: 231 })?.powerFactor).toBe(1);
    expect(sumOf({ activePowerW: -231 })?.powerFactor).toBe(-1);
  });

  it("adds samples, joins flags in frame order, and takes registers and time from the last reading", () => {
    const report = sumOf(
      { flags: ["below-creep", "incomplete"] },
      {
        flags: ["clipped"],
        energyWh: 12,
        maxDemandW: 200,
        runningDemandW: 5,
        endMs: 2000,
      },
    );
    expect(report).toMatchObject({
      samples: 666,
      flags: ["clipped", "below-creep", "incomplete"],
      energyWh: 12,
      maxDemandW: 200,
      runningDemandW: 5,
      endMs: 2000,
    });
  });

  it("is as long as its readings together, and its rate is samples by length: 999 in 3000 ms are 333 Hz", () => {
    const report = sumOf(
      { durationMs: 999.5 },
      { durationMs: 1000.25 },
      { durationMs: 1000.25, endMs: 9000 },
    );
    expect(report?.lengthMs).toBe(3000);
    expect(report?.sampleRateHz).toBe(333);
    expect(sumOf({ durationMs: 0 })).toMatchObject({ lengthMs: 0, sampleRateHz: 0 });
  });

  it("averages measured frequencies only, and nominal ones if there is no other", () => {
    const nominal = { flags: ["nominal-frequency"] as const, frequencyHz: 50 };
    expect(sumOf({ frequencyHz: 49.8 }, { frequencyHz: 49.6 }, nominal)?.frequencyHz).toBeCloseTo(49.7, 12);
    expect(sumOf(nominal, nominal)?.frequencyHz).toBe(50);
  });

  it("is nominal in voltage as soon as one reading was", () => {
    expect(sumOf({}, {})?.voltageSource).toBe("measured");
    expect(sumOf({}, { voltageSource: "nominal" })?.voltageSource).toBe("nominal");
  });
});
