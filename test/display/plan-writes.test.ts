import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LcdLines } from "../../rig/core/events.js";
import { type LcdCursor, type LcdRun, planWrites } from "../../rig/display/plan-writes.js";

const lines = (upper: string, lower = ""): LcdLines => [upper.padEnd(16), lower.padEnd(16)];
const AWAY: LcdCursor = { row: 0, column: 16 };

/** Messages on the wire: 2 a nibble, and one whenever RS changes. */
function costOf(runs: readonly LcdRun[], rsAtStart: 0 | 1): number {
  let rs = rsAtStart;
  let cost = 0;
  const send = (wanted: 0 | 1) => {
    cost += rs === wanted ? 4 : 5;
    rs = wanted;
  };
  for (const run of runs) {
    if (run.needsMove) send(0);
    for (const _ of run.text) send(1);
  }
  return cost;
}

/** The least cost over every sequence of moves and characters there is: a search that knows nothing of runs. */
function leastCost(shown: LcdLines, wanted: LcdLines, cursor: LcdCursor, rsAtStart: 0 | 1): number {
  const changed: number[] = [];
  for (let cell = 0; cell < 32; cell++) {
    const [row, column] = [cell >> 4, cell & 15] as [0 | 1, number];
    if (shown[row][column] !== wanted[row][column]) changed.push(cell);
  }
  // A place is 17 a row: the cell, or beyond the 16th. State: place, cells still to write, RS.
  const key = (place: number, left: number, rs: number) => (left * 34 + place) * 2 + rs;
  const known = new Set<number>();
  const queue: [place: number, left: number, rs: number][][] = [
    [[cursor.row * 17 + cursor.column, 2 ** changed.length - 1, rsAtStart]],
  ];
  for (let cost = 0; cost < queue.length; cost++) {
    for (const [place, left, rs] of queue[cost] ?? []) {
      if (left === 0) return cost;
      if (known.has(key(place, left, rs))) continue;
      known.add(key(place, left, rs));
      const add = (extra: number, state: [number, number, number]) => {
        queue[cost + extra] ??= [];
        queue[cost + extra]!.push(state);
      };
      const column = place % 17;
      if (column < 16) {
        const bit = changed.indexOf((place > 16 ? 16 : 0) + column);
        add(rs === 1 ? 4 : 5, [place + 1, bit < 0 ? left : left & ~(1 << bit), 1]);
      }
      for (let to = 0; to < 34; to++) if (to % 17 < 16) add(rs === 0 ? 4 : 5, [to, left, 0]);
    }
  }
  throw new Error("no way found");
}

describe("planWrites", () => {
  it("writes nothing where nothing differs", () => {
    expect(planWrites(lines("1.739A"), lines("1.739A"), AWAY)).toEqual([]);
  });

  it("writes one equal character between two changed ones again: 4 messages, where moving takes 6", () => {
    expect(planWrites(lines("aXa"), lines("bXb"), AWAY)).toEqual([
      { row: 0, column: 0, text: "bXb", needsMove: true },
    ]);
  });

  it("jumps over two equal characters: 6 messages, where writing takes 8", () => {
    expect(planWrites(lines("aXXa"), lines("bXXb"), AWAY)).toEqual([
      { row: 0, column: 0, text: "b", needsMove: true },
      { row: 0, column: 3, text: "b", needsMove: true },
    ]);
  });

  it("begins where the cursor stands, whatever the order on the glass", () => {
    expect(planWrites(lines("a", "a"), lines("b", "b"), { row: 1, column: 0 })).toEqual([
      { row: 1, column: 0, text: "b", needsMove: false },
      { row: 0, column: 0, text: "b", needsMove: true },
    ]);
  });

  it("never joins the lines: after column 16 of the upper one the display's address is not on the glass", () => {
    const runs = planWrites(
      lines("a".repeat(16), "a".repeat(16)),
      lines("b".repeat(16), "b".repeat(16)),
      AWAY,
    );
    expect(runs.map(({ row, column, needsMove }) => [row, column, needsMove])).toEqual([
      [0, 0, true],
      [1, 0, true],
    ]);
    expect(costOf(runs, 1)).toBe(2 * 16 * 4 + 2 * 6);
  });

  it("is as cheap as the best of all sequences, for any 6 changed cells and any cursor", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.oneof(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 3, max: 12 })), {
          maxLength: 6,
        }),
        fc.constantFrom<0 | 1>(0, 1),
        fc.integer({ min: 0, max: 16 }),
        fc.constantFrom<0 | 1>(0, 1),
        (cells, row, column, rs) => {
          const shown = lines("");
          const wanted = [0, 16].map((from) =>
            Array.from({ length: 16 }, (_, cell) => (cells.includes(from + cell) ? "x" : " ")).join(""),
          ) as [string, string];
          const runs = planWrites(shown, wanted, { row, column });
          expect(costOf(runs, rs)).toBe(leastCost(shown, wanted, { row, column }, rs));
        },
      ),
      { numRuns: 120 },
    );
  });

  it("makes the glass show the wanted lines, for any two pairs of lines and any cursor", () => {
    const line = fc.string({ unit: fc.constantFrom("a", "b", " "), minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(
        fc.tuple(line, line),
        fc.tuple(line, line),
        fc.constantFrom<0 | 1>(0, 1),
        fc.integer({ min: 0, max: 16 }),
        (shown, wanted, row, column) => {
          const glass = shown.map((text) => [...text]);
          let cursor: LcdCursor = { row, column };
          for (const run of planWrites(shown, wanted, cursor)) {
            if (!run.needsMove) expect({ row: run.row, column: run.column }).toEqual(cursor);
            [...run.text].forEach((character, index) => {
              glass[run.row]![run.column + index] = character;
            });
            cursor = { row: run.row, column: run.column + run.text.length };
          }
          expect(glass.map((row) => row.join(""))).toEqual(wanted);
        },
      ),
    );
  });
});
