// Expected values: sums of sines worked out by hand; a lamp of 100 W at 230 V is 529 ohm
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MainsPart } from "../../../rig/virtual/parts/mains-part.js";
import type { MeterLoad } from "../../../rig/virtual/parts/meter-load.js";

const BIAS_V = 2.5;
const VOLTS_PER_AMPERE = 0.2; // 200 ohm / 1000
const VOLTS_PER_VOLT = 0.005;
const SENSOR = {
  ratio: 1000,
  burdenOhm: 200,
  voltageGain: VOLTS_PER_VOLT,
  biasV: BIAS_V,
  noiseLsb: 0,
};

/** Means over whole cycles at 50 Hz, 1000 evenly spaced instants: exact for every harmonic below the 500th. */
function overTenCycles(load: MeterLoad, fromS = 0) {
  const count = 1000;
  let squaresI = 0;
  let squaresV = 0;
  let product = 0;
  let meanI = 0;
  for (let k = 0; k < count; k++) {
    const timeS = fromS + (k * 0.2) / count;
    const i = (load.currentPinV(timeS) - BIAS_V) / VOLTS_PER_AMPERE;
    const v = (load.voltagePinV(timeS) - BIAS_V) / VOLTS_PER_VOLT;
    squaresI += i * i;
    squaresV += v * v;
    product += i * v;
    meanI += i;
  }
  return {
    currentA: Math.sqrt(squaresI / count),
    voltageV: Math.sqrt(squaresV / count),
    powerW: product / count,
    meanA: meanI / count,
  };
}

const mains = (volts = 230) => new MainsPart({ volts, hz: 50, seed: 1 });

describe("MainsPart lamps", () => {
  it.each([
    [1, 0.434783],
    [2, 0.869565],
    [3, 1.304348],
    [4, 1.73913],
  ])("%i of 100 W at 230 V draw %f A, in phase, 100 W each", (count, currentA) => {
    const load = mains().addMeter(SENSOR);
    load.setLamps(count);
    const measured = overTenCycles(load);
    expect(measured.currentA).toBeCloseTo(currentA, 6);
    expect(measured.voltageV).toBeCloseTo(230, 6);
    expect(measured.powerW).toBeCloseTo(100 * count, 6);
    expect(measured.meanA).toBeCloseTo(0, 9);
    const truth = load.truth();
    expect(truth.currentA).toBeCloseTo(currentA, 6);
    expect(truth.activePowerW).toBeCloseTo(100 * count, 9);
    expect(truth.reactivePowerVar).toBeCloseTo(0, 9);
    expect(truth.powerFactor).toBeCloseTo(1, 12);
  });

  it("follow the voltage: at 115 V a quarter of the power", () => {
    const grid = mains();
    const load = grid.addMeter(SENSOR);
    load.setLamps(4);
    grid.setVolts(115);
    expect(overTenCycles(load).powerW).toBeCloseTo(100, 6);
    expect(load.truth()).toMatchObject({ voltageV: 115 });
    expect(load.truth().activePowerW).toBeCloseTo(100, 9);
  });
});

