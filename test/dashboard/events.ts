/** Plausible events to show. */
import { type Config, configSchema } from "../../rig/core/config.js";
import type {
  ModemEvent,
  ModemState,
  ReadingEvent,
  ReceivedEvent,
  RigEvent,
  TimedEvent,
} from "../../rig/core/events.js";
import type { Waveform } from "../../rig/dashboard/view-state.js";

export const START_MS = Date.UTC(2026, 0, 1);

/** @param ids the meters, each with a voltage sensor on A1 */
export function benchConfig(...ids: string[]): Config {
  return configSchema.parse({ meters: ids.map((id) => ({ id, voltage: {} })) });
}

/** The same with a virtual modem. */
export function modemConfig(...ids: string[]): Config {
  return { ...benchConfig(...ids), modem: configSchema.shape.modem.parse({ port: "virtual" }) };
}

export function modem(state: ModemState, detail: string, changed: Partial<ModemEvent> = {}): ModemEvent {
  return { event: "modem", state, detail, signal: null, operator: null, ...changed };
}

export function at(atMs: number, event: RigEvent): TimedEvent {
  return { ...event, time: new Date(atMs).toISOString() };
}

/** Four lamps: 400 W at 230 V. */
export function reading(meter: string, changed: Partial<ReadingEvent> = {}): ReadingEvent {
  return {
    event: "reading",
    meter,
    currentA: 1.739,
    voltageV: 230.1,
    voltageSource: "measured",
    activePowerW: 400.1,
    apparentPowerVa: 400.2,
    reactivePowerVar: 8.9,
    powerFactor: 0.998,
    frequencyHz: 50.01,
    energyWh: 12.41,
    maxDemandW: 402.7,
    runningDemandW: 399,
    samples: 333,
    sampleRateHz: 333.3,
    flags: [],
    measuredAt: new Date(START_MS).toISOString(),
    ...changed,
  };
}

export function received(
  meter: string,
  sequence: number,
  changed: Partial<ReceivedEvent> = {},
): ReceivedEvent {
  return {
    ...reading(meter),
    event: "received",
    sequence,
    via: null,
    delayed: false,
    lengthMs: 10_000,
    ...changed,
  };
}

export function ready(meter: string): RigEvent {
  return {
    event: "board",
    meter,
    state: "ready",
    firmware: "StandardFirmata 2.5",
    port: `virtual:${meter}`,
  };
}

export function display(meter: string, first: string, second: string): RigEvent {
  return { event: "display", meter, lines: [first.padEnd(16), second.padEnd(16)] };
}

/** A second of 50 Hz, sampled every 3 ms. */
export function sineWaveform(peakA: number, peakV: number | null): Waveform {
  const wave = (peak: number) =>
    Float64Array.from({ length: 333 }, (_, index) => peak * Math.sin(2 * Math.PI * 0.05 * 3 * index + 1));
  return { currentA: wave(peakA), voltageV: peakV === null ? null : wave(peakV), intervalMs: 3 };
}
