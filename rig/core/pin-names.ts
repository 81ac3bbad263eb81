/** The pins of an UNO by the names that are printed beside them, and the numbers that Firmata gives them. */

/** Pins of an UNO that can be used; D0 and D1 are the USB serial line. */
export const DIGITAL_PINS = [
  "D2",
  "D3",
  "D4",
  "D5",
  "D6",
  "D7",
  "D8",
  "D9",
  "D10",
  "D11",
  "D12",
  "D13",
] as const;
export const ANALOG_PINS = ["A0", "A1", "A2", "A3", "A4", "A5"] as const;
export type AnalogPin = (typeof ANALOG_PINS)[number];
export type DigitalPin = (typeof DIGITAL_PINS)[number] | AnalogPin;

/** Firmata's number of a pin: D2 -> 2, A0 -> 14. */
export function firmataPin(pin: DigitalPin): number {
  const number = Number(pin.slice(1));
  return pin.startsWith("A") ? 14 + number : number;
}

/** ADC channel of an analog pin: A0 -> 0. */
export function analogChannel(pin: AnalogPin): number {
  return Number(pin.slice(1));
}
