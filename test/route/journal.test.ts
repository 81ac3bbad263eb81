import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Journal } from "../../rig/route/journal.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** 53 bytes that name their sequence, as a sealed report is long. */
const frame = (sequence: number) =>
  Uint8Array.from({ length: 53 }, (_none, index) => (sequence * 7 + index) & 0xff);
const open = (directory: string, atLeastSequence?: number) =>
  Journal.open(directory, "main", atLeastSequence === undefined ? {} : { atLeastSequence });
const fileIn = (directory: string) => path.join(directory, "journal", "main.jsonl");

/** What waits, oldest first. */
function drain(journal: Journal): number[] {
  const sequences: number[] = [];
  for (let next = journal.oldest(); next !== undefined; next = journal.oldest()) {
    expect(next.frame).toEqual(frame(next.sequence));
    sequences.push(next.sequence);
    journal.gone(next.sequence);
  }
  return sequences;
}

describe("the journal", () => {
  it("gives out 1, 2, 3 and keeps what is not gone, oldest first, across a restart", () => {
    const directory = temporaryDirectory();
    const { journal, notices } = open(directory);
    expect([journal.put(frame), journal.put(frame), journal.put(frame)]).toEqual([1, 2, 3]);
    journal.gone(2);
    expect(journal.waiting).toBe(2);
    journal.close();
    const again = open(directory);
    expect([...notices, ...again.notices]).toEqual([]);
    expect(again.journal.nextSequence).toBe(4);
    expect(drain(again.journal)).toEqual([1, 3]);
    again.journal.close();
    const empty = open(directory).journal;
    expect([empty.waiting, empty.nextSequence]).toEqual([0, 4]);
    empty.close();
  });

  it.runIf(process.platform !== "win32")("is a file of mode 600", () => {
    const directory = temporaryDirectory();
    open(directory).journal.close();
    expect(statSync(fileIn(directory)).mode & 0o777).toBe(0o600);
  });

  it("starts at the sequence that the registers know, and says that it was missing", () => {
    const directory = temporaryDirectory();
    const { journal, notices } = open(directory, 41);
    expect(notices[0]).toContain("is missing");
    expect(journal.put(frame)).toBe(41);
    journal.close();
    const later = open(directory, 7).journal;
    expect(later.nextSequence).toBe(42);
    later.close();
  });

  it("gives out no sequence when the frame cannot be made", () => {
    const directory = temporaryDirectory();
    const { journal } = open(directory);
    const fault = new Error("no frame");
    expect(() =>
      journal.put(() => {
        throw fault;
      }),
    ).toThrow(fault);
    expect(journal.put(frame)).toBe(1);
    journal.close();
  });
});

