import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterPowerUp,
  applyReading,
  EMPTY_REGISTERS,
  energyWh,
  maxDemandW,
  type Registers,
  raisedTo,
  runningDemandW,
} from "../../rig/measure/registers.js";

const MINUTE_MS = 60_000;
const PERIOD_MS = 15 * MINUTE_MS;
/** A whole hour, so also the start of a block. */
const NOON_MS = Date.UTC(2026, 5, 1, 12);

/** Readings of 1 s at one power, the clock right, from one time to another. */
function run(registers: Registers, fromMs: number, toMs: number, activePowerW: number): Registers {
  let state = registers;
  for (let endMs = fromMs + 1000; endMs <= toMs; endMs += 1000) {
    state = applyReading(state, { activePowerW, durationMs: 1000, endMs }, PERIOD_MS);
  }
  return state;
}

describe("energy register", () => {
  it("counts 100 W for 1 h in steps of 1 s as 100 Wh, exact to the milliwatt-hour", () => {
    const state = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + 60 * MINUTE_MS, 100);
    expect(state.energyMilliWh).toBe(100_000);
    expect(energyWh(state)).toBe(100);
  });

  it("loses nothing to rounding: 0.01 W for 10 h in steps of 1 s is 100 mWh within 1 mWh", () => {
    const state = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + 600 * MINUTE_MS, 0.01);
    expect(Math.abs(state.energyMilliWh - 100)).toBeLessThanOrEqual(1);
  });

  it("never goes down, whatever power, duration and clock it is given, and counts each reading once", () => {
    const anyNumber = fc.oneof(
      fc.double({ min: -1e4, max: 1e4 }),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0),
    );
    const reading = fc.record({
      activePowerW: anyNumber,
      durationMs: fc.oneof(fc.double({ min: -10, max: 1e5 }), fc.constant(Number.NaN)),
      endMs: fc.oneof(fc.double({ min: NOON_MS - 1e8, max: NOON_MS + 1e8 }), fc.constant(Number.NaN)),
    });
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 50 }), (readings) => {
        let state = EMPTY_REGISTERS;
        let totalMilliJ = 0;
        for (const next of readings) {
          const before = state;
          state = applyReading(state, next, PERIOD_MS);
          expect(Number.isSafeInteger(state.energyMilliWh)).toBe(true);
          expect(state.energyMilliWh).toBeGreaterThanOrEqual(before.energyMilliWh);
          expect(state.maxDemand?.powerW ?? 0).toBeGreaterThanOrEqual(before.maxDemand?.powerW ?? 0);
          const counts = Number.isFinite(next.activePowerW) && next.durationMs > 0;
          if (counts) totalMilliJ += Math.max(0, next.activePowerW) * next.durationMs;
        }
        const registered = state.energyMilliWh * 3600 + state.energyRemainderMilliJ;
        expect(Math.abs(registered - totalMilliJ)).toBeLessThanOrEqual(1e-9 * totalMilliJ + 1e-6);
      }),
    );
  });

  it("takes no energy back for export: -500 W counts nothing", () => {
    const state = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + MINUTE_MS, 60);
    expect(run(state, NOON_MS + MINUTE_MS, NOON_MS + 2 * MINUTE_MS, -500).energyMilliWh).toBe(1000);
  });

  it("counts the same with the clock set back or forward an hour on the way", () => {
    for (const stepMs of [-60 * MINUTE_MS, 60 * MINUTE_MS]) {
      const first = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + 30 * MINUTE_MS, 100);
      const fromMs = NOON_MS + 30 * MINUTE_MS + stepMs;
      expect(run(first, fromMs, fromMs + 30 * MINUTE_MS, 100).energyMilliWh).toBe(100_000);
    }
  });
});

