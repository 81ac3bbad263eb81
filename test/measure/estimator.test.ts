import { describe, expect, it } from "vitest";
import { type Estimate, type EstimatorOptions, estimate } from "../../rig/measure/estimator.js";
import { uniformTimeModel } from "../../rig/measure/time-model.js";
import { type Mains, makeWindow, tickTimesS, uniformTimesS } from "./synthetic.js";

/** 1000:1 with 200 ohm is 0.2 V/A; 5 V / 1024 a count. */
const calibration = { currentAPerCount: 5 / 1024 / 0.2, voltageVPerCount: 5 / 1024 / 0.005 };
const LAMP_A = 100 / 230;
const PHASES = [0, 17, 41, 66, 98, 127];

function options(intervalMs: number, changes: Partial<EstimatorOptions> = {}): EstimatorOptions {
  return {
    timeModel: uniformTimeModel(intervalMs, 147e-6),
    calibration,
    nominal: { voltageV: 230, frequencyHz: 50, powerFactor: 1 },
    creepA: 0.015,
    ...changes,
  };
}

/** Estimates of 1 s windows at ideal instants and at the firmware's own, over its start phases. */
function estimates(intervalMs: number, mains: Mains, withVoltage: boolean) {
  const count = Math.floor(1000 / intervalMs);
  const times = [
    uniformTimesS(intervalMs, count),
    ...PHASES.map((phase) => tickTimesS(intervalMs, count, phase)),
  ];
  return times.map((timesS, run) =>
    estimate(
      makeWindow(
        intervalMs,
        timesS,
        { biasV: 2.49 + run * 0.004, phaseRad: run, seed: run + 1, ...mains },
        withVoltage,
      ),
      options(intervalMs),
    ),
  );
}

function percentOff(value: number, truth: number): number {
  return Math.abs(value / truth - 1) * 100;
}

describe("current of 1 to 4 lamps of 100 W", () => {
  for (const frequencyHz of [49, 50, 51, 60]) {
    for (const [intervalMs, withVoltage] of [
      [1, false],
      [3, true],
    ] as const) {
      it(`is right within 1 %, and within ticks and noise, at ${intervalMs} ms and ${frequencyHz} Hz`, () => {
        for (const lamps of [1, 2, 3, 4]) {
          const truthA = lamps * LAMP_A;
          // Cramer-Rao bound of the noise, 0.4 LSB and 1/12 LSB^2 of rounding, over the samples of 1 s; four of its deviations.
          const noisePercent =
            (4 * 100 * 0.0244 * Math.sqrt(1 / 12 + 0.16)) / Math.sqrt(1000 / intervalMs) / truthA;
          // Beat of the 1.024 ms ticks with the mains, worst start phase, for times taken as uniform.
          const beatPercent = frequencyHz === 60 ? 0.27 : 0.18;
          for (const { quantities } of estimates(
            intervalMs,
            { currentA: truthA, frequencyHz },
            withVoltage,
          )) {
            const off = percentOff(quantities.currentA, truthA);
            expect(off).toBeLessThan(Math.min(1, noisePercent + beatPercent));
          }
        }
      });
    }
  }

  it("stays within 1 % at 3 ms and 49.5 Hz, where ticks and mains beat the longest", () => {
    for (const { quantities } of estimates(3, { currentA: LAMP_A, frequencyHz: 49.5 }, true)) {
      expect(percentOff(quantities.currentA, LAMP_A)).toBeLessThan(1);
    }
  });

  it("has a mean over seven windows within 0.2 % of one lamp at 50 Hz", () => {
    for (const [intervalMs, withVoltage] of [
      [1, false],
      [3, true],
    ] as const) {
      const runs = estimates(intervalMs, { currentA: LAMP_A }, withVoltage);
      const mean = runs.reduce((sum, { quantities }) => sum + quantities.currentA, 0) / runs.length;
      expect(percentOff(mean, LAMP_A)).toBeLessThan(0.2);
    }
  });

  it("of a rectifier with 80 % distortion is right within 1 % at 1 ms on the firmware's instants", () => {
    const harmonics = { 3: -0.65, 5: 0.38, 7: -0.22, 9: 0.12, 11: -0.08, 13: 0.05 };
    // Ideal instants, the first run, would see 20 frozen phases, on which the 7th and the 13th harmonic are one.
    for (const { quantities } of estimates(1, { currentA: 1, harmonics }, false).slice(1)) {
      expect(percentOff(quantities.currentA, 1)).toBeLessThan(1);
    }
  });
});