describe("a journal cut off at any byte", () => {
  /** Length of the file after each act, and what then waits. */
  function history(acts: readonly ("put" | "gone" | "note the newest")[]) {
    const directory = temporaryDirectory();
    const { journal } = open(directory);
    const file = fileIn(directory);
    const states = [{ length: statSync(file).size, waiting: [] as number[], noted: 0, next: 1 }];
    for (const act of acts) {
      const { waiting, next, noted } = states.at(-1)!;
      if (act === "put") {
        states.push({ length: 0, waiting: [...waiting, journal.put(frame)], noted, next: next + 1 });
      } else if (act === "gone") {
        journal.gone(waiting[0]!);
        states.push({ length: 0, waiting: waiting.slice(1), noted, next });
      } else {
        journal.noteSending(waiting.at(-1)!);
        states.push({ length: 0, waiting, noted: waiting.at(-1)!, next });
      }
      states.at(-1)!.length = statSync(file).size;
    }
    journal.close();
    return { file, bytes: readFileSync(file), states };
  }

  it("keeps each record written before, drops the torn one, repeats no sequence: every length of 6 puts, 3 gones, a note", () => {
    const acts = [
      "put",
      "put",
      "gone",
      "put",
      "put",
      "note the newest",
      "gone",
      "put",
      "gone",
      "put",
    ] as const;
    const { bytes, states } = history(acts);
    const directory = temporaryDirectory();
    for (let length = states[0]!.length; length <= bytes.length; length += 1) {
      writeFileSync(fileIn(mkdir(directory)), bytes.subarray(0, length));
      // A record is whole when only its line end is missing.
      const state = states.findLast((candidate) => candidate.length <= length + 1)!;
      const { journal, notices } = open(directory);
      expect(journal.nextSequence, `${length} bytes`).toBe(state.next);
      const first = state.waiting.includes(state.noted) ? state.noted : state.waiting[0];
      expect(journal.interrupted()?.sequence, `${length} bytes`).toBe(first);
      expect(journal.put(frame)).toBe(state.next);
      journal.close();
      const torn = length !== state.length && length !== state.length - 1;
      expect(notices.length, `${length} bytes: ${notices.join()}`).toBe(torn ? 1 : 0);
      const again = open(directory);
      expect(again.notices).toEqual([]);
      expect(drain(again.journal), `${length} bytes`).toEqual([...state.waiting, state.next]);
      again.journal.close();
    }
  });

  it("in its first line is kept aside, and sequences go on where the registers say", () => {
    const { bytes, states } = history(["put"]);
    for (let length = 0; length < states[0]!.length - 1; length += 1) {
      const directory = temporaryDirectory();
      const file = fileIn(mkdir(directory));
      writeFileSync(file, bytes.subarray(0, length));
      const { journal, notices } = open(directory, 9);
      expect(notices[0]).toContain(`${file} is damaged; it is kept as ${file}.broken-1`);
      expect(readFileSync(`${file}.broken-1`)).toEqual(bytes.subarray(0, length));
      expect(journal.put(frame)).toBe(9);
      journal.close();
    }
  });

  it("gives up nothing whole after any damage: intact records wait, no sequence is given out twice", () => {
    const { bytes, states } = history(["put", "put", "gone", "put", "put", "put"]);
    const { next } = states.at(-1)!;
    const damage = fc.tuple(fc.nat(bytes.length - 1), fc.uint8Array({ minLength: 1, maxLength: 200 }));
    const directory = temporaryDirectory();
    const file = fileIn(mkdir(directory));
    fc.assert(
      fc.property(damage, ([offset, garbage]) => {
        const damaged = Buffer.from(bytes);
        damaged.set(garbage.subarray(0, damaged.length - offset), offset);
        const hitEnd = Math.min(damaged.length, offset + garbage.length);
        fc.pre(!damaged.equals(bytes) && hitEnd < bytes.length); // a damaged end looks like a torn one
        writeFileSync(file, damaged);
        const { journal, notices } = open(directory);
        expect(notices).toHaveLength(1);
        expect(readFileSync(`${file}.broken-1`)).toEqual(damaged);
        rmSync(`${file}.broken-1`);
        expect(journal.nextSequence).toBeGreaterThanOrEqual(next);
        const waiting = drain(journal);
        for (const [index, state] of states.entries()) {
          if (index === 0) continue;
          const start = states[index - 1]!.length;
          const hit = start - 1 < hitEnd && state.length > offset; // also by the line end before it
          const put = state.next > states[index - 1]!.next ? state.next - 1 : undefined;
          if (put !== undefined && !hit && states.at(-1)!.waiting.includes(put))
            expect(waiting).toContain(put);
        }
        journal.close();
      }),
    );
  });

  it("never throws, whatever the file holds", () => {
    const directory = temporaryDirectory();
    const file = fileIn(mkdir(directory));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 300 })), (contents) => {
        writeFileSync(file, contents);
        const { journal, notices } = open(directory, 5);
        expect(notices).toHaveLength(1);
        expect(journal.nextSequence).toBeGreaterThanOrEqual(5);
        journal.close();
        rmSync(`${file}.broken-1`);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a journal that grows", () => {
  it("is written anew when 256 KiB are mostly gone, keeping what waits and the next sequence", () => {
    const directory = temporaryDirectory();
    const { journal } = open(directory);
    const first = journal.put(frame);
    let largest = 0;
    for (let count = 0; count < 2500; count += 1) {
      const sequence = journal.put(frame);
      journal.gone(sequence);
      largest = Math.max(largest, statSync(fileIn(directory)).size);
    }
    expect(largest).toBeLessThan(256 * 1024 + 1000);
    journal.close();
    const again = open(directory);
    expect(again.notices).toEqual([]);
    expect(again.journal.nextSequence).toBe(2502);
    expect(drain(again.journal)).toEqual([first]);
    again.journal.close();
  });
});

function mkdir(directory: string): string {
  mkdirSync(path.join(directory, "journal"), { recursive: true });
  return directory;
}
