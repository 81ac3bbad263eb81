/** What a meter's kept record must look like before it is believed. */
import { z } from "zod";
import { READING_FLAGS } from "../core/reading.js";

const finite = z.number();
const atLeastZero = finite.min(0);
const flags = z.array(z.enum(READING_FLAGS));

const registersSchema = z.strictObject({
  energyMilliWh: z.int().min(0),
  energyRemainderMilliJ: atLeastZero.max(3600),
  block: z
    .strictObject({
      periodMs: atLeastZero,
      startMs: finite,
      lastEndMs: finite,
      coveredMs: atLeastZero,
      energyMilliJ: atLeastZero,
      unbroken: z.boolean(),
    })
    .nullable(),
  maxDemand: z.strictObject({ powerW: atLeastZero, endMs: finite }).nullable(),
});

const readingSchema = z.strictObject({
  currentA: finite,
  voltageV: finite,
  voltageSource: z.enum(["measured", "nominal"]),
  activePowerW: finite,
  apparentPowerVa: finite,
  reactivePowerVar: finite,
  powerFactor: finite,
  frequencyHz: finite,
  energyWh: atLeastZero,
  maxDemandW: finite,
  runningDemandW: finite,
  samples: z.int().min(0),
  sampleRateHz: atLeastZero,
  flags,
  durationMs: atLeastZero,
  endMs: finite,
});

const intervalSchema = z.strictObject({
  readings: z.int().min(1),
  currentSquaresA2: atLeastZero,
  voltageSquaresV2: atLeastZero,
  activePowerW: finite,
  reactivePowerVar: finite,
  frequencyHz: atLeastZero,
  measuredFrequencies: z.int().min(0),
  measuredFrequencyHz: atLeastZero,
  samples: z.int().min(0),
  lengthMs: atLeastZero,
  flags,
  last: readingSchema,
});

export const recordSchema = z.strictObject({
  registers: registersSchema,
  open: z.strictObject({ sequence: z.int().min(1), interval: intervalSchema }).nullable(),
});
