import { createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameError, RigError, SealError } from "../../rig/core/errors.js";
import { decrypt, encrypt } from "../../rig/seal/aes-gcm.js";
import { quantise } from "../../rig/seal/frame.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { Opener } from "../../rig/seal/opener.js";
import { decodeHeader, nonceOf } from "../../rig/seal/sealed-frame.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { lampReport } from "../support/reports.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

function bench(...meters: string[]) {
  const directory = temporaryDirectory();
  makeMissingKeys(directory, meters);
  const sealer = (meter: string) => Sealer.open(directory, meter).sealer;
  return { directory, sealer, opener: (meter: string) => Opener.forMeter(directory, meter) };
}

const code = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    return error instanceof RigError ? error.code : error;
  }
  return "nothing thrown";
};

describe("AES-256-GCM", () => {
  const vector = JSON.parse(readFileSync("test/vectors/aes-256-gcm-tag-96.json", "utf8")) as Record<
    string,
    string
  >;
  const bytes = (name: string) => Uint8Array.from(Buffer.from(vector[name]!, "hex"));
  const key = createSecretKey(bytes("key"));
  const sealed = Uint8Array.from([...bytes("ciphertext"), ...bytes("tag")]);

  it(`agrees with McGrew and Viega's ${vector.case}`, () => {
    expect(encrypt(key, bytes("nonce"), bytes("clear"), bytes("plaintext"))).toEqual(sealed);
    expect(decrypt(key, bytes("nonce"), bytes("clear"), sealed)).toEqual(bytes("plaintext"));
  });

  it("opens nothing with one bit changed, or with bytes missing", () => {
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = sealed.slice();
      changed[index]! ^= 1;
      expect(decrypt(key, bytes("nonce"), bytes("clear"), changed)).toBeUndefined();
      expect(decrypt(key, bytes("nonce"), bytes("clear"), sealed.subarray(0, index))).toBeUndefined();
    }
  });
});

describe("a sealed report", () => {
  it("is 53 bytes whatever the load, with version, meter, start and sequence in the clear", () => {
    const { sealer } = bench("main", "neighbour");
    const neighbour = sealer("neighbour");
    const small = neighbour.seal(
      lampReport({ sequence: 0x01020304, currentA: 0, activePowerW: 0, samples: 0 }),
    );
    const large = neighbour.seal(lampReport({ sequence: 0x01020305, currentA: 40, activePowerW: 9000 }));
    expect([small.length, large.length]).toEqual([53, 53]);
    expect(Buffer.from(small.subarray(0, 8)).toString("hex")).toBe("1102000101020304");
    expect(decodeHeader(small)).toEqual({ meterNumber: 2, start: 1, sequence: 0x01020304 });
    expect(Buffer.from(nonceOf(small)).toString("hex")).toBe("110200010102030400000000");
  });

  it("opens at the centre to the values that quantise says", () => {
    const { sealer, opener } = bench("main");
    const report = lampReport({ sequence: 42, currentA: 0.4348149, flags: ["clipped"] });
    expect(opener("main").open(sealer("main").seal(report))).toEqual({ report: quantise(report), start: 1 });
  });

  it("does not open with any one of its 424 bits changed", () => {
    const { sealer, opener } = bench("main");
    const frame = sealer("main").seal(lampReport());
    const main = opener("main");
    for (let bit = 0; bit < 8 * frame.length; bit += 1) {
      const changed = frame.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => main.open(changed)).toThrow(RigError);
    }
  });

  it("does not open as another meter's", () => {
    const { sealer, opener } = bench("main", "neighbour");
    const frame = sealer("main").seal(lampReport());
    expect(code(() => opener("neighbour").open(frame))).toBe("frame/meter");
    frame[1] = 2;
    expect(code(() => opener("neighbour").open(frame))).toBe("seal/refused");
  });

  it("is refused with a FrameError or SealError, never a crash, whatever the bytes", () => {
    const main = bench("main").opener("main");
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ minLength: 53, maxLength: 53 }),
    );
    fc.assert(
      fc.property(frames, fc.boolean(), (bytes, likely) => {
        if (likely && bytes.length >= 2) bytes.set([0x11, 1]);
        try {
          main.open(bytes);
          expect.unreachable();
        } catch (error) {
          if (!(error instanceof FrameError || error instanceof SealError)) throw error;
        }
      }),
    );
  });
});

describe("the sealer", () => {
  it("counts a start at every opening: 1, 2, 3", () => {
    const { sealer } = bench("main");
    const starts = [1, 2, 3].map(() => decodeHeader(sealer("main").seal(lampReport())).start);
    expect(starts).toEqual([1, 2, 3]);
  });

  it("gives the same bytes for the same report and a new start for another under the same sequence", () => {
    const { sealer, opener } = bench("main");
    const main = sealer("main");
    const first = main.seal(lampReport({ sequence: 5 }));
    expect(main.seal(lampReport({ sequence: 5 }))).toEqual(first);
    const second = main.seal(lampReport({ sequence: 5, currentA: 2 }));
    expect(decodeHeader(second)).toEqual({ meterNumber: 1, start: 2, sequence: 5 });
    expect(opener("main").open(second).report.currentA).toBe(2);
  });

  it("never uses a nonce twice, whatever is sealed and however often it starts", () => {
    const { sealer } = bench("main");
    const act = fc.oneof(
      fc.constant("start"),
      fc.record({ sequence: fc.integer({ min: 1, max: 6 }), currentA: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
        const sealed = new Map<string, string>();
        let main = sealer("main");
        for (const next of acts) {
          if (typeof next === "string") main = sealer("main");
          else {
            const frame = main.seal(lampReport(next));
            const nonce = Buffer.from(nonceOf(frame)).toString("hex");
            const bytes = Buffer.from(frame).toString("hex");
            expect(sealed.get(nonce) ?? bytes).toBe(bytes);
            sealed.set(nonce, bytes);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("refuses sequence 4294967296 and takes 4294967295", () => {
    const main = bench("main").sealer("main");
    main.seal(lampReport({ sequence: 0xffff_ffff }));
    expect(code(() => main.seal(lampReport({ sequence: 0x1_0000_0000 })))).toBe("seal/sequences-exhausted");
    expect(() => main.seal(lampReport({ sequence: 0 }))).toThrow(RangeError);
  });

  it("shows no key when it, or the opener, is printed or turned into JSON", () => {
    const { directory, sealer, opener } = bench("main");
    const { key } = JSON.parse(readFileSync(`${directory}/keys/main.json`, "utf8")) as { key: string };
    const bytes = Buffer.from(key, "base64");
    for (const thing of [sealer("main"), opener("main")]) {
      const shown = inspect(thing, { showHidden: true, depth: 9, getters: true }) + JSON.stringify(thing);
      for (const form of [
        key,
        bytes.toString("hex"),
        bytes.toString("hex", 0, 4),
        bytes.subarray(0, 4).join(", "),
      ]) {
        expect(shown).not.toContain(form);
      }
    }
  });
});
