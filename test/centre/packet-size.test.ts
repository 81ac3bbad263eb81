import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PacketSize } from "../../rig/centre/packet-size.js";

/** Remaining length as MQTT 3.1.1, 2.2.3 encodes it. */
function encodeLength(length: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(length / 128);
    bytes.push((length % 128) | (rest > 0 ? 0x80 : 0));
    length = rest;
  } while (length > 0);
  return bytes;
}
const packet = (length: number) =>
  Uint8Array.from([0x30, ...encodeLength(length), ...new Uint8Array(length)]);

describe("the packet size", () => {
  it("lets packets of up to 4096 bytes pass, however they are cut into chunks", () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 4096 }), { maxLength: 5 });
    fc.assert(
      fc.property(lengths, fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }), (all, cuts) => {
        const size = new PacketSize(4096);
        const bytes = Buffer.concat(all.map(packet));
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const chunk = bytes.subarray(at, at + cuts[turn % cuts.length]!);
          expect(size.accept(chunk)).toBe(true);
          at += chunk.length;
        }
      }),
    );
  });

  it("refuses 4097 bytes by the header alone, 3 bytes in, also behind others", () => {
    for (const before of [[], [...packet(10), ...packet(0)]]) {
      const size = new PacketSize(4096);
      expect(size.accept(Uint8Array.from([...before, 0x30, 0x81]))).toBe(true); // 1 + 128 n
      expect(size.accept(Uint8Array.from([0x20]))).toBe(false); // n = 32: 4097
    }
  });

  it("refuses a length of more than 4 bytes", () => {
    expect(new PacketSize(4096).accept(Uint8Array.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBe(false);
  });

  it("takes any bytes at all without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        new PacketSize(4096).accept(bytes);
      }),
    );
  });
});
