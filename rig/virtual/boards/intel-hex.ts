/**
 * Intel hex text -> the image of an ATmega328P's flash, every record's checksum verified.
 * Read before a virtual board is built. Source: Intel, Hexadecimal Object File Format Specification, revision A (1988).
 */
import { ConfigError } from "../../core/errors.js";

/** Flash of the ATmega328P [bytes]. */
export const FLASH_BYTES = 32_768;

const DATA_RECORD = 0x00;
const END_RECORD = 0x01;
const EXTENDED_SEGMENT_RECORD = 0x02;
const START_SEGMENT_RECORD = 0x03;
const EXTENDED_LINEAR_RECORD = 0x04;
const START_LINEAR_RECORD = 0x05;

/**
 * The flash after programming; bytes that no record sets are 0xFF, as erased flash is.
 * @param source what to call the text in an error, a file's path
 * @throws ConfigError "firmware/bad-hex", naming the line, when a record is malformed, fails its checksum or does not fit
 */
export function parseIntelHex(text: string, source: string): Uint8Array {
  const flash = new Uint8Array(FLASH_BYTES).fill(0xff);
  const lines = text.split(/\r\n|\n|\r/);
  let base = 0;
  let dataBytes = 0;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const fail = (problem: string) => badHex(source, index + 1, problem);
    const record = parseRecord(line.trim(), fail);
    switch (record.type) {
      case DATA_RECORD: {
        const start = base + record.address;
        if (start + record.data.length > FLASH_BYTES) {
          throw fail(
            `${record.data.length} bytes at 0x${start.toString(16)} do not fit in the ${FLASH_BYTES} bytes of an ATmega328P's flash`,
          );
        }
        flash.set(record.data, start);
        dataBytes += record.data.length;
        break;
      }
      case END_RECORD:
        if (dataBytes === 0) throw fail("the file ends without any data");
        return flash;
      case EXTENDED_SEGMENT_RECORD:
      case EXTENDED_LINEAR_RECORD:
        if (record.data.length !== 2) throw fail(`an address record has 2 bytes, not ${record.data.length}`);
        base =
          ((record.data[0]! << 8) | record.data[1]!) *
          (record.type === EXTENDED_SEGMENT_RECORD ? 16 : 65_536);
        break;
      case START_SEGMENT_RECORD:
      case START_LINEAR_RECORD:
        // Where a PC would start the program; an AVR always starts at its reset vector.
        break;
      default:
        throw fail(`record type ${record.type} is not one of 0 to 5`);
    }
  }
  throw badHex(source, lines.length, "there is no end record (:00000001FF): the file is cut short");
}

interface HexRecord {
  readonly type: number;
  readonly address: number;
  readonly data: Uint8Array;
}

function parseRecord(line: string, fail: (problem: string) => ConfigError): HexRecord {
  if (!line.startsWith(":")) throw fail("a record starts with a colon");
  if (!/^:(?:[0-9a-fA-F]{2}){5,}$/.test(line))
    throw fail("a record is a colon and at least five pairs of hex digits");
  const bytes = Uint8Array.from(Buffer.from(line.slice(1), "hex"));
  const length = bytes[0]!;
  if (bytes.length !== length + 5) {
    throw fail(`the record says ${length} data bytes and has ${bytes.length - 5}`);
  }
  const sum = bytes.reduce((total, byte) => total + byte, 0) & 0xff;
  if (sum !== 0) {
    const stated = bytes[bytes.length - 1]!;
    throw fail(`the checksum is 0x${hexByte(stated)}, the record's bytes give 0x${hexByte(stated - sum)}`);
  }
  return { type: bytes[3]!, address: (bytes[1]! << 8) | bytes[2]!, data: bytes.subarray(4, 4 + length) };
}

function hexByte(value: number): string {
  return (value & 0xff).toString(16).padStart(2, "0");
}

function badHex(source: string, line: number, problem: string): ConfigError {
  return new ConfigError("firmware/bad-hex", `${source}, line ${line}: ${problem}`, {
    hint: "use the Intel hex file that the Arduino IDE or avr-objcopy wrote for an UNO",
  });
}