describe("MainsPart load", () => {
  it.each([
    ["lagging", 0.5, 230 * 2 * 0.866025],
    ["leading", -0.5, -230 * 2 * 0.866025],
    ["in phase", 1, 0],
    ["pure reactance", 0, 460],
  ])("2 A %s at power factor %f takes V I |pf|, with Q %f var", (_, powerFactor, reactivePowerVar) => {
    const load = mains().addMeter(SENSOR);
    load.setLoad({ currentA: 2, powerFactor, thirdHarmonic: 0 });
    const measured = overTenCycles(load);
    expect(measured.currentA).toBeCloseTo(2, 6);
    expect(measured.powerW).toBeCloseTo(460 * Math.abs(powerFactor), 6);
    expect(load.truth().activePowerW).toBeCloseTo(460 * Math.abs(powerFactor), 9);
    expect(load.truth().reactivePowerVar).toBeCloseTo(reactivePowerVar, 3);
  });

  it("lagging by 60 degrees passes zero a sixth of a cycle after the voltage, leading as much before", () => {
    for (const [powerFactor, zeroS] of [
      [0.5, 0.02 / 6],
      [-0.5, 0.02 - 0.02 / 6],
    ] as const) {
      const load = mains().addMeter(SENSOR);
      load.setLoad({ currentA: 2, powerFactor, thirdHarmonic: 0 });
      expect(load.currentPinV(zeroS)).toBeCloseTo(BIAS_V, 9);
      expect(load.currentPinV(zeroS + 0.001)).toBeGreaterThan(BIAS_V);
    }
  });

  it("with a third harmonic of 60 % keeps its 2 A in total: fundamental 1.714986 A, power from that alone", () => {
    const load = mains().addMeter(SENSOR);
    load.setLoad({ currentA: 2, powerFactor: 0.8, thirdHarmonic: 0.6 });
    const measured = overTenCycles(load);
    const fundamentalA = 2 / Math.sqrt(1.36);
    expect(fundamentalA).toBeCloseTo(1.714986, 6);
    expect(measured.currentA).toBeCloseTo(2, 6);
    expect(measured.powerW).toBeCloseTo(230 * fundamentalA * 0.8, 6);
    const truth = load.truth();
    expect(truth.currentA).toBeCloseTo(2, 9);
    expect(truth.activePowerW).toBeCloseTo(230 * fundamentalA * 0.8, 9);
    expect(truth.reactivePowerVar).toBeCloseTo(230 * fundamentalA * 0.6, 9);
    expect(truth.powerFactor).toBeCloseTo((0.8 * fundamentalA) / 2, 12);
  });

  it("a third harmonic of 50 % raises the crest from 1.414 to 1.897: peak (1 + 0.5) over sqrt(1.25)", () => {
    const load = mains().addMeter(SENSOR);
    load.setLoad({ currentA: 1, powerFactor: 1, thirdHarmonic: 0.5 });
    const peakA = (load.currentPinV(0.005) - BIAS_V) / VOLTS_PER_AMPERE;
    expect(peakA).toBeCloseTo((Math.SQRT2 * 1.5) / Math.sqrt(1.25), 9);
  });

  it("adds to the lamps as phasors: 1 lamp and 2 A at 90 degrees give sqrt(0.4348^2 + 2^2) A", () => {
    const load = mains().addMeter(SENSOR);
    load.setLamps(1);
    load.setLoad({ currentA: 2, powerFactor: 0, thirdHarmonic: 0 });
    const totalA = Math.hypot(100 / 230, 2);
    expect(overTenCycles(load).currentA).toBeCloseTo(totalA, 6);
    expect(load.truth().currentA).toBeCloseTo(totalA, 9);
    expect(load.truth().activePowerW).toBeCloseTo(100, 9);
  });

  it("true values agree with the pins for any load on a distorted mains", () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    const property = fc.property(
      fc.record({
        currentA: fc.double({ min: 0, max: 3, noNaN: true }),
        powerFactor: part,
        thirdHarmonic: part,
      }),
      fc.boolean(),
      fc.integer({ min: 0, max: 4 }),
      fc.double({ min: -180, max: 180, noNaN: true }),
      (load, leading, lamps, phaseDeg) => {
        const grid = new MainsPart({
          volts: 230,
          hz: 50,
          seed: 1,
          harmonics: [
            { order: 3, fraction: 0.05, phaseDeg },
            { order: 5, fraction: 0.02, phaseDeg: 20 },
          ],
        });
        const meter = grid.addMeter(SENSOR);
        meter.setLoad({ ...load, powerFactor: leading ? -load.powerFactor : load.powerFactor });
        meter.setLamps(lamps);
        const measured = overTenCycles(meter);
        const truth = meter.truth();
        expect(truth.currentA).toBeCloseTo(measured.currentA, 6);
        expect(truth.voltageV).toBeCloseTo(measured.voltageV, 6);
        expect(truth.activePowerW).toBeCloseTo(measured.powerW, 5);
      },
    );
    fc.assert(property, { numRuns: 50 });
  });
});

