import { EventEmitter } from "node:events";
import fc from "fast-check";
import firmata from "firmata-io";
import { describe, expect, it } from "vitest";
import { FirmataGuard } from "../../rig/board/firmata-guard.js";

const VERSION = [0xf9, 2, 5];
const FIRMWARE = [0xf0, 0x79, 2, 5, 0x41, 0, 0xf7];
/** Two pins: one digital, one that can also measure. */
const CAPABILITIES = [0xf0, 0x6c, 0, 1, 1, 1, 0x7f, 0, 1, 2, 10, 0x7f, 0xf7];
const MAPPING = [0xf0, 0x6a, 0x7f, 0, 0xf7];
const HANDSHAKE = [...VERSION, ...FIRMWARE, ...CAPABILITIES, ...MAPPING];

function afterHandshake(): FirmataGuard {
  const guard = new FirmataGuard();
  expect([...guard.push(Uint8Array.from(HANDSHAKE))]).toEqual(HANDSHAKE);
  return guard;
}

function push(guard: FirmataGuard, ...bytes: number[]): number[] {
  return [...guard.push(Uint8Array.from(bytes))];
}

describe("FirmataGuard", () => {
  it("passes nothing before the first version, then everything valid", () => {
    const guard = new FirmataGuard();
    expect(push(guard, 0xe0, 1, 2, ...FIRMWARE)).toEqual([]);
    expect(guard.counters).toEqual({ discardedBytes: 10, refusedMessages: 0 });
    expect(push(guard, ...VERSION, 0xe0, 1, 2)).toEqual([...VERSION, 0xe0, 1, 2]);
  });

  it("passes a sample of 1023 counts and refuses one of 1024", () => {
    const guard = afterHandshake();
    expect(push(guard, 0xe0, 0x7f, 7)).toEqual([0xe0, 0x7f, 7]);
    expect(push(guard, 0xe0, 0, 8)).toEqual([]);
    expect(guard.counters).toEqual({ discardedBytes: 3, refusedMessages: 1 });
  });

  it("loses one message where one byte is lost: the next command byte starts anew", () => {
    const guard = afterHandshake();
    expect(push(guard, 0xe0, 5, 0xe0, 6, 1)).toEqual([0xe0, 6, 1]);
    expect(guard.counters).toEqual({ discardedBytes: 2, refusedMessages: 0 });
  });

  it.each([
    ["a firmware report without version", [0xf0, 0x79, 0xf7]],
    ["a pin state of pin 2 of 2", [0xf0, 0x6e, 2, 1, 0, 0xf7]],
    ["a pin state without state", [0xf0, 0x6e, 1, 1, 0xf7]],
    ["a second analog mapping", MAPPING],
    ["a capability reply with half a mode", [0xf0, 0x6c, 0, 0x7f, 0x7f, 0xf7]],
    ["a capability reply of three pins on a board of two", [0xf0, 0x6c, 0x7f, 0x7f, 0x7f, 0xf7]],
    ["an I2C reply with half a byte", [0xf0, 0x77, 1, 0, 0, 0, 9, 0xf7]],
    ["a one-wire reply", [0xf0, 0x73, 0x43, 0, 0xf7]],
    ["an empty sysex", [0xf0, 0xf7]],
    ["a digital port beyond the last pin", [0x91, 1, 0]],
    ["a digital port of nine bits", [0x90, 0, 2]],
    ["a version of protocol 0", [0xf9, 0, 5]],
  ])("refuses %s", (_name, bytes) => {
    const guard = afterHandshake();
    expect(push(guard, ...bytes, 0xe0, 1, 1)).toEqual([0xe0, 1, 1]);
    expect(guard.counters).toEqual({ discardedBytes: bytes.length, refusedMessages: 1 });
  });

  it("refuses an analog mapping of three pins on a board of two", () => {
    const guard = new FirmataGuard();
    push(guard, ...VERSION, ...FIRMWARE, ...CAPABILITIES);
    expect(push(guard, 0xf0, 0x6a, 0x7f, 0, 1, 0xf7)).toEqual([]);
    expect(push(guard, ...MAPPING)).toEqual(MAPPING);
  });

  it("ends a sysex that never ends after 2048 bytes and finds the next message", () => {
    const guard = afterHandshake();
    expect(push(guard, 0xf0, 0x71, ...Array(5000).fill(1))).toEqual([]);
    expect(guard.counters.refusedMessages).toBe(1);
    expect(push(guard, 0xe0, 1, 1)).toEqual([0xe0, 1, 1]);
  });

  it("passes every byte of a valid stream however it is cut", () => {
    const stream = [...HANDSHAKE, 0x90, 1, 0, 0xe1, 3, 4, 0xf0, 0x71, 0x41, 0, 0xf7, ...VERSION];
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (sizes) => {
        const guard = new FirmataGuard();
        const passed: number[] = [];
        for (let at = 0, k = 0; at < stream.length; k += 1) {
          const size = sizes[k % sizes.length] ?? 1;
          passed.push(...push(guard, ...stream.slice(at, at + size)));
          at += size;
        }
        expect(passed).toEqual(stream);
        expect(guard.counters).toEqual({ discardedBytes: 0, refusedMessages: 0 });
      }),
    );
  });

  it("resumes with the first whole message after a burst of garbage", () => {
    const message = fc
      .tuple(fc.constantFrom(0xe0, 0xe1), fc.integer({ min: 0, max: 1023 }))
      .map(([command, counts]) => [command, counts & 0x7f, counts >> 7]);
    // Garbage that is no message of its own: too many or too few data bytes, and bytes that start nothing.
    const garbage = fc
      .array(fc.constantFrom([0xe0, 1], [0xf0], [0xf0, 0x79, 3], [0xff], [0x00], [0x55], [0xc0], [0xf7]))
      .map((parts) => parts.flatMap((part) => [...part, 0x80]));
    fc.assert(
      fc.property(fc.array(fc.tuple(garbage, message)), (pieces) => {
        const guard = afterHandshake();
        const sent = pieces.flatMap(([noise, valid]) => [...noise, ...valid]);
        expect(push(guard, ...sent)).toEqual(pieces.flatMap(([, valid]) => valid));
        expect(guard.counters.discardedBytes).toBe(pieces.reduce((sum, [noise]) => sum + noise.length, 0));
      }),
    );
  });

  it("never lets firmata-io throw, whatever comes, and accounts for every byte", () => {
    // Wire-like bytes: mostly what makes up Firmata messages, so that forms are hit that pure noise would miss.
    const byte = fc.oneof(
      fc.constantFrom(
        0xf0,
        0xf7,
        0xf9,
        0xe0,
        0xe5,
        0x90,
        0x91,
        0x9f,
        0x79,
        0x6c,
        0x6a,
        0x6e,
        0x77,
        0x71,
        0x73,
        0x7f,
      ),
      fc.integer({ min: 0, max: 0x7f }),
      fc.integer({ min: 0, max: 0xff }),
    );
    const piece = fc.oneof(
      fc.array(byte, { maxLength: 60 }),
      fc.constantFrom(VERSION, FIRMWARE, CAPABILITIES, MAPPING),
      // A sysex of the right kind with any payload.
      fc
        .tuple(
          fc.constantFrom(0x79, 0x6c, 0x6a, 0x6e, 0x77, 0x71),
          fc.array(fc.integer({ min: 0, max: 0x7f })),
        )
        .map(([kind, payload]) => [0xf0, kind, ...payload, 0xf7]),
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(piece, { maxLength: 30 }), (ready, pieces) => {
        const transport = Object.assign(new EventEmitter(), {
          write: (_bytes: Uint8Array, done: () => void) => done(),
        });
        const io = new firmata.Firmata(transport);
        clearTimeout(io.reportVersionTimeoutId);
        const guard = new FirmataGuard();
        const samples: number[] = [];
        io.on("analog-read-0", (counts: number) => samples.push(counts));
        let sent = 0;
        let passed = 0;
        for (const bytes of ready ? [HANDSHAKE, ...pieces] : pieces) {
          const messages = guard.push(Uint8Array.from(bytes));
          transport.emit("data", messages);
          sent += bytes.length;
          passed += messages.length;
        }
        expect(samples.every((counts) => counts <= 1023)).toBe(true);
        const pending = sent - passed - guard.counters.discardedBytes;
        expect(pending).toBeGreaterThanOrEqual(0);
        // A command byte ends whatever is incomplete: nothing is then unaccounted for.
        guard.push(Uint8Array.of(0xff));
        expect(passed + guard.counters.discardedBytes).toBe(sent + 1);
      }),
      { numRuns: 2000 },
    );
  });
});
