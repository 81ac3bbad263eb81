/**
 * The bytes of one report before sealing: Report <-> 33 bytes, always the same length, so that its length says nothing.
 * FIELDS is the layout: bits from the most significant of the first byte on, in this order, then the flags.
 */
import { FrameError } from "../core/errors.js";
import { READING_FLAGS, type ReadingFlag, type Report } from "../core/reading.js";

/** What follows from the other fields, and what travels in the header, has no bits here. */
type FieldName = Exclude<
  { [K in keyof Report]: Report[K] extends number ? K : never }[keyof Report],
  "sequence" | "apparentPowerVa" | "powerFactor" | "sampleRateHz"
>;

interface Field {
  readonly name: FieldName;
  readonly bits: number;
  readonly signed: boolean;
  readonly unit: string;
  /** Steps of the field for one unit; steps = (value - offset) * stepsPerUnit, rounded. */
  readonly stepsPerUnit: number;
  readonly offset: number;
}

export const FIELDS: readonly Field[] = [
  // end of the interval, from 2026-01-01 UTC on, until June 2043
  { name: "endMs", bits: 39, signed: false, unit: "ms", stepsPerUnit: 1, offset: Date.UTC(2026, 0, 1) },
  { name: "lengthMs", bits: 22, signed: false, unit: "ms", stepsPerUnit: 1, offset: 0 }, // to 4194 s
  // an hour at 1000/s is 3.6 million of 4.19 million
  { name: "samples", bits: 22, signed: false, unit: "samples", stepsPerUnit: 1, offset: 0 },
  { name: "voltageV", bits: 16, signed: false, unit: "V", stepsPerUnit: 100, offset: 0 }, // to 655 V
  { name: "currentA", bits: 22, signed: false, unit: "A", stepsPerUnit: 100_000, offset: 0 }, // to 41.9 A
  { name: "activePowerW", bits: 23, signed: true, unit: "W", stepsPerUnit: 100, offset: 0 }, // +-41.9 kW
  { name: "reactivePowerVar", bits: 23, signed: true, unit: "var", stepsPerUnit: 100, offset: 0 },
  // 2 mHz, since 1 mHz would end at 65.5 Hz and mains of 70 Hz can be configured
  { name: "frequencyHz", bits: 16, signed: false, unit: "Hz", stepsPerUnit: 500, offset: 0 }, // to 131 Hz
  { name: "energyWh", bits: 35, signed: false, unit: "Wh", stepsPerUnit: 1000, offset: 0 }, // to 34.3 MWh
  { name: "maxDemandW", bits: 22, signed: false, unit: "W", stepsPerUnit: 100, offset: 0 }, // to 41.9 kW
  // 1.28 W a step, so that it reaches as far as the powers do
  { name: "runningDemandW", bits: 15, signed: false, unit: "W", stepsPerUnit: 0.78125, offset: 0 }, // to 41.9 kW
];
/** Bit i, counted from the least significant, is READING_FLAGS[i]: none is left, a further flag needs a new version. */
const FLAG_BITS = 9;
export const REPORT_BYTES = 33;

/** What to check when a value does not fit; the sensor's settings for all that is measured. */
const CHECKS: Partial<Record<FieldName, string>> = {
  endMs: "check the PC's clock",
  lengthMs: "check report.every in the configuration",
  samples: "check report.every in the configuration",
  frequencyHz: "check mains.hz in the configuration",
  energyWh: "the energy register has outgrown the frame: give the meter a new id",
};
const CHECK_SENSOR = "check the sensor's settings in the configuration (ratio, burden, gain)";

/**
 * @param report its sequence is not part of these bytes: it travels in the header of the sealed frame
 * @returns REPORT_BYTES bytes
 * @throws FrameError "frame/not-a-number" or "frame/out-of-range", naming field and value. Nothing is limited silently; the
 *   interval's energy is still in the register, which the next report carries, so report the loss and go on.
 */
