/**
 * A meter's newest reading as the list of values that the panel and the help screen show, in one order. Pure.
 */
import type { ReadingFlag } from "../core/reading.js";
import {
  formatCurrent,
  formatEnergy,
  formatFrequency,
  formatPower,
  formatPowerFactor,
  formatRate,
  formatVoltage,
} from "./format.js";
import type { MeterView } from "./view-state.js";

export interface Value {
  readonly name: string;
  /** Goes with "nominal". */
  readonly short: string;
  readonly symbol: string;
  readonly number: string;
  readonly unit: string;
  /** Not measured: the configured mains stand in. */
  readonly nominal: boolean;
}

const FLAG_NOTES: Readonly<Record<ReadingFlag, string>> = {
  "nominal-voltage": "voltage nominal",
  clipped: "ADC clipped",
  "too-few-phases": "too few phases seen",
  "load-changed": "load changed",
  "below-creep": "no load",
  "sine-assumed": "sine assumed",
  "nominal-frequency": "frequency nominal",
  incomplete: "samples missing",
  "power-factor-clamped": "power factor limited to 1",
};

/** Most important first: the small panel shows the first four beside the LCD and the next six below. */
export function valuesOf({ reading }: MeterView): readonly Value[] {
  const nominalVoltage = reading?.voltageSource === "nominal";
  const nominalFrequency = reading?.flags.includes("nominal-frequency") ?? false;
  const list: readonly [string, string, string, { number: string; unit: string }, boolean][] = [
    ["active power", "power", "P", formatPower(reading?.activePowerW ?? null, "W"), false],
    ["current", "current", "I", formatCurrent(reading?.currentA ?? null), false],
    ["voltage", "volts", "U", formatVoltage(reading?.voltageV ?? null), nominalVoltage],
    ["power factor", "PF", "λ", formatPowerFactor(reading?.powerFactor ?? null), nominalVoltage],
    ["frequency", "freq.", "f", formatFrequency(reading?.frequencyHz ?? null), nominalFrequency],
    ["apparent power", "app.", "S", formatPower(reading?.apparentPowerVa ?? null, "VA"), false],
    ["reactive power", "react.", "Q", formatPower(reading?.reactivePowerVar ?? null, "var"), false],
    ["energy", "energy", "E", formatEnergy(reading?.energyWh ?? null), false],
    ["maximum demand", "demand", "Pmax", formatPower(reading?.maxDemandW ?? null, "W"), false],
    ["sample rate", "rate", "fs", formatRate(reading?.sampleRateHz ?? null), false],
  ];
  return list.map(([name, short, symbol, { number, unit }, nominal]) => ({
    name,
    short,
    symbol,
    number,
    unit,
    nominal,
  }));
}

export function isNominal({ reading }: MeterView): boolean {
  return reading?.voltageSource === "nominal";
}

/** What limits the trust in the newest reading, in words; empty if nothing does. */
export function notesOf({ reading }: MeterView): string {
  return (reading?.flags ?? []).map((flag) => FLAG_NOTES[flag] ?? flag).join(", ");
}
