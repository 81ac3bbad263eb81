/** The disk is replaced at node:fs: writes stop after a number of bytes, as they do when a disk fills up. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { StorageError } from "../../rig/core/errors.js";
import { Journal } from "../../rig/route/journal.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { decodeHeader } from "../../rig/seal/sealed-frame.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { lampReport } from "../support/reports.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const disk = vi.hoisted(() => ({ freeBytes: Number.POSITIVE_INFINITY }));
vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs")>();
  return {
    ...real,
    writeSync(descriptor: number, bytes: Buffer, offset: number, length: number, position: number) {
      const fits = Math.min(length, disk.freeBytes);
      if (fits === 0)
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      disk.freeBytes -= fits;
      return real.writeSync(descriptor, bytes, offset, fits, position);
    },
  };
});
beforeEach(() => {
  disk.freeBytes = Number.POSITIVE_INFINITY;
});

const frame = (sequence: number) => new Uint8Array(53).fill(sequence);

describe("a journal on a full disk", () => {
  it("says so, gives out no sequence, keeps what was there, and goes on with the same sequence when there is room", () => {
    const directory = temporaryDirectory();
    const { journal } = Journal.open(directory, "main");
    journal.put(frame);
    const before = readFileSync(journal.file);
    for (const freeBytes of [0, 1, 60, 105]) {
      disk.freeBytes = freeBytes;
      expect(() => journal.put(frame), `${freeBytes} bytes free`).toThrow(StorageError);
      expect([journal.nextSequence, journal.waiting]).toEqual([2, 1]);
      disk.freeBytes = Number.POSITIVE_INFINITY;
      const whileFull = Journal.open(directory, "main"); // as after a kill at this moment
      expect([whileFull.journal.nextSequence, whileFull.journal.waiting]).toEqual([2, 1]);
      whileFull.journal.close();
    }
    expect(journal.put(frame)).toBe(2);
    expect(readFileSync(journal.file).subarray(0, before.length)).toEqual(before);
    journal.close();
    const again = Journal.open(directory, "main");
    expect([again.notices, again.journal.nextSequence, again.journal.waiting]).toEqual([[], 3, 2]);
    again.journal.close();
  });

  it("does not have reports sealed for nothing while it stays full, and seals the next one under a new nonce", () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main"]);
    const { sealer } = Sealer.open(directory, "main");
    const { journal } = Journal.open(directory, "main");
    let sealed = 0;
    const put = (currentA: number) =>
      journal.put((sequence) => {
        sealed += 1;
        return sealer.seal(lampReport({ sequence, currentA }));
      });
    disk.freeBytes = 20;
    for (const currentA of [1, 2, 3, 4]) expect(() => put(currentA)).toThrow(StorageError);
    expect(sealed).toBe(1);
    disk.freeBytes = Number.POSITIVE_INFINITY;
    expect(put(5)).toBe(1);
    expect(decodeHeader(journal.oldest()!.frame)).toEqual({ meterNumber: 1, start: 2, sequence: 1 });
    journal.close();
  });

  it("forgets an acknowledged frame for this run even when that cannot be written", () => {
    const directory = temporaryDirectory();
    const { journal } = Journal.open(directory, "main");
    journal.put(frame);
    disk.freeBytes = 0;
    expect(() => journal.gone(1)).toThrow(StorageError);
    expect(journal.oldest()).toBeUndefined();
    journal.close();
    disk.freeBytes = Number.POSITIVE_INFINITY;
    const again = Journal.open(directory, "main").journal;
    expect(again.oldest()?.sequence).toBe(1);
    again.close();
  });
});