describe("MainsPart relay and power cut", () => {
  it("with the relay open no current flows and the voltage stays", () => {
    const load = mains().addMeter(SENSOR);
    load.setLamps(4);
    load.switchedOn = false;
    expect(overTenCycles(load)).toMatchObject({ currentA: 0, powerW: 0 });
    expect(load.truth()).toMatchObject({ currentA: 0, activePowerW: 0, reactivePowerVar: 0, powerFactor: 1 });
    expect(overTenCycles(load).voltageV).toBeCloseTo(230, 6);
  });

  it("at 0 V neither lamps nor load draw current", () => {
    const grid = mains(0);
    const load = grid.addMeter(SENSOR);
    load.setLamps(4);
    load.setLoad({ currentA: 5, powerFactor: 1, thirdHarmonic: 0 });
    expect(overTenCycles(load)).toMatchObject({ currentA: 0, voltageV: 0 });
    expect(load.truth().currentA).toBe(0);
  });
});

describe("MainsPart frequency", () => {
  it("has no step in phase when it changes: 50 to 60 Hz at 3.2137 s", () => {
    const grid = mains();
    const load = grid.addMeter(SENSOR);
    const atS = 3.2137;
    const before = load.voltagePinV(atS);
    const slopeBefore = load.voltagePinV(atS) - load.voltagePinV(atS - 1e-6);
    grid.setHz(60, atS);
    expect(load.voltagePinV(atS)).toBeCloseTo(before, 9);
    const slopeAfter = load.voltagePinV(atS + 1e-6) - load.voltagePinV(atS);
    expect(slopeAfter / slopeBefore).toBeCloseTo(60 / 50, 2);
    expect(load.truth().frequencyHz).toBe(60);
  });

  it("gives 50 rising zero crossings a second at 50 Hz and 49.5 x 2 in 2 s after a change", () => {
    const grid = mains();
    const load = grid.addMeter(SENSOR);
    const crossings = (fromS: number, toS: number) => {
      let count = 0;
      for (let k = 1; fromS + k * 1e-4 <= toS; k++) {
        const earlier = load.voltagePinV(fromS + (k - 1) * 1e-4);
        if (earlier < BIAS_V && load.voltagePinV(fromS + k * 1e-4) >= BIAS_V) count++;
      }
      return count;
    };
    expect(crossings(0.005, 1.005)).toBe(50);
    grid.setHz(49.5, 1.005);
    expect(crossings(1.005, 3.005)).toBe(99);
  });

  it("is the same wave after a day: 230 V within 0.05 mV", () => {
    const load = mains().addMeter(SENSOR);
    expect(overTenCycles(load, 86_400).voltageV).toBeCloseTo(230, 4);
  });
});

describe("MeterLoad pins", () => {
  it("rest at the bias and end at 0 and 5 V: 20 A would reach 2.5 V +- 5.66 V", () => {
    const load = mains().addMeter(SENSOR);
    expect(load.currentPinV(0.123)).toBe(2.5);
    load.setLoad({ currentA: 20, powerFactor: 1, thirdHarmonic: 0 });
    expect(load.currentPinV(0.005)).toBe(5);
    expect(load.currentPinV(0.015)).toBe(0);
  });

  it("a Hall sensor of 185 mV/A shows the 1.414 A peak of 1 A as 2.5 V + 0.2616 V", () => {
    const load = mains().addMeter({ ...SENSOR, currentGainVPerA: 0.185 });
    load.setLoad({ currentA: 1, powerFactor: 1, thirdHarmonic: 0 });
    expect(load.currentPinV(0.005)).toBeCloseTo(2.5 + 0.185 * Math.SQRT2, 9);
  });

  it("carry Gaussian noise of 2 LSB: sigma within 2 % and mean within 0.05 LSB over 20 000 draws", () => {
    const load = mains().addMeter({ ...SENSOR, noiseLsb: 2 });
    const lsb = 5 / 1024;
    let sum = 0;
    let squares = 0;
    const count = 20_000;
    for (let k = 0; k < count; k++) {
      const noise = (load.currentPinV(0) - BIAS_V) / lsb;
      sum += noise;
      squares += noise * noise;
    }
    // Standard errors: sigma / sqrt(2 n) = 0.5 %, mean 2 / sqrt(n) = 0.014 LSB.
    expect(Math.abs(Math.sqrt(squares / count) / 2 - 1)).toBeLessThan(0.02);
    expect(Math.abs(sum / count)).toBeLessThan(0.05);
  });

  it("repeat their noise for the same seed, differ for another, and do not disturb one another", () => {
    const draw = (seed: number, readVoltageToo: boolean) => {
      const grid = new MainsPart({ volts: 230, hz: 50, seed });
      const first = grid.addMeter({ ...SENSOR, noiseLsb: 1 });
      const second = grid.addMeter({ ...SENSOR, noiseLsb: 1 });
      const values: number[] = [];
      for (let k = 0; k < 50; k++) {
        values.push(first.currentPinV(0));
        if (readVoltageToo) {
          first.voltagePinV(0);
          second.currentPinV(0);
        }
      }
      return values;
    };
    expect(draw(7, false)).toEqual(draw(7, false));
    expect(draw(7, true)).toEqual(draw(7, false));
    expect(draw(8, false)).not.toEqual(draw(7, false));
  });
});

