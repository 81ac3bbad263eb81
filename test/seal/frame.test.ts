import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameError } from "../../rig/core/errors.js";
import { READING_FLAGS } from "../../rig/core/reading.js";
import { decodeReport, encodeReport, FIELDS, quantise, REPORT_BYTES } from "../../rig/seal/frame.js";
import { lampReport } from "../support/reports.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const code = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    return error instanceof FrameError ? error.code : error;
  }
  return "nothing thrown";
};

describe("the layout of a report", () => {
  it("fills 33 bytes: 255 bits of fields and one for each of the 9 flags", () => {
    expect(READING_FLAGS).toHaveLength(9);
    expect(FIELDS.reduce((sum, { bits }) => sum + bits, 0)).toBe(255);
    expect(255 + 9).toBe(8 * REPORT_BYTES);
  });

  it("puts 1 ms after 2026-01-01 in bit 39, the length to bit 61, 1 V to bit 99, 1 Wh before the demands, all else 0", () => {
    const zero = {
      ...lampReport(),
      endMs: Date.UTC(2026, 0, 1),
      lengthMs: 0,
      samples: 0,
      voltageV: 0,
      currentA: 0,
      activePowerW: 0,
      reactivePowerVar: 0,
      frequencyHz: 0,
      energyWh: 0,
      maxDemandW: 0,
      runningDemandW: 0,
    };
    expect(hex(encodeReport(zero))).toBe("00".repeat(33));
    expect(hex(encodeReport({ ...zero, endMs: zero.endMs + 1 }))).toBe(
      `${"00".repeat(4)}02${"00".repeat(28)}`,
    );
    // 10 s in the 22 bits that end at bit 61 of 264: shifted left by 203
    expect(BigInt(`0x${hex(encodeReport({ ...zero, lengthMs: 10_000 }))}`)).toBe(10_000n << 203n);
    // 100 steps of 10 mV in the 16 bits that end at bit 99 of 264: shifted left by 165
    expect(BigInt(`0x${hex(encodeReport({ ...zero, voltageV: 1 }))}`)).toBe(100n << 165n);
    // 1000 steps of 1 mWh, before 22 + 15 + 9 bits
    expect(BigInt(`0x${hex(encodeReport({ ...zero, energyWh: 1 }))}`)).toBe(1000n << 46n);
    // 1 step of 1.28 W, before the flags
    expect(BigInt(`0x${hex(encodeReport({ ...zero, runningDemandW: 1.28 }))}`)).toBe(1n << 9n);
    // -1 step of 10 mW in 23 bits is all ones, before 23 + 16 + 35 + 22 + 15 + 9 bits
    expect(BigInt(`0x${hex(encodeReport({ ...zero, activePowerW: -0.01 }))}`)).toBe(0x7fffffn << 120n);
    expect(hex(encodeReport({ ...zero, flags: ["nominal-voltage", "incomplete"] }))).toBe(
      `${"00".repeat(32)}81`,
    );
  });

  it("gives back every value within half a step, and S and PF from V, I and P", () => {
    const decoded = decodeReport(encodeReport(lampReport()), 7);
    expect(decoded).toEqual({ ...lampReport({ sequence: 7 }), apparentPowerVa: 100.02, powerFactor: 1 });
    expect(quantise(lampReport({ currentA: 0.4348149, activePowerW: 50.014 }))).toMatchObject({
      currentA: 0.43481,
      activePowerW: 50.01,
      apparentPowerVa: 100.02, // 230.04 V x 0.43481 A = 100.0237 VA
      powerFactor: 0.5, // 50.01 / 100.02
    });
  });

  it("gives a power factor of 0 without current, and never one beyond 1", () => {
    expect(quantise(lampReport({ currentA: 0, activePowerW: 0 })).powerFactor).toBe(0);
    expect(quantise(lampReport({ activePowerW: 100.5 })).powerFactor).toBe(1);
    expect(quantise(lampReport({ activePowerW: -100.5 })).powerFactor).toBe(-1);
  });

  it("gives the rate as samples by length to 0.01 Hz: 3333 in 10.002 s are 333.23 Hz, and 0 Hz without a length", () => {
    expect(quantise(lampReport({ lengthMs: 10_002.4 }))).toMatchObject({
      lengthMs: 10_002,
      sampleRateHz: 333.23, // 3333 / 10.002 s = 333.2334 Hz
    });
    expect(quantise(lampReport({ lengthMs: 0 }))).toMatchObject({ lengthMs: 0, sampleRateHz: 0 });
  });

  it("gives the same report when rounded again, which is what the store and the events say", () => {
    const once = quantise(lampReport({ lengthMs: 9998.7, runningDemandW: 77.7, voltageV: 229.987654 }));
    expect(quantise(once)).toEqual(once);
  });

  it("says nominal where the voltage was not measured, with and without the flag", () => {
    const decoded = quantise(lampReport({ voltageSource: "nominal" }));
    expect(decoded.voltageSource).toBe("nominal");
    expect(decoded.flags).toEqual(["nominal-voltage"]);
  });

  it("holds the extremes: 500 V, 40 A, +-41 kW, 70 Hz, an hour at 1000/s, 34 MWh, 33 kW of demand, May 2043", () => {
    const extreme = lampReport({
      endMs: Date.UTC(2043, 4, 31),
      lengthMs: 3_600_000,
      voltageV: 500,
      currentA: 40,
      activePowerW: -41_000,
      reactivePowerVar: 41_000,
      frequencyHz: 70,
      samples: 3_600_000,
      sampleRateHz: 1000,
      energyWh: 34e6,
      maxDemandW: 33_000,
      runningDemandW: 33_000.96,
      flags: [...READING_FLAGS],
      voltageSource: "nominal",
    });
    expect(quantise(extreme)).toEqual({ ...extreme, apparentPowerVa: 20_000, powerFactor: -1 });
  });

  it("refuses what is no number or does not fit, naming the field", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(code(() => encodeReport(lampReport({ currentA: value })))).toBe("frame/not-a-number");
    }
    expect(code(() => encodeReport(lampReport({ currentA: 41.95 })))).toBe("frame/out-of-range");
    expect(code(() => encodeReport(lampReport({ energyWh: -1 })))).toBe("frame/out-of-range");
    expect(code(() => encodeReport(lampReport({ lengthMs: 4_194_304 })))).toBe("frame/out-of-range");
    expect(() => encodeReport(lampReport({ activePowerW: 50_000 }))).toThrow(
      "the report's activePowerW is 50000 W: a frame holds -41943.04 to 41943.03 W",
    );
  });

  it("says what to check: the clock for a time before 2026 or after 2043, the sensor for a power", () => {
    for (const endMs of [Date.UTC(2025, 11, 31), Date.UTC(2043, 6, 1)]) {
      expect(() => encodeReport(lampReport({ endMs }))).toThrow(
        expect.objectContaining({ code: "frame/out-of-range", hint: "check the PC's clock" }),
      );
    }
    expect(() => encodeReport(lampReport({ energyWh: 35e6 }))).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("energy register") }),
    );
    expect(() => encodeReport(lampReport({ activePowerW: 50_000 }))).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("burden") }),
    );
  });

  it("decodes any 33 bytes to a report that encodes to them again, and refuses every other length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), (bytes) => {
        try {
          expect(encodeReport(decodeReport(bytes, 1))).toEqual(bytes);
        } catch (error) {
          if (!(error instanceof FrameError)) throw error;
          expect([error.code, bytes.length === REPORT_BYTES]).toEqual(["frame/length", false]);
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 33, maxLength: 33 }), (bytes) => {
        expect(encodeReport(decodeReport(bytes, 1))).toEqual(bytes);
      }),
    );
  });
});
