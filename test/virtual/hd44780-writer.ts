/**
 * A minimal 4-bit display driver of the tests' own, as bytes of Firmata port messages; it shares nothing with the rig's.
 * Pins as wired by default: RS D2, E D3, DB4-DB7 D4-D7. Source: HD44780U data sheet, figure 24 and table 6.
 */
import { concat, writePort } from "./firmata-bytes.js";

const RS = 0x04;
const E = 0x08;
/** A port message takes 510 us on the wire; clear and the first steps of the reset need more. */
const PACE_MESSAGES_AFTER_CLEAR = 4;
const PACE_MESSAGES_IN_RESET = 10;

function nibble(rs: number, value: number): Uint8Array {
  const levels = (value << 4) | rs;
  return concat(writePort(0, levels | E), writePort(0, levels));
}

function pause(messages: number): Uint8Array {
  return concat(...Array.from({ length: messages }, () => writePort(0, 0)));
}

function byte(rs: number, value: number): Uint8Array {
  // RS has to stand before E rises (tAS).
  return concat(writePort(0, rs), nibble(rs, value >> 4), nibble(rs, value & 0x0f));
}

/** Reset by instruction, 4 bits, two lines, display on, cleared. */
export function initialiseDisplay(): Uint8Array {
  return concat(
    pause(1),
    ...[3, 3, 3].map((value) => concat(nibble(0, value), pause(PACE_MESSAGES_IN_RESET))),
    nibble(0, 2),
    byte(0, 0x28),
    byte(0, 0x0c),
    byte(0, 0x01),
    pause(PACE_MESSAGES_AFTER_CLEAR),
    byte(0, 0x06),
  );
}

export function writeLine(line: 0 | 1, text: string): Uint8Array {
  return concat(byte(0, 0x80 | (line * 0x40)), ...[...text].map((char) => byte(RS, char.charCodeAt(0))));
}

/** The same over a PCF8574 (P0 RS, P2 E, P3 backlight, P4-P7 data) as one I2C_REQUEST an expander write. */
export function writeByBackpack(address: number, portBytes: Uint8Array): Uint8Array {
  const requests: Uint8Array[] = [Uint8Array.of(0xf0, 0x78, 0, 0, 0xf7)];
  for (let at = 0; at < portBytes.length; at += 3) {
    const levels = portBytes[at + 1]! | (portBytes[at + 2]! << 7);
    const value = (levels & 0xf0) | 0x08 | (levels & RS ? 0x01 : 0) | (levels & E ? 0x04 : 0);
    requests.push(Uint8Array.of(0xf0, 0x76, address, 0, value & 0x7f, value >> 7, 0xf7));
  }
  return concat(...requests);
}
