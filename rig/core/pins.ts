/**
 * What a ready board's pins can do for the stages after it, by Firmata's pin numbers (D2 is 2, A0 is 14).
 * Eight pins make a port, pin >> 3: port 0 is D0-D7, port 1 is D8-D13, A0 and A1, port 2 is A2-A5; bit = pin & 7.
 */

/** `pullup` for every input that shares a port with written pins: a plain input there turns its pull-up on at random. */
export type PinMode = "output" | "pullup";

export interface BoardPins {
  setMode(pin: number, mode: PinMode): void;
  /**
   * Sends one digital port message (3 bytes, 510 us on the wire) whether or not anything changes: the pins in `mask` take
   * their bits of `levels`, the port's other pins keep what was last written. Repeats that change nothing are a pace-maker.
   */
  writePort(port: number, mask: number, levels: number): void;
  /** Calls `listener` with the level at every change of an input that is reported; the returned function stops it. */
  onInput(pin: number, listener: (level: 0 | 1) => void): () => void;
  /** Writes to an I2C device on A4/A5; long writes are cut into requests the firmware can hold. */
  writeI2c(address: number, bytes: Uint8Array): void;
}
