/** The centre's database as a table, and its columns as the report's fields. Units stand in the names. */
import type { Report } from "../core/reading.js";

/** PRAGMA user_version of a database with this schema; a change of the schema counts it up and brings a migration. */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
  CREATE TABLE reports (
    id INTEGER PRIMARY KEY,            -- order of arrival
    meter TEXT NOT NULL,
    sequence INTEGER NOT NULL,         -- counts the meter's reports from 1
    start_number INTEGER NOT NULL,     -- the start of the meter it was sealed in
    digest BLOB NOT NULL,              -- SHA-256 of the sealed frame
    received_ms INTEGER NOT NULL,      -- by the centre's clock, ms since 1970
    delayed INTEGER NOT NULL,          -- 1: arrived long after its interval
    via TEXT,                          -- the neighbour that carried it
    end_ms INTEGER NOT NULL,           -- end of the interval by the meter's side, ms since 1970
    length_ms INTEGER NOT NULL,        -- length of the interval that its readings cover
    voltage_v REAL NOT NULL,
    current_a REAL NOT NULL,
    active_power_w REAL NOT NULL,
    apparent_power_va REAL NOT NULL,
    reactive_power_var REAL NOT NULL,
    power_factor REAL NOT NULL,
    frequency_hz REAL NOT NULL,
    energy_wh REAL NOT NULL,
    max_demand_w REAL NOT NULL,
    running_demand_w REAL NOT NULL,
    samples INTEGER NOT NULL,
    sample_rate_hz REAL NOT NULL,
    voltage_source TEXT NOT NULL,      -- measured or nominal
    flags TEXT NOT NULL,               -- JSON array
    UNIQUE (meter, sequence)
  );
  CREATE INDEX reports_by_meter_and_time ON reports (meter, end_ms);
  CREATE INDEX reports_by_time ON reports (end_ms);
  CREATE TABLE announced (last_id INTEGER NOT NULL); -- one row: the last report that a received event has told of
  INSERT INTO announced VALUES (0);
`;

/** A report as the centre keeps it. */
export interface StoredReport extends Report {
  readonly meter: string;
  readonly via: string | null;
  readonly delayed: boolean;
  /** By the centre's clock [ms since 1970]. */
  readonly receivedMs: number;
}

/** A report with what is kept to recognise it again. */
export interface NewReport extends StoredReport {
  readonly start: number;
  readonly digest: Uint8Array;
}

/** Names are the columns; booleans become 0 and 1, since the driver takes no others. */
export function toRow(report: NewReport) {
  return {
    meter: report.meter,
    sequence: report.sequence,
    start_number: report.start,
    digest: Buffer.from(report.digest),
    received_ms: report.receivedMs,
    delayed: report.delayed ? 1 : 0,
    via: report.via,
    end_ms: report.endMs,
    length_ms: report.lengthMs,
    voltage_v: report.voltageV,
    current_a: report.currentA,
    active_power_w: report.activePowerW,
    apparent_power_va: report.apparentPowerVa,
    reactive_power_var: report.reactivePowerVar,
    power_factor: report.powerFactor,
    frequency_hz: report.frequencyHz,
    energy_wh: report.energyWh,
    max_demand_w: report.maxDemandW,
    running_demand_w: report.runningDemandW,
    samples: report.samples,
    sample_rate_hz: report.sampleRateHz,
    voltage_source: report.voltageSource,
    flags: JSON.stringify(report.flags),
  };
}

export type ReportRow = ReturnType<typeof toRow>;

export const COLUMNS: readonly (keyof ReportRow)[] = [
  "meter",
  "sequence",
  "start_number",
  "digest",
  "received_ms",
  "delayed",
  "via",
  "end_ms",
  "length_ms",
  "voltage_v",
  "current_a",
  "active_power_w",
  "apparent_power_va",
  "reactive_power_var",
  "power_factor",
  "frequency_hz",
  "energy_wh",
  "max_demand_w",
  "running_demand_w",
  "samples",
  "sample_rate_hz",
  "voltage_source",
  "flags",
];

export function fromRow(row: ReportRow): StoredReport {
  return {
    meter: row.meter,
    sequence: row.sequence,
    receivedMs: row.received_ms,
    delayed: row.delayed === 1,
    via: row.via,
    endMs: row.end_ms,
    lengthMs: row.length_ms,
    voltageV: row.voltage_v,
    voltageSource: row.voltage_source,
    currentA: row.current_a,
    activePowerW: row.active_power_w,
    apparentPowerVa: row.apparent_power_va,
    reactivePowerVar: row.reactive_power_var,
    powerFactor: row.power_factor,
    frequencyHz: row.frequency_hz,
    energyWh: row.energy_wh,
    maxDemandW: row.max_demand_w,
    runningDemandW: row.running_demand_w,
    samples: row.samples,
    sampleRateHz: row.sample_rate_hz,
    flags: JSON.parse(row.flags) as StoredReport["flags"],
  };
}
