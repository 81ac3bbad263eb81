/**
 * The firmware of the virtual boards: a path, or by default real StandardFirmata 2.5 -> words of flash.
 * Source: avrgirl-arduino 5.0.1, junk/hex/duemilanove328/StandardFirmata.cpp.hex (ATmega328P at 16 MHz, as on an UNO).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ConfigError, describeError } from "../../core/errors.js";
import { parseIntelHex } from "./intel-hex.js";

const STANDARD_FIRMATA = "avrgirl-arduino/junk/hex/duemilanove328/StandardFirmata.cpp.hex";

/**
 * @param path Intel hex file; undefined for StandardFirmata 2.5
 * @returns 16 384 little-endian words of flash
 * @throws ConfigError "firmware/unreadable" or "firmware/bad-hex"
 */
export function loadFirmware(path: string | undefined): Uint16Array {
  const file = path ?? createRequire(import.meta.url).resolve(STANDARD_FIRMATA);
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (cause) {
    throw new ConfigError(
      "firmware/unreadable",
      `cannot read the firmware ${file}: ${describeError(cause)}`,
      {
        hint: "check virtual.firmware in the configuration",
        cause,
      },
    );
  }
  const flash = parseIntelHex(text, file);
  return Uint16Array.from(
    { length: flash.length / 2 },
    (_, word) => flash[2 * word]! | (flash[2 * word + 1]! << 8),
  );
}
