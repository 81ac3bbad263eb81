/** The disk is replaced at node:fs: writes stop after a number of bytes, as they do when a disk fills up, and other steps fail. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { StorageError } from "../../rig/core/errors.js";
import type { RigEvent } from "../../rig/core/events.js";
import { Journal } from "../../rig/route/journal.js";
import { Router } from "../../rig/route/router.js";
import { SendOrder } from "../../rig/route/send-order.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { decodeHeader } from "../../rig/seal/sealed-frame.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { ManualClock } from "../support/manual-clock.js";
import { lampReport } from "../support/reports.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const disk = vi.hoisted(() => ({
  freeBytes: Number.POSITIVE_INFINITY,
  flushesDirectories: true,
  opensAgain: true,
}));
vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs")>();
  const fault = (code: string) => Object.assign(new Error(code), { code });
  return {
    ...real,
    fsyncSync(descriptor: number) {
      if (!disk.flushesDirectories && real.fstatSync(descriptor).isDirectory()) throw fault("EIO");
      real.fsyncSync(descriptor);
    },
    openSync(file: string, flags: string, mode?: number) {
      if (!disk.opensAgain && flags === "r+") throw fault("EMFILE");
      return real.openSync(file, flags, mode);
    },
    writeSync(descriptor: number, bytes: Buffer, offset: number, length: number, position: number) {
      const fits = Math.min(length, disk.freeBytes);
      if (fits === 0) throw fault("ENOSPC");
      disk.freeBytes -= fits;
      return real.writeSync(descriptor, bytes, offset, fits, position);
    },
  };
});
beforeEach(() => {
  Object.assign(disk, {
    freeBytes: Number.POSITIVE_INFINITY,
    flushesDirectories: true,
    opensAgain: true,
  });
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

describe("the order of sending on a full disk", () => {
  it("lets a new frame wait for its turn when its sending cannot be noted", () => {
    const { journal } = Journal.open(temporaryDirectory(), "main");
    const order = new SendOrder(journal);
    for (let count = 0; count < 10; count += 1) order.submitted(journal.put(frame));
    disk.freeBytes = 0;
    expect(order.next()?.sequence).toBe(1);
    disk.freeBytes = Number.POSITIVE_INFINITY;
    order.submitted(journal.put(frame));
    order.acknowledged();
    journal.gone(1);
    expect(order.next()?.sequence).toBe(11);
    journal.close();
  });
});

describe("a journal whose rewriting fails", () => {
  /** Puts and forgets until the file is written anew, which comes after 256 kB; frame 1 stays. @returns what `gone` threw */
  function rewrite(journal: Journal): unknown {
    journal.put(frame);
    for (let count = 0; count < 5000; count += 1) {
      try {
        journal.gone(journal.put(frame));
      } catch (error) {
        return error;
      }
    }
    return undefined;
  }

  const mend = () => Object.assign(disk, { flushesDirectories: true, opensAgain: true });

  it.each([
    // Windows flushes no directory.
    ...(process.platform === "win32"
      ? []
      : ([["whose new name cannot be flushed", { flushesDirectories: false }]] as const)),
    ["that cannot be opened again", { opensAgain: false }],
  ] as const)("%s takes no frame until that works, and then goes on with a whole file", (_what, faults) => {
    const directory = temporaryDirectory();
    const { journal } = Journal.open(directory, "main");
    Object.assign(disk, faults);
    expect(rewrite(journal)).toBeInstanceOf(StorageError);
    const next = journal.nextSequence;
    expect(() => journal.put(frame)).toThrow(StorageError);
    expect([journal.nextSequence, journal.waiting]).toEqual([next, 1]);
    mend();
    expect([journal.put(frame), journal.put(frame)]).toEqual([next, next + 1]);
    expect(readFileSync(journal.file)).not.toContain(0); // no gap between what was and what was put
    journal.close();
    const again = Journal.open(directory, "main");
    expect([again.notices, again.journal.nextSequence, again.journal.waiting]).toEqual([[], next + 2, 3]);
    again.journal.close();
  });

  it("can be closed while its file could not be opened again", () => {
    const { journal } = Journal.open(temporaryDirectory(), "main");
    disk.opensAgain = false;
    expect(rewrite(journal)).toBeInstanceOf(StorageError);
    expect(() => journal.close()).not.toThrow();
  });
});

describe("the router on a full disk", () => {
  it("says once that acknowledgements cannot be kept, and again only after that has worked", async () => {
    const { journal } = Journal.open(temporaryDirectory(), "main");
    const clock = new ManualClock();
    const events: RigEvent[] = [];
    const carrier = { send: () => Promise.resolve() };
    const emit = (event: RigEvent) => {
      events.push(event);
    };
    const router = new Router([{ meter: "main", journal, carrier }], { clock, emit });
    const told = () => events.flatMap(({ event }) => (event === "alert" || event === "sent" ? [event] : []));
    for (let count = 0; count < 3; count += 1) router.submit("main", frame);
    disk.freeBytes = 0;
    router.start();
    await clock.advance(0);
    expect(told()).toEqual(["alert", "sent", "sent", "sent"]);
    disk.freeBytes = Number.POSITIVE_INFINITY;
    router.submit("main", frame);
    await clock.advance(0);
    router.submit("main", frame);
    disk.freeBytes = 0;
    await clock.advance(0);
    expect(told().slice(4)).toEqual(["sent", "alert", "sent"]);
    await router.stop();
    journal.close();
  });
});
