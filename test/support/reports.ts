/** A report of one lamp of 100 W over 10 s, to vary. */
import type { Report } from "../../rig/core/reading.js";

export function lampReport(changes: Partial<Report> = {}): Report {
  return {
    sequence: 1,
    endMs: Date.UTC(2026, 0, 1, 0, 0, 10),
    lengthMs: 9999,
    voltageV: 230.04,
    voltageSource: "measured",
    currentA: 0.43481,
    activePowerW: 100.02,
    apparentPowerVa: 100.02,
    reactivePowerVar: 0.35,
    powerFactor: 1,
    frequencyHz: 50.002,
    energyWh: 12.345,
    maxDemandW: 99.87,
    runningDemandW: 99.84,
    samples: 3333,
    sampleRateHz: 333.33,
    flags: [],
    ...changes,
  };
}
