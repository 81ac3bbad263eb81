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
  it("fills 33 bytes: 252 bits of fields and 12 of flags", () => {
    expect(FIELDS.reduce((sum, { bits }) => sum + bits, 0) + 12).toBe(8 * REPORT_BYTES);
  });

  it("puts 1 ms after 2020-01-01 in byte 4, 1 V in bits 78 to 93, 1 Wh before the demands, all else 0", () => {
    const zero = {
      ...lampReport(),
      endMs: Date.UTC(2020, 0, 1),
      samples: 0,
      sampleRateHz: 0,
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
      `${"00".repeat(4)}01${"00".repeat(28)}`,
    );
    // 100 steps of 10 mV in the 16 bits that end at bit 94 of 264: shifted left by 170
    expect(BigInt(`0x${hex(encodeReport({ ...zero, voltageV: 1 }))}`)).toBe(100n << 170n);
    // 1000 steps of 1 mWh, before 22 + 16 + 12 bits
    expect(BigInt(`0x${hex(encodeReport({ ...zero, energyWh: 1 }))}`)).toBe(1000n << 50n);
    // -1 step of 10 mW in 23 bits is all ones
    expect(BigInt(`0x${hex(encodeReport({ ...zero, activePowerW: -0.01 }))}`)).toBe(0x7fffffn << 125n);
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

  it("says nominal where the voltage was not measured, with and without the flag", () => {
    const decoded = quantise(lampReport({ voltageSource: "nominal" }));
    expect(decoded.voltageSource).toBe("nominal");
    expect(decoded.flags).toEqual(["nominal-voltage"]);
  });

  it("holds the extremes: 500 V, 40 A, +-41 kW, 70 Hz, an hour at 1000/s, 68 MWh, 33 kW of demand, the year 2054", () => {
    const extreme = lampReport({
      endMs: Date.UTC(2054, 0, 1),
      voltageV: 500,
      currentA: 40,
      activePowerW: -41_000,
      reactivePowerVar: 41_000,
      frequencyHz: 70,
      samples: 3_600_000,
      sampleRateHz: 1000,
      energyWh: 68e6,
      maxDemandW: 33_000,
      runningDemandW: 33_000.32,
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
    expect(code(() => encodeReport(lampReport({ endMs: Date.UTC(2019, 0, 1) })))).toBe("frame/out-of-range");
    expect(() => encodeReport(lampReport({ activePowerW: 50_000 }))).toThrow(
      "the report's activePowerW is 50000 W: a frame holds -41943.04 to 41943.03 W",
    );
  });

  it("decodes any 33 bytes to a report that encodes to them again, or refuses them with a FrameError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), (bytes) => {
        try {
          expect(encodeReport(decodeReport(bytes, 1))).toEqual(bytes);
        } catch (error) {
          if (!(error instanceof FrameError)) throw error;
          expect(bytes.length !== REPORT_BYTES || (bytes[31]! & 0x0f) >= 2).toBe(true);
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 33, maxLength: 33 }), (bytes) => {
        bytes[31] = bytes[31]! & 0xf1; // only flags that are known
        expect(encodeReport(decodeReport(bytes, 1))).toEqual(bytes);
      }),
    );
  });
});
