import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Reading } from "../../rig/core/reading.js";
import { addReading } from "../../rig/measure/interval.js";
import { type MeterRecord, RegisterFile } from "../../rig/measure/register-file.js";
import { EMPTY_REGISTERS, type Registers } from "../../rig/measure/registers.js";

function registers(energyMilliWh: number): Registers {
  return {
    energyMilliWh,
    energyRemainderMilliJ: 1234.5678,
    block: {
      periodMs: 900_000,
      startMs: 1_780_000_200_000,
      lastEndMs: 1_780_000_300_000.25,
      coveredMs: 100_000.5,
      energyMilliJ: 10_000_050,
      unbroken: true,
    },
    maxDemand: { powerW: 321.125, endMs: 1_780_000_200_000 },
  };
}

/** With an interval of one reading that waits for its report. */
function record(energyMilliWh: number): MeterRecord {
  const reading: Reading = {
    currentA: 0.4348,
    voltageV: 230,
    voltageSource: "nominal",
    activePowerW: 100,
    apparentPowerVa: 100,
    reactivePowerVar: 0,
    powerFactor: 1,
    frequencyHz: 50,
    energyWh: 0.028,
    maxDemandW: 100,
    runningDemandW: 100,
    samples: 1000,
    sampleRateHz: 1000,
    flags: ["nominal-voltage"],
    durationMs: 1000.25,
    endMs: 1_780_000_300_000.25,
  };
  return { registers: registers(energyMilliWh), open: { sequence: 7, interval: addReading(null, reading) } };
}

let data: string;
let file: string;
let previous: string;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), "registers-"));
  file = path.join(data, "registers", "main.json");
  previous = `${file}.previous`;
});
afterEach(() => {
  rmSync(data, { recursive: true, force: true });
});

/** A file with two saves behind it: 10 Wh in the previous copy, 11 Wh in the main one. */
function saveTwice(): void {
  const keeper = new RegisterFile(data, "main");
  keeper.load();
  keeper.save(record(10_000));
  keeper.save(record(11_000));
}

function load(meter = "main") {
  return new RegisterFile(data, meter).load();
}

