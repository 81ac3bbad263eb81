import { describe, expect, it } from "vitest";
import {
  paperCurrent,
  paperFormulas,
  paperRmsCurrentA,
  paperVoltageMv,
  sinePeakCurrentA,
} from "../../rig/measure/paper-formulas.js";
import { sampleMains, tickTimesS } from "./synthetic.js";

describe("the paper's formulas, section 4.4", () => {
  it("turn 512 counts into 2500 mV", () => {
    expect(paperVoltageMv(512)).toBe(2500);
  });

  it("turn a maximum of 1016 counts into 3.535 A", () => {
    expect(paperRmsCurrentA(1016)).toBeCloseTo(3.535, 12);
  });

  it("halve the current of the load-dependent form when the load is said to be twice as large", () => {
    expect(paperCurrent(540, 520, 2500, 100)).toBe(500);
    expect(paperCurrent(540, 520, 2500, 200)).toBe(250);
  });

  it("read one 100 W lamp 6 % low with a board of 10 mA a count and its zero at 512, the corrected form within 2 %", () => {
    // 10 mA a count: 5 V / 1024 over 0.488 V/A, so the lamp's 0.4348 A are made 2.44 times as large for the 0.2 V/A of the bench.
    const trueA = 100 / 230;
    let paperA = 0;
    let correctedA = 0;
    for (let seed = 0; seed < 30; seed += 1) {
      const { current } = sampleMains(tickTimesS(1, 1000, seed * 4), {
        currentA: (trueA * 0.48828125) / 0.2,
        frequencyHz: 50.02,
        phaseRad: seed,
        noiseLsb: 0,
        seed,
      });
      const formulas = paperFormulas({ currentCounts: current, currentAPerCount: 0.01, loadW: 100 });
      paperA += (formulas[2]?.value ?? 0) / 30;
      correctedA += (formulas[2]?.corrected?.value ?? 0) / 30;
    }
    expect(Math.abs((paperA / trueA - 1) * 100 + 6)).toBeLessThan(1.5);
    expect(Math.abs((correctedA / trueA - 1) * 100)).toBeLessThan(2);
  });

  it("have a corrected form of 17.26 mA a count of peak with 1000:1 and 200 ohm", () => {
    expect(sinePeakCurrentA(513, 512, 5 / 1024 / 0.2)).toBeCloseTo(0.01726, 5);
  });

  it("come with a note each, in the paper's order, missing samples passed over", () => {
    const currentCounts = Float64Array.of(500, Number.NaN, 540, 520);
    const formulas = paperFormulas({ currentCounts, currentAPerCount: 0.0244, loadW: 100 });
    expect(formulas.map(({ unit }) => unit)).toEqual(["counts mV/W", "mV", "A"]);
    for (const { note } of formulas) expect(note.length).toBeGreaterThan(40);
    expect(formulas[0]?.corrected).toBeNull();
    expect(formulas[1]).toMatchObject({ value: (520 / 1024) * 5000, corrected: { value: 2539.0625 } });
    expect(formulas[2]?.value).toBeCloseTo(0.16968, 12);
  });

  it("say nothing of a window without samples", () => {
    const currentCounts = Float64Array.of(Number.NaN);
    expect(paperFormulas({ currentCounts, currentAPerCount: 0.0244, loadW: 100 })).toEqual([]);
  });
});
