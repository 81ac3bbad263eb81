import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../rig/core/errors.js";
import { loadFirmware } from "../../../rig/virtual/boards/firmware.js";
import { FLASH_BYTES, parseIntelHex } from "../../../rig/virtual/boards/intel-hex.js";

const END = ":00000001FF";
// The worked example of Intel's specification: 3 bytes 02 33 7A at 0x0030.
const EXAMPLE = ":0300300002337A1E";

function errorOf(text: string): ConfigError {
  try {
    parseIntelHex(text, "test.hex");
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("parsed without an error");
}

/** A record with its checksum, from the specification's formula. */
function record(address: number, type: number, data: readonly number[]): string {
  const bytes = [data.length, address >> 8, address & 0xff, type, ...data];
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  return `:${Buffer.from([...bytes, -sum & 0xff]).toString("hex")}`;
}

describe("parseIntelHex", () => {
  test("puts 02 33 7A at 0x30 and leaves the rest of the 32768 bytes erased", () => {
    const flash = parseIntelHex(`${EXAMPLE}\r\n${END}\r\n`, "test.hex");
    expect(flash).toHaveLength(FLASH_BYTES);
    expect([...flash.subarray(0x2f, 0x34)]).toEqual([0xff, 0x02, 0x33, 0x7a, 0xff]);
  });

  test("names line 2 and both checksums when a digit is wrong", () => {
    const error = errorOf(`${EXAMPLE}\n${":0300300002337B1E"}\n${END}`);
    expect(error.code).toBe("firmware/bad-hex");
    expect(error.message).toContain("test.hex, line 2");
    expect(error.message).toContain("0x1e");
    expect(error.message).toContain("0x1d");
  });

  test.each([
    ["a file cut short", EXAMPLE, "cut short"],
    ["a line without colon", `0300300002337A1E\n${END}`, "colon"],
    ["an odd number of digits", ":0300300002337A1\n", "pairs of hex digits"],
    [
      "a record shorter than it says",
      `${record(0, 0, [1, 2]).replace(":02", ":03")}\n`,
      "says 3 data bytes and has 2",
    ],
    ["record type 9", `${record(0, 9, [])}\n`, "type 9"],
    ["data beyond 32768 bytes", `${record(0x7fff, 0, [1, 2])}\n`, "do not fit"],
    ["data beyond a segment of 0x1000", `${record(0, 2, [0x10, 0])}\n${record(0, 0, [1])}\n`, "do not fit"],
    ["no data at all", END, "without any data"],
  ])("refuses %s", (_, text, said) => {
    const error = errorOf(text);
    expect(error.code).toBe("firmware/bad-hex");
    expect(error.message).toContain(said);
  });

  test("throws nothing but ConfigError for 1000 texts made of records, digits and noise", () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom(EXAMPLE, END, ":", "\n"),
      fc
        .tuple(fc.nat(0xffff), fc.nat(6), fc.array(fc.nat(255), { maxLength: 8 }))
        .map(([address, type, data]) => record(address, type, data)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          return parseIntelHex(pieces.join("\n"), "test.hex").length === FLASH_BYTES;
        } catch (error) {
          return error instanceof ConfigError;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("loadFirmware", () => {
  test("reads StandardFirmata 2.5 by default: it starts with a jump and fits in 16384 words", () => {
    const program = loadFirmware(undefined);
    expect(program).toHaveLength(16_384);
    // 0x940c is JMP; the reset vector of avr-gcc programs.
    expect(program[0]).toBe(0x940c);
  });

  test("names the file when it is missing", () => {
    expect(() => loadFirmware("no-such.hex")).toThrowError(/no-such\.hex/);
  });
});
