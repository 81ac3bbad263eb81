/**
 * The transistor between a pin of a virtual board and the modem's PWRKEY: the pin's level -> whether the key is pressed.
 * The base has a resistor to ground, so an open pin, or a dead board, leaves the key alone; a pull-up is enough to press it.
 */
import type { Config } from "../core/config.js";
import { firmataPin } from "../core/pin-names.js";
import type { VirtualBench } from "./bench.js";

/** Calls `onChange` at every change; not at all where the configuration names no key, or one on a real board. */
export function watchPowerKey(
  bench: VirtualBench,
  { modem }: Config,
  onChange: (pressed: boolean) => void,
): void {
  const powerKey = modem === "none" ? undefined : modem.powerKey;
  if (powerKey === undefined || !bench.meterIds.includes(powerKey.meter)) return;
  const { pins } = bench.board(powerKey.meter);
  const pin = firmataPin(powerKey.pin);
  let pressed = false;
  pins.onPortChange(() => {
    const isHigh = pins.level(pin, 0) === 1;
    if (isHigh === pressed) return;
    pressed = isHigh;
    onChange(pressed);
  });
}
