/** A board that only writes down what reaches its pins: one entry for each message, in order. */
import { type DigitalPin, firmataPin } from "../../rig/core/pin-names.js";
import type { BoardPins, PinMode } from "../../rig/core/pins.js";
import type { LcdLevels } from "./lcd-glass.js";

export class RecordingPins implements BoardPins {
  readonly modes = new Map<number, PinMode>();
  /** All ports' bytes after each port message. */
  readonly messages: (readonly [number, number, number])[] = [];
  readonly requests: { readonly address: number; readonly bytes: readonly number[] }[] = [];
  #ports: readonly [number, number, number] = [0, 0, 0];

  setMode(pin: number, mode: PinMode): void {
    this.modes.set(pin, mode);
  }

  writePort(port: number, mask: number, levels: number): void {
    const ports: [number, number, number] = [...this.#ports];
    ports[port] = ((ports[port] ?? Number.NaN) & ~mask) | (levels & mask);
    this.#ports = ports;
    this.messages.push(ports);
  }

  onInput(): () => void {
    return () => undefined;
  }

  writeI2c(address: number, bytes: Uint8Array): void {
    this.requests.push({ address, bytes: [...bytes] });
  }
}

export interface LcdWiring {
  readonly rs: DigitalPin;
  readonly e: DigitalPin;
  readonly d4: DigitalPin;
  readonly d5: DigitalPin;
  readonly d6: DigitalPin;
  readonly d7: DigitalPin;
}

/** What the display's wires carry after a port message. */
export function levelsOf(ports: readonly [number, number, number], wiring: LcdWiring): LcdLevels {
  const high = (pin: DigitalPin) => ((ports[firmataPin(pin) >> 3] ?? 0) >> (firmataPin(pin) & 7)) & 1;
  return {
    rs: high(wiring.rs) === 1,
    e: high(wiring.e) === 1,
    nibble: high(wiring.d4) | (high(wiring.d5) << 1) | (high(wiring.d6) << 2) | (high(wiring.d7) << 3),
  };
}
