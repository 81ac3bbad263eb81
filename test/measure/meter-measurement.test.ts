import { describe, expect, it } from "vitest";
import { configSchema, type MeterConfig } from "../../rig/core/config.js";
import { type Measurement, MeterMeasurement } from "../../rig/measure/meter-measurement.js";
import { applyReading, EMPTY_REGISTERS, type Registers } from "../../rig/measure/registers.js";
import { ManualClock } from "../support/manual-clock.js";
import { type Mains, sampleMains, tickTimesS } from "./synthetic.js";

const NOON_MS = Date.UTC(2026, 5, 1, 12);

function meterConfig(voltage: boolean): MeterConfig {
  const config = configSchema.parse({ meters: [{ id: "main", ...(voltage ? { voltage: {} } : {}) }] });
  return config.meters[0] as MeterConfig;
}

function measure(intervalMs: number, voltage: boolean, registers: Registers = EMPTY_REGISTERS) {
  const clock = new ManualClock(NOON_MS);
  const measurement = new MeterMeasurement({
    meter: meterConfig(voltage),
    mains: { volts: 230, hz: 50 },
    readingMs: 1000,
    intervalMs,
    demandPeriodMs: 900_000,
    channelSkewUs: 147,
    clock,
    registers,
  });
  return { clock, measurement };
}

/** Pushes so many seconds of samples; the clock follows second by second. */
async function feed(
  { clock, measurement }: ReturnType<typeof measure>,
  seconds: number,
  intervalMs: number,
  mains: Mains,
  voltage: boolean,
): Promise<Measurement[]> {
  const startMs = clock.steadyMs();
  const timesS = tickTimesS(intervalMs, Math.ceil((seconds * 1000) / intervalMs), 3);
  const codes = sampleMains(timesS, mains);
  const measured: Measurement[] = [];
  for (let k = 0; k < timesS.length; k += 1) {
    const arrivalMs = startMs + k * intervalMs;
    if (arrivalMs >= clock.steadyMs() + 1000) await clock.advance(1000);
    const results = [measurement.push(0, codes.current[k] as number, arrivalMs)];
    if (voltage) results.push(measurement.push(1, codes.voltage[k] as number, arrivalMs));
    for (const result of results) if (result !== null) measured.push(result);
  }
  return measured;
}

describe("MeterMeasurement", () => {
  it("reads 2 lamps with A0 and A1 at 3 ms: 200 W, 230 V, 333.3 Hz a channel, 333 or 334 samples", async () => {
    const measured = await feed(measure(3, true), 10, 3, { currentA: 200 / 230 }, true);
    expect(measured).toHaveLength(10);
    for (const { reading, waveform } of measured) {
      expect(Math.abs(reading.durationMs / (3 * reading.samples) - 1)).toBeLessThan(0.0012);
      expect(Math.abs(reading.activePowerW / 200 - 1)).toBeLessThan(0.01);
      expect(Math.abs(reading.voltageV / 230 - 1)).toBeLessThan(0.005);
      expect(Math.abs(reading.sampleRateHz - 1000 / 3)).toBeLessThan(0.4);
      expect([333, 334]).toContain(reading.samples);
      expect(reading.flags).toEqual([]);
      expect(waveform.currentA).toHaveLength(reading.samples);
    }
    // 200 W for 10 s are 0.5556 Wh.
    expect(measured.at(-1)?.reading.energyWh).toBeCloseTo(0.5556, 2);
  });

  it("reads A0 alone at 1 ms with nominal voltage and says so", async () => {
    const measured = await feed(measure(1, false), 3, 1, { currentA: 1 }, false);
    expect(measured).toHaveLength(3);
    for (const { reading } of measured) {
      expect(reading).toMatchObject({ voltageV: 230, voltageSource: "nominal", flags: ["nominal-voltage"] });
      expect(Math.abs(reading.activePowerW / 230 - 1)).toBeLessThan(0.005);
    }
  });

  it("dates a reading by the wall clock at its window's end", async () => {
    const measured = await feed(measure(1, false), 2, 1, { currentA: 1 }, false);
    expect(measured.map(({ reading }) => Math.round((reading.endMs - NOON_MS) / 5) * 5)).toEqual([
      1000, 2000,
    ]);
  });

  it("goes on counting from the registers it was given, but not in their demand block", async () => {
    const reading = { activePowerW: 3600, durationMs: 1000, endMs: NOON_MS };
    const earlier = applyReading(EMPTY_REGISTERS, reading, 900_000);
    const under = measure(1, false, earlier);
    const measured = await feed(under, 1, 1, { currentA: 1 }, false);
    expect(measured[0]?.reading.energyWh).toBeCloseTo(1 + 230 / 3600, 2);
    expect(measured[0]?.reading.runningDemandW).toBeCloseTo(230, -1);
    expect(under.measurement.registers.energyMilliWh).toBe(
      Math.round((measured[0]?.reading.energyWh as number) * 1000),
    );
  });

  it("comes back after a reset at another interval with its energy", async () => {
    const under = measure(1, false);
    const before = await feed(under, 2, 1, { currentA: 1 }, false);
    under.measurement.restart(11);
    const after = await feed(under, 2, 11, { currentA: 1 }, false);
    expect(after[0]?.reading.energyWh).toBeGreaterThan(before[1]?.reading.energyWh as number);
    expect(after[0]?.reading.samples).toBe(91);
  });

  it("corrects the skew the other way when the voltage is scanned first", async () => {
    const config = configSchema.parse({
      meters: [{ id: "main", current: { pin: "A1" }, voltage: { pin: "A0" } }],
    });
    const clock = new ManualClock(NOON_MS);
    const measurement = new MeterMeasurement({
      meter: config.meters[0] as MeterConfig,
      mains: { volts: 230, hz: 50 },
      readingMs: 1000,
      intervalMs: 3,
      demandPeriodMs: 900_000,
      channelSkewUs: 147,
      clock,
      registers: EMPTY_REGISTERS,
    });
    // The bench samples its current first and its voltage 147 us later; here the two change places, so that a voltage which
    // leads by 60 degrees is a current that leads by 60 degrees.
    const codes = sampleMains(tickTimesS(3, 334, 0), {
      currentA: 5.75,
      voltageV: 40,
      lagRad: Math.PI / 3,
    });
    let measured: Measurement | null = null;
    for (let k = 0; k < 334; k += 1) {
      measurement.push(0, codes.current[k] as number, k * 3);
      measured = measurement.push(1, codes.voltage[k] as number, k * 3) ?? measured;
    }
    expect(measured?.reading.powerFactor).toBeCloseTo(0.5, 2);
    expect(measured?.reading.reactivePowerVar).toBeLessThan(0);
  });
});