describe("power with A0 and A1 at 3 ms", () => {
  const loads = [
    ["1", 0, 1, 0],
    ["0.5 lagging", Math.PI / 3, 0.5, 1],
    ["0.8 leading", -Math.acos(0.8), 0.8, -1],
  ] as const;
  for (const [name, lagRad, powerFactor, sign] of loads) {
    for (const frequencyHz of [49, 50, 51, 60]) {
      it(`has the power factor ${name} within 0.01 at ${frequencyHz} Hz, P within 1.5 % and Q of the right sign`, () => {
        for (const currentA of [LAMP_A, 4 * LAMP_A]) {
          const apparentVa = 230 * currentA;
          for (const { quantities } of estimates(3, { currentA, frequencyHz, lagRad }, true)) {
            expect(Math.abs(quantities.powerFactor - powerFactor)).toBeLessThan(0.01);
            expect(percentOff(quantities.activePowerW, apparentVa * powerFactor)).toBeLessThan(1.5);
            expect(percentOff(quantities.voltageV, 230)).toBeLessThan(0.4);
            expect(quantities.apparentPowerVa).toBeCloseTo(quantities.voltageV * quantities.currentA, 9);
            expect(
              Math.abs(quantities.reactivePowerVar - apparentVa * Math.sin(lagRad)) / apparentVa,
            ).toBeLessThan(0.015);
            if (sign !== 0) expect(Math.sign(quantities.reactivePowerVar)).toBe(sign);
            expect(quantities.voltageSource).toBe("measured");
          }
        }
      });
    }
  }

  it("is negative, power factor included, when the current sensor is turned round", () => {
    for (const { quantities } of estimates(3, { currentA: 1, lagRad: Math.PI }, true)) {
      expect(quantities.powerFactor).toBeLessThan(-0.99);
      expect(percentOff(quantities.activePowerW, -230)).toBeLessThan(1);
    }
  });
});

describe("frequency", () => {
  for (const frequencyHz of [45, 49, 49.5, 50, 50.13, 51, 60, 62.5]) {
    it(`of ${frequencyHz} Hz is found within 50 mHz, from the voltage at 3 ms and from 0.2 A at 1 ms`, () => {
      for (const [intervalMs, withVoltage, currentA] of [
        [3, true, 0],
        [1, false, 0.2],
      ] as const) {
        for (const { quantities, flags } of estimates(intervalMs, { currentA, frequencyHz }, withVoltage)) {
          expect(Math.abs(quantities.frequencyHz - frequencyHz)).toBeLessThan(0.05);
          expect(flags).not.toContain("nominal-frequency");
        }
      }
    });
  }

  it("follows the host's clock: a board 0.5 % fast shows 50 Hz as 50 Hz", () => {
    // The board's milliseconds are short: its 1 ms samples come 0.995 ms apart.
    const timesS = tickTimesS(1, 1005, 5).map((timeS) => timeS * 0.995);
    const window = { ...makeWindow(1, timesS, { currentA: 1 }, false), sampleRateHz: 1000 / 0.995 };
    expect(Math.abs(estimate(window, options(1)).quantities.frequencyHz - 50)).toBeLessThan(0.02);
  });

  it("is the nominal one, and says so, where there is no signal", () => {
    const { quantities, flags } = estimates(1, { currentA: 0.03 }, false)[1] as Estimate;
    expect(quantities.frequencyHz).toBe(50);
    expect(flags).toContain("nominal-frequency");
  });

  it("is not taken from the mirror image at 19 ms: 49.5 Hz is not read as 55.8 Hz", () => {
    const window = makeWindow(19, tickTimesS(19, 53, 3), { currentA: 1, frequencyHz: 49.5 }, true);
    expect(Math.abs(estimate(window, options(19)).quantities.frequencyHz - 49.5)).toBeLessThan(0.2);
  });
});

