/**
 * The kinds of values that the configuration is made of: text as people write it -> checked value, or a sentence that says what is
 * allowed.
 */
import { z } from "zod";
import { formatDuration, parseDurationMs } from "./duration.js";
import { ANALOG_PINS, DIGITAL_PINS, type DigitalPin } from "./pin-names.js";

export const digitalPin = z
  .union([z.enum([...DIGITAL_PINS, ...ANALOG_PINS]), z.literal([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])], {
    error: `a digital pin: D2 to D13, or A0 to A5 (D0 and D1 are the USB serial line)`,
  })
  .transform((pin): DigitalPin => (typeof pin === "number" ? (`D${pin}` as DigitalPin) : pin));
export const analogPin = z.enum(ANALOG_PINS, { error: "a pin that can measure: A0 to A5" });

/** Text such as "10s" -> milliseconds, between the two limits. */
export const duration = (minMs: number, maxMs: number) => {
  const allowed = `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}, such as 500ms, 10s, 15m or 1h`;
  return z
    .string({ error: allowed })
    .transform((text) => parseDurationMs(text) ?? Number.NaN)
    .pipe(z.number({ error: allowed }).min(minMs, { error: allowed }).max(maxMs, { error: allowed }));
};
/** @param unit as it is said after the limits; "" for none */
export const number = (min: number, max: number, unit: string) => {
  const allowed = `a number from ${min} to ${max}${unit === "" ? "" : ` ${unit}`}`;
  return z.number({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed });
};
export const wholeNumber = (min: number, max: number, unit: string) => {
  const allowed = `a whole number from ${min} to ${max}${unit === "" ? "" : ` ${unit}`}`;
  return z.int({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed });
};
/** Some text, any. @param what to say where there is none */
export const text = (what: string) => z.string({ error: what }).min(1, { error: what });
/** What files and topics are named by. @param what it names */
export const name = (what: string) =>
  z
    .string({ error: `${what}: letters, digits, - and _, at most 24` })
    .regex(/^[A-Za-z0-9_-]{1,24}$/, { error: `${what}: letters, digits, - and _, at most 24` });
