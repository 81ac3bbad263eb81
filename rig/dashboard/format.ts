/**
 * Numbers and times as people read them: fixed decimals, so that aligned numbers do not jump. Pure.
 */
export interface Quantity {
  readonly number: string;
  readonly unit: string;
}

/** Shown for what is not known. */
export const UNKNOWN = "–";

/** @param value a quantity in `unit`; null, NaN and infinities are shown as unknown */
function quantity(value: number | null, decimals: number, unit: string): Quantity {
  if (value === null || !Number.isFinite(value)) return { number: UNKNOWN, unit };
  const number = value.toFixed(decimals);
  return { number: Number(number) === 0 ? (0).toFixed(decimals) : number, unit };
}

export function formatCurrent(currentA: number | null): Quantity {
  return quantity(currentA, 3, "A");
}

export function formatVoltage(voltageV: number | null): Quantity {
  return quantity(voltageV, 1, "V");
}

/** @param power [W], [VA] or [var]; from 10000 on without decimals */
export function formatPower(power: number | null, unit: "W" | "VA" | "var"): Quantity {
  return quantity(power, power !== null && Math.abs(power) >= 9999.95 ? 0 : 1, unit);
}

export function formatPowerFactor(powerFactor: number | null): Quantity {
  return quantity(powerFactor, 3, "");
}

export function formatFrequency(frequencyHz: number | null): Quantity {
  return quantity(frequencyHz, 2, "Hz");
}

/** Wh up to 9999.99, then kWh. */
export function formatEnergy(energyWh: number | null): Quantity {
  if (energyWh !== null && energyWh >= 9999.995) return quantity(energyWh / 1000, 2, "kWh");
  return quantity(energyWh, 2, "Wh");
}

export function formatRate(sampleRateHz: number | null): Quantity {
  return quantity(sampleRateHz, 1, "/s");
}

/** Local time of day, "21:14:07". */
export function formatTimeOfDay(timeMs: number): string {
  const time = new Date(timeMs);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** Hours, minutes and seconds that have passed, "0:12:41". */
export function formatElapsed(elapsedMs: number): string {
  const seconds = Math.max(0, Math.floor(elapsedMs / 1000));
  const pad = (part: number) => String(part).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
}