describe("RegisterFile", () => {
  it("starts a new meter at zero without a word", () => {
    expect(load()).toEqual({ registers: EMPTY_REGISTERS, open: null });
  });

  it("gives back what was saved, every field, and keeps the save before it beside", () => {
    saveTwice();
    expect(load()).toEqual(record(11_000));
    renameSync(previous, file);
    expect(load()).toEqual(record(10_000));
  });

  it("leaves only the main file and the previous copy in the directory after 50 saves", () => {
    const keeper = new RegisterFile(data, "main");
    keeper.load();
    for (let n = 1; n <= 50; n += 1) keeper.save(record(n));
    expect(readdirSync(path.dirname(file)).sort()).toEqual(["main.json", "main.json.previous"]);
  });

  it("goes on from the previous copy, with a notice, when the main file is cut at any byte", () => {
    saveTwice();
    const whole = readFileSync(file);
    for (let length = 0; length < whole.length; length += 1) {
      writeFileSync(file, whole);
      truncateSync(file, length);
      const { registers: kept, notice } = load();
      if (notice === undefined) {
        // Only the last line feed was lost: every value is still there.
        expect(length).toBe(whole.length - 1);
        expect(kept).toEqual(registers(11_000));
        continue;
      }
      expect(kept).toEqual(registers(10_000));
      expect(notice).toContain("10 Wh");
      rmSync(`${file}.broken-1`);
    }
  });

  it("says so and starts from zero when both copies are cut at any byte", () => {
    saveTwice();
    const whole = readFileSync(file);
    for (let length = 0; length < whole.length - 1; length += 1) {
      writeFileSync(file, whole.subarray(0, length));
      writeFileSync(previous, whole.subarray(0, length));
      const { registers: kept, notice } = load();
      expect(kept).toEqual(EMPTY_REGISTERS);
      expect(notice).toContain("from zero");
      expect(readFileSync(`${file}.broken-1`)).toHaveLength(length);
      expect(readFileSync(`${previous}.broken-1`)).toHaveLength(length);
      rmSync(`${file}.broken-1`);
      rmSync(`${previous}.broken-1`);
    }
  });

  it("finds every changed digit by the checksum", () => {
    saveTwice();
    const text = readFileSync(file, "utf8");
    for (let at = 0; at < text.length; at += 1) {
      const digit = text[at] as string;
      if (!/\d/.test(digit)) continue;
      writeFileSync(file, `${text.slice(0, at)}${(Number(digit) + 1) % 10}${text.slice(at + 1)}`);
      const { registers: kept, notice } = load();
      expect(notice, text.slice(at - 20, at + 5)).toBeDefined();
      expect(kept).toEqual(registers(10_000));
      rmSync(`${file}.broken-1`);
    }
  });

  it("names the file, the fault, where the broken one is and the value it goes on from", () => {
    saveTwice();
    writeFileSync(file, "{ }");
    const { notice } = load();
    expect(notice).toBe(
      `registers of meter main: ${file} is damaged (not a register file) and was kept as ${file}.broken-1; it goes on from 10 Wh of ${previous}`,
    );
    expect(readFileSync(`${file}.broken-1`, "utf8")).toBe("{ }");
  });

  it("refuses another meter's file, a negative energy and what is not an object", () => {
    const other = new RegisterFile(data, "other");
    other.load();
    other.save(record(99_000));
    const foreign = readFileSync(path.join(data, "registers", "other.json"), "utf8");
    const negative = new RegisterFile(data, "negative");
    negative.load();
    negative.save(record(-5));
    saveTwice();
    for (const [text, fault] of [
      [foreign, 'it belongs to meter "other"'],
      ["null", "not a register file"],
      ["[]", "not a register file"],
    ] as const) {
      writeFileSync(file, text);
      expect(load().notice).toContain(fault);
    }
    const { registers: kept, notice } = load("negative");
    expect(notice).toContain("energyMilliWh");
    expect(kept).toEqual(EMPTY_REGISTERS);
  });

  it("goes on from the previous copy when the main file is gone", () => {
    saveTwice();
    rmSync(file);
    expect(load()).toEqual({ ...record(10_000), notice: expect.stringContaining("is missing") });
  });

  it("says that it starts from zero when only traces of an earlier life are left", () => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.broken-3`, "?");
    const { registers: kept, notice } = load();
    expect(kept).toEqual(EMPTY_REGISTERS);
    expect(notice).toContain("from zero");
  });

  it("takes what a kill left in .new when nothing else is good", () => {
    saveTwice();
    renameSync(file, `${file}.new`);
    rmSync(previous);
    expect(load()).toMatchObject({ registers: { energyMilliWh: 11_000 } });
  });

  it("does not let a file that was damaged meanwhile replace the good previous copy", () => {
    const keeper = new RegisterFile(data, "main");
    keeper.load();
    keeper.save(record(10_000));
    keeper.save(record(11_000));
    writeFileSync(file, "damaged");
    keeper.save(record(12_000));
    rmSync(file);
    expect(load().registers).toEqual(registers(10_000));
  });

  it("throws a StorageError when it cannot write, leaves the last values, and saves the next time", () => {
    saveTwice();
    const keeper = new RegisterFile(data, "main");
    keeper.load();
    // A directory in the place of the file that is written aside cannot be opened, not even by root.
    mkdirSync(`${file}.new`);
    expect(() => keeper.save(record(12_000))).toThrow(
      expect.objectContaining({ code: "storage/unwritable" }),
    );
    expect(load().registers).toEqual(registers(11_000));
    rmSync(`${file}.new`, { recursive: true });
    keeper.save(record(13_000));
    expect(load()).toEqual(record(13_000));
    renameSync(previous, file);
    expect(load().registers).toEqual(registers(11_000));
  });

  it("throws, and counts nothing over it, when the file is there but cannot be read", () => {
    mkdirSync(file, { recursive: true });
    expect(() => load()).toThrow(expect.objectContaining({ code: "storage/unreadable" }));
  });

  it("has a whole copy with the newest or the last-but-one value at every step of a save", () => {
    saveTwice();
    // What can be on the disk between two steps of saving 12 Wh after 11 Wh, a torn write of .new included.
    const main = readFileSync(file);
    const torn = main.subarray(0, 40);
    const steps: [string, Buffer][][] = [
      [[`${previous}.new`, main]],
      [[previous, main]],
      [
        [previous, main],
        [`${file}.new`, torn],
      ],
    ];
    for (const step of steps) {
      for (const [name, contents] of step) writeFileSync(name, contents);
      expect(load()).toEqual(record(11_000));
    }
  });
});