describe("what limits a reading", () => {
  it("without a voltage sensor takes 230 V and power factor 0.8 and says nominal-voltage", () => {
    const window = makeWindow(1, tickTimesS(1, 1000, 9), { currentA: 1 }, false);
    const nominal = { voltageV: 230, frequencyHz: 50, powerFactor: 0.8 };
    const { quantities, flags } = estimate(window, options(1, { nominal }));
    expect(flags).toEqual(["nominal-voltage"]);
    expect(quantities).toMatchObject({ voltageV: 230, voltageSource: "nominal", powerFactor: 0.8 });
    expect(quantities.activePowerW / quantities.apparentPowerVa).toBeCloseTo(0.8, 12);
    expect(quantities.reactivePowerVar / quantities.apparentPowerVa).toBeCloseTo(0.6, 12);
  });

  it("counts noise of 0.4 LSB and no load as 0 A, 0 W, below-creep", () => {
    for (const { quantities, flags } of estimates(3, { currentA: 0 }, true)) {
      expect(quantities).toMatchObject({ currentA: 0, activePowerW: 0, apparentPowerVa: 0, powerFactor: 0 });
      expect(flags).toEqual(["below-creep"]);
    }
  });

  it("says clipped at 9.2 A, where the peaks pass the 8.84 A that 200 ohm hold", () => {
    const flags = (currentA: number) =>
      estimate(makeWindow(1, uniformTimesS(1, 1000), { currentA }, false), options(1)).flags;
    expect(flags(9.2)).toContain("clipped");
    expect(flags(8.5)).not.toContain("clipped");
  });

  it("says too-few-phases at 10 ms and 50 Hz, not at 1, 3, 11 and 19 ms", () => {
    const flags = (intervalMs: number) => {
      const times = tickTimesS(intervalMs, Math.floor(1000 / intervalMs), 0);
      return estimate(makeWindow(intervalMs, times, { currentA: 1 }, true), options(intervalMs)).flags;
    };
    for (const intervalMs of [4, 5, 10, 20]) expect(flags(intervalMs)).toContain("too-few-phases");
    for (const intervalMs of [1, 3, 11, 19]) expect(flags(intervalMs)).not.toContain("too-few-phases");
  });

  it("leaves missing samples out and says incomplete: 20 of 333 lost cost less than 1 %", () => {
    const whole = makeWindow(3, tickTimesS(3, 333, 20), { currentA: 1, lagRad: Math.PI / 3 }, true);
    for (let k = 5; k < 325; k += 16) {
      whole.currentCounts[k] = Number.NaN;
      whole.voltageCounts![k] = Number.NaN;
    }
    const { quantities, flags, waveform } = estimate({ ...whole, unpaired: 20 }, options(3));
    expect(flags).toEqual(["incomplete"]);
    expect(percentOff(quantities.currentA, 1)).toBeLessThan(1);
    expect(Math.abs(quantities.powerFactor - 0.5)).toBeLessThan(0.01);
    expect(waveform.currentA[5]).toBeNaN();
  });

  it("survives a window in which every sample is missing", () => {
    const empty = new Float64Array(333).fill(Number.NaN);
    const window = makeWindow(3, uniformTimesS(3, 333), { currentA: 1 }, true);
    const { quantities, flags } = estimate(
      { ...window, currentCounts: empty, voltageCounts: empty, unpaired: 333 },
      options(3),
    );
    expect(quantities).toMatchObject({ currentA: 0, voltageV: 0, activePowerW: 0, frequencyHz: 50 });
    expect(flags).toEqual(["below-creep", "nominal-frequency", "incomplete"]);
  });

  it("never gives |PF| above 1, and says when it held it there", () => {
    const runs = Array.from({ length: 40 }, (_, seed) =>
      estimate(
        makeWindow(3, tickTimesS(3, 333, (seed * 3) % 128), { currentA: 0.05, seed }, true),
        options(3),
      ),
    );
    for (const { quantities, flags } of runs) {
      expect(Math.abs(quantities.powerFactor)).toBeLessThanOrEqual(1);
      const over = quantities.activePowerW > quantities.apparentPowerVa;
      expect(flags.includes("power-factor-clamped")).toBe(over);
    }
  });

  it("gives the waveform in amperes and volts about 0: peaks 1.414 A and 325 V within 2 counts", () => {
    const window = makeWindow(3, uniformTimesS(3, 333), { currentA: 1, biasV: 2.52, noiseLsb: 0 }, true);
    const { waveform } = estimate(window, options(3));
    expect(Math.abs(Math.max(...waveform.currentA) - Math.SQRT2)).toBeLessThan(0.05);
    expect(Math.abs(Math.min(...waveform.voltageV!) + 230 * Math.SQRT2)).toBeLessThan(6);
    expect(waveform).toMatchObject({ intervalMs: 3, voltageSkewMs: 0.147 });
  });
});