export function encodeReport(report: Report): Uint8Array {
  let packed = 0n;
  for (const field of FIELDS) {
    packed =
      (packed << BigInt(field.bits)) | BigInt.asUintN(field.bits, BigInt(toSteps(field, report[field.name])));
  }
  packed = (packed << BigInt(FLAG_BITS)) | BigInt(packFlags(report));
  return Uint8Array.from(Buffer.from(packed.toString(16).padStart(2 * REPORT_BYTES, "0"), "hex"));
}

/** @throws FrameError "frame/length"; any other bytes are some report */
export function decodeReport(bytes: Uint8Array, sequence: number): Report {
  if (bytes.length !== REPORT_BYTES) {
    throw new FrameError("frame/length", `a report of ${bytes.length} bytes: it must be ${REPORT_BYTES}`);
  }
  let packed = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  const take = (bits: number) => {
    const raw = BigInt.asUintN(bits, packed);
    packed >>= BigInt(bits);
    return raw;
  };
  const flags = unpackFlags(Number(take(FLAG_BITS)));
  const values = {} as Record<FieldName, number>;
  for (const { name, bits, signed, stepsPerUnit, offset } of [...FIELDS].reverse()) {
    const raw = take(bits);
    values[name] = Number(signed ? BigInt.asIntN(bits, raw) : raw) / stepsPerUnit + offset;
  }
  return {
    sequence,
    ...values,
    ...derive(values),
    voltageSource: flags.includes("nominal-voltage") ? "nominal" : "measured",
    flags,
  };
}

/** The report as the centre will read it: rounded to the steps of the frame, with the derived values of the receiver. */
export function quantise(report: Report): Report {
  return decodeReport(encodeReport(report), report.sequence);
}

/**
 * What the frame leaves out because it follows from the rest: S = V I [0.01 VA], the power factor P / S [0.0001] and the rate
 * samples / length [0.01 Hz], 0 for a length of 0.
 */
function derive({ voltageV, currentA, activePowerW, samples, lengthMs }: Record<FieldName, number>) {
  const apparentPowerVa = Math.round(voltageV * currentA * 100) / 100;
  // The steps of P and S can put |P| a hair above S.
  const ratio = apparentPowerVa === 0 ? 0 : Math.max(-1, Math.min(1, activePowerW / apparentPowerVa));
  return {
    apparentPowerVa,
    powerFactor: Math.round(ratio * 10_000) / 10_000,
    sampleRateHz: lengthMs === 0 ? 0 : Math.round((100_000 * samples) / lengthMs) / 100,
  };
}

function toSteps(field: Field, value: number): number {
  if (!Number.isFinite(value)) {
    throw new FrameError(
      "frame/not-a-number",
      `the report's ${field.name} is ${value}: it must be a number of ${field.unit}`,
    );
  }
  const steps = Math.round((value - field.offset) * field.stepsPerUnit);
  const least = field.signed ? -(2 ** (field.bits - 1)) : 0;
  const most = least + 2 ** field.bits - 1;
  if (steps >= least && steps <= most) return steps;
  const inUnits = (limit: number) => limit / field.stepsPerUnit + field.offset;
  throw new FrameError(
    "frame/out-of-range",
    `the report's ${field.name} is ${value} ${field.unit}: a frame holds ${inUnits(least)} to ${inUnits(most)} ${field.unit}`,
    { hint: CHECKS[field.name] ?? CHECK_SENSOR },
  );
}

function packFlags(report: Report): number {
  return READING_FLAGS.reduce((bits, flag, index) => {
    const set =
      report.flags.includes(flag) || (flag === "nominal-voltage" && report.voltageSource === "nominal");
    return set ? bits | (1 << index) : bits;
  }, 0);
}

function unpackFlags(bits: number): ReadingFlag[] {
  return READING_FLAGS.filter((_flag, index) => (bits & (1 << index)) !== 0);
}