describe("MainsPart arguments", () => {
  it.each([
    ["volts", () => mains(-1), /volts must be 0 to 1000 V, not -1/],
    ["hz", () => new MainsPart({ volts: 230, hz: 0, seed: 1 }), /hz must be 1 to 1000 Hz, not 0/],
    ["seed", () => new MainsPart({ volts: 230, hz: 50, seed: 0.5 }), /seed must be a whole number/],
    ["setVolts", () => mains().setVolts(Number.NaN), /volts must be 0 to 1000 V, not NaN/],
    ["setHz", () => mains().setHz(50, -1), /atTimeS must be/],
    ["setLamps 5", () => mains().addMeter(SENSOR).setLamps(5), /count must be 0 to 4 lamps, not 5/],
    ["setLamps 1.5", () => mains().addMeter(SENSOR).setLamps(1.5), /whole number of 0 to 4 lamps, not 1.5/],
    ["ratio", () => mains().addMeter({ ...SENSOR, ratio: 0 }), /ratio must be/],
    ["burdenOhm", () => mains().addMeter({ ...SENSOR, burdenOhm: -200 }), /burdenOhm must be .* not -200/],
    ["biasV", () => mains().addMeter({ ...SENSOR, biasV: 6 }), /biasV must be 0 to 5 V, not 6/],
    ["noiseLsb", () => mains().addMeter({ ...SENSOR, noiseLsb: -1 }), /noiseLsb must be/],
    [
      "currentGainVPerA",
      () => mains().addMeter({ ...SENSOR, currentGainVPerA: 0 }),
      /currentGainVPerA must be/,
    ],
  ])("refuses a wrong %s, naming it and the value", (_, act, message) => {
    expect(act).toThrow(RangeError);
    expect(act).toThrow(message);
  });

  it.each([
    [{ currentA: -1 }, /currentA must be 0 to 1000 A, not -1/],
    [{ powerFactor: 1.1 }, /powerFactor must be -1 to 1, not 1.1/],
    [{ thirdHarmonic: 2 }, /thirdHarmonic must be 0 to 1, not 2/],
  ])("refuses a load of %o", (wrong, message) => {
    const load = { currentA: 1, powerFactor: 1, thirdHarmonic: 0, ...wrong };
    expect(() => mains().addMeter(SENSOR).setLoad(load)).toThrow(message);
  });

  it("refuses a harmonic of order 1 and one given twice", () => {
    const distorted =
      (...orders: number[]) =>
      () =>
        new MainsPart({
          volts: 230,
          hz: 50,
          seed: 1,
          harmonics: orders.map((order) => ({ order, fraction: 0.1, phaseDeg: 0 })),
        });
    expect(distorted(1)).toThrow(/order must be 2 to 100, not 1/);
    expect(distorted(3, 3)).toThrow(/harmonics must name each order once, not 3,3/);
  });

  it("takes a load of 0 A", () => {
    const load = mains().addMeter(SENSOR);
    load.setLoad({ currentA: 0, powerFactor: 1, thirdHarmonic: 0 });
    expect(load.truth().currentA).toBe(0);
  });
});