describe("demand register", () => {
  it("bills a block of 15 minutes at its end: mean of 100 W and 400 W in halves is 250 W, at 12:15", () => {
    const halfway = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + PERIOD_MS / 2, 100);
    const full = run(halfway, NOON_MS + PERIOD_MS / 2, NOON_MS + PERIOD_MS, 400);
    expect(full.maxDemand).toBeNull();
    const next = run(full, NOON_MS + PERIOD_MS, NOON_MS + PERIOD_MS + 1000, 0);
    expect(next.maxDemand?.powerW).toBeCloseTo(250, 9);
    expect(next.maxDemand?.endMs).toBe(NOON_MS + PERIOD_MS);
    expect(runningDemandW(next)).toBe(0);
  });

  it("shares a reading that spans the edge: 10 s with 4 s before it at 360 W", () => {
    const before = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + PERIOD_MS - 4000, 0);
    const reading = { activePowerW: 360, durationMs: 10_000, endMs: NOON_MS + PERIOD_MS + 6000 };
    const state = applyReading(before, reading, PERIOD_MS);
    expect(state.maxDemand?.powerW).toBeCloseTo((360 * 4) / 900, 9);
    expect(state.block).toMatchObject({ startMs: NOON_MS + PERIOD_MS, unbroken: true });
    expect(state.block?.energyMilliJ).toBeCloseTo(360 * 6000, 6);
  });

  it("keeps the highest block, not the last", () => {
    let state = EMPTY_REGISTERS;
    [100, 300, 200, 0].forEach((powerW, n) => {
      state = run(state, NOON_MS + n * PERIOD_MS, NOON_MS + (n + 1) * PERIOD_MS, powerW);
    });
    expect(state.maxDemand).toEqual({ powerW: 300, endMs: NOON_MS + 2 * PERIOD_MS });
  });

  it("has a running mean of 150 W and no maximum yet while no block is complete", () => {
    const state = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + MINUTE_MS, 150);
    expect(maxDemandW(state)).toBe(0);
    expect(runningDemandW(state)).toBeCloseTo(150, 9);
    expect(maxDemandW(EMPTY_REGISTERS)).toBe(0);
  });

  it("does not bill the first block, met at 12:07, but the next", () => {
    const second = run(EMPTY_REGISTERS, NOON_MS + 7 * MINUTE_MS, NOON_MS + PERIOD_MS + 2000, 500);
    expect(second.maxDemand).toBeNull();
    const third = run(second, NOON_MS + PERIOD_MS + 2000, NOON_MS + 2 * PERIOD_MS + 1000, 100);
    expect(third.maxDemand?.powerW).toBeLessThan(102);
  });

  it("does not bill a block with a power cut of 5 s in it, nor one with 5 s of samples lost", () => {
    const before = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + 5 * MINUTE_MS, 100);
    for (const state of [before, afterPowerUp(before)]) {
      const after = run(state, NOON_MS + 5 * MINUTE_MS + 5000, NOON_MS + PERIOD_MS + 1000, 100);
      expect(after.maxDemand).toBeNull();
    }
  });

  it("does not bill a block that the clock stretched or cut short, and bills the whole one after it", () => {
    for (const stepMs of [-5, -2, 2, 5, 15].map((minutes) => minutes * MINUTE_MS)) {
      const before = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + 7 * MINUTE_MS, 900);
      const setMs = NOON_MS + 7 * MINUTE_MS + stepMs;
      const blockEndMs = Math.ceil(setMs / PERIOD_MS) * PERIOD_MS;
      const disturbed = run(before, setMs, blockEndMs + 1000, 900);
      expect(disturbed.maxDemand).toBeNull();
      const whole = run(disturbed, blockEndMs + 1000, blockEndMs + PERIOD_MS + 1000, 200);
      expect(whole.maxDemand?.powerW).toBeGreaterThanOrEqual(200);
      expect(whole.maxDemand?.powerW).toBeLessThan(201);
    }
  });

  it("bills nothing when the clock jumps back and forth within a block", () => {
    let state = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + 7 * MINUTE_MS, 100);
    state = run(state, NOON_MS + 2 * MINUTE_MS, NOON_MS + 4 * MINUTE_MS, 100);
    state = run(state, NOON_MS + 9 * MINUTE_MS, NOON_MS + PERIOD_MS + 1000, 100);
    expect(state.maxDemand).toBeNull();
  });

  it("takes time stamps with 20 ms of grain and windows of 1000.1 ms as one unbroken hour", () => {
    let state = EMPTY_REGISTERS;
    for (let k = 1; k <= 3600; k += 1) {
      const endMs = NOON_MS + k * 1000 + ((k * 7) % 41) - 20;
      const activePowerW = 100 - Math.floor(k / 901);
      state = applyReading(state, { activePowerW, durationMs: 1000.1, endMs }, PERIOD_MS);
    }
    expect(state.maxDemand?.powerW).toBeCloseTo(100, 6);
    expect(state.maxDemand?.endMs).toBe(NOON_MS + PERIOD_MS);
  });

  it("does not take an unknown power for no power: a block with 10 s of NaN is not billed", () => {
    const before = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + 5 * MINUTE_MS, 100);
    const gap = run(before, NOON_MS + 5 * MINUTE_MS, NOON_MS + 5 * MINUTE_MS + 10_000, Number.NaN);
    const after = run(gap, NOON_MS + 5 * MINUTE_MS + 10_000, NOON_MS + PERIOD_MS + 1000, 100);
    expect(after.maxDemand).toBeNull();
  });

  it("gives up the block when the period is configured anew", () => {
    const before = run(EMPTY_REGISTERS, NOON_MS, NOON_MS + 5 * MINUTE_MS, 100);
    const reading = { activePowerW: 50, durationMs: 1000, endMs: NOON_MS + 5 * MINUTE_MS + 1000 };
    expect(applyReading(before, reading, MINUTE_MS).block).toMatchObject({
      periodMs: MINUTE_MS,
      coveredMs: 1000,
    });
  });
});

describe("registers that are raised to what was shown", () => {
  it("go on from 12.345 Wh where they had less, and stay where they had more", () => {
    const low = { ...EMPTY_REGISTERS, energyMilliWh: 12_000, energyRemainderMilliJ: 7 };
    expect(raisedTo(low, 12.345)).toEqual({ ...low, energyMilliWh: 12_345, energyRemainderMilliJ: 0 });
    expect(raisedTo(low, 11.9)).toBe(low);
  });
});
