import { describe, expect, test } from "vitest";
import { configSchema } from "../../rig/core/config.js";
import { VirtualBench } from "../../rig/virtual/bench.js";
import { loadFirmware } from "../../rig/virtual/boards/firmware.js";
import {
  concat,
  parsePortReports,
  parseSamples,
  pinMode,
  reportAnalog,
  reportDigital,
  samplingInterval,
  VERSION_2_5,
  writePort,
} from "./firmata-bytes.js";
import { initialiseDisplay, writeByBackpack, writeLine } from "./hd44780-writer.js";

const program = loadFirmware(undefined);
const MAIN = "main";
const NEIGHBOUR = "neighbour";
const BOOT_US = 2_300_000;
/** Bits of port 1. */
const D8 = 0x01;
const D9 = 0x02;
const D10 = 0x04;
const D11 = 0x08;
const D12 = 0x10;

/** Two meters, booted; `main` may differ from the default. */
function bootBench(main: object = {}, second = true): VirtualBench {
  const config = configSchema.parse({
    meters: [{ id: MAIN, voltage: {}, ...main }, ...(second ? [{ id: NEIGHBOUR }] : [])],
    links: second ? [{ between: [MAIN, NEIGHBOUR] }] : [],
  });
  const bench = new VirtualBench(config, program);
  bench.advanceUs(BOOT_US);
  return bench;
}

/** Outputs D8 and D11, inputs with pull-up D9 and D12, reports of port 1. */
function prepareLink(bench: VirtualBench, meter: string): void {
  bench.send(
    meter,
    concat(
      ...[8, 11].map((pin) => pinMode(pin, "output")),
      ...[9, 12].map((pin) => pinMode(pin, "pullup")),
      writePort(1, D9 | D12),
      reportDigital(1),
    ),
  );
}

function lastPort1(bench: VirtualBench, meter: string): number | undefined {
  return parsePortReports(bench.takeSent(meter), 1).at(-1);
}

describe("VirtualBench", () => {
  test("lets both boards report version 2.5 within 2.3 s of bench time", () => {
    const bench = bootBench();
    expect(bench.timeUs).toBe(BOOT_US);
    for (const meter of [MAIN, NEIGHBOUR])
      expect([...bench.takeSent(meter).subarray(0, 3)]).toEqual(VERSION_2_5);
  });

  test("measures one lamp of 100 W: 0.4348 A as 86.96 mV RMS at A0, within 0.5 % of theory", () => {
    const bench = bootBench({ virtual: { noise: 0 } }, false);
    bench.send(MAIN, samplingInterval(1));
    bench.advanceUs(200_000);
    bench.takeSent(MAIN);
    bench.send(MAIN, reportAnalog(0));
    bench.advanceUs(2_000_000);
    const codes = parseSamples(bench.takeSent(MAIN)).map(({ code }) => code);
    const mean = codes.reduce((sum, code) => sum + code, 0) / codes.length;
    const rms = Math.sqrt(codes.reduce((sum, code) => sum + (code - mean) ** 2, 0) / codes.length);
    // 100 W / 230 V through 1000:1 and 200 ohm, in steps of 5 V / 1024; 2.5 V is between codes 511 and 512.
    const expected = ((100 / 230 / 1000) * 200 * 1024) / 5;
    expect(Math.abs(rms / expected - 1)).toBeLessThan(0.005);
    expect(Math.abs(mean - 511.5)).toBeLessThan(0.2);
  });

  test("gives the load of the last command: 2 lamps, 1.5 A at 0.5 lagging, 3 lamps", () => {
    const bench = new VirtualBench(configSchema.parse({ meters: [{ id: MAIN }] }), program);
    const truth = () => bench.snapshot().meters[0]!.truth;
    bench.apply({ verb: "lamps", meter: MAIN, count: 2 });
    expect(truth().activePowerW).toBeCloseTo(200, 6);
    bench.apply({ verb: "load", meter: MAIN, currentA: 1.5, powerFactor: 0.5, thirdHarmonic: 0 });
    expect(truth().activePowerW).toBeCloseTo(230 * 1.5 * 0.5, 6);
    bench.apply({ verb: "lamps", meter: MAIN, count: 3 });
    expect(truth().activePowerW).toBeCloseTo(300, 6);
    bench.apply({ verb: "volts", volts: 115 });
    bench.apply({ verb: "hz", hz: 60 });
    expect(truth()).toMatchObject({ voltageV: 115, frequencyHz: 60 });
    expect(truth().activePowerW).toBeCloseTo(75, 6);
  });

  test("carries D11 of each board to D12 of the other until the link is cut, then the pull-up reads 1", () => {
    const bench = bootBench();
    for (const meter of [MAIN, NEIGHBOUR]) prepareLink(bench, meter);
    bench.advanceUs(50_000);
    const receives = (from: string, to: string, level: 0 | 1) => {
      bench.send(from, writePort(1, D9 | D12 | (level ? D11 : 0)));
      bench.advanceUs(20_000);
      return lastPort1(bench, to);
    };
    bench.takeSent(MAIN);
    bench.takeSent(NEIGHBOUR);
    expect(receives(MAIN, NEIGHBOUR, 1)! & D12).toBe(D12);
    expect(receives(MAIN, NEIGHBOUR, 0)! & D12).toBe(0);
    expect(receives(NEIGHBOUR, MAIN, 1)! & D12).toBe(D12);
    expect(receives(NEIGHBOUR, MAIN, 0)! & D12).toBe(0);
    bench.apply({ verb: "cut", what: "link", link: "all" });
    bench.advanceUs(20_000);
    expect(lastPort1(bench, NEIGHBOUR)! & D12).toBe(D12);
    expect(bench.snapshot().links).toEqual([{ between: [MAIN, NEIGHBOUR], intact: false }]);
    bench.apply({ verb: "mend", what: "link", link: 0 });
    bench.advanceUs(20_000);
    expect(lastPort1(bench, NEIGHBOUR)! & D12).toBe(0);
  });

  test("closes the loop D8-D9 through the modem cable and opens it when the bus is cut", () => {
    const bench = bootBench({}, false);
    prepareLink(bench, MAIN);
    bench.advanceUs(50_000);
    expect(lastPort1(bench, MAIN)! & D9).toBe(0);
    bench.apply({ verb: "cut", what: "bus", meter: MAIN });
    bench.advanceUs(20_000);
    expect(lastPort1(bench, MAIN)! & D9).toBe(D9);
    expect(bench.snapshot().meters[0]!.busIntact).toBe(false);
    bench.apply({ verb: "mend", what: "bus", meter: MAIN });
    bench.advanceUs(20_000);
    expect(lastPort1(bench, MAIN)! & D9).toBe(0);
    bench.send(MAIN, writePort(1, D8 | D9 | D12));
    bench.advanceUs(20_000);
    expect(lastPort1(bench, MAIN)! & D9).toBe(D9);
  });

  test("switches the load off while D10 is high and on again with the board dead", () => {
    const bench = bootBench({}, false);
    const place = () => bench.snapshot().meters[0]!;
    expect(place()).toMatchObject({ loadOn: true, plugged: true });
    bench.send(MAIN, writePort(1, D10));
    bench.advanceUs(10_000);
    expect(place().loadOn).toBe(false);
    expect(place().truth.currentA).toBe(0);
    bench.apply({ verb: "unplug", meter: MAIN });
    expect(place()).toMatchObject({ loadOn: true, plugged: false });
  });

  test("shows what a 4-bit driver writes to D2-D7, with 0 timing violations; a reset keeps it, an unplug does not", () => {
    const bench = bootBench({}, false);
    bench.send(
      MAIN,
      concat(initialiseDisplay(), writeLine(0, "Power    100.0 W"), writeLine(1, "I=0.43A U=230.1V")),
    );
    bench.advanceUs(250_000);
    expect(bench.display(MAIN).lines).toEqual(["Power    100.0 W", "I=0.43A U=230.1V"]);
    expect(bench.display(MAIN).timingViolations).toBe(0);
    bench.apply({ verb: "reset", meter: MAIN });
    bench.advanceUs(BOOT_US);
    expect(bench.display(MAIN).lines).toEqual(["Power    100.0 W", "I=0.43A U=230.1V"]);
    bench.apply({ verb: "unplug", meter: MAIN });
    bench.apply({ verb: "plug", meter: MAIN });
    expect(bench.display(MAIN).lines).toEqual([" ".repeat(16), " ".repeat(16)]);
  });

  test("shows what is written to the backpack at 0x3F, with 0 timing violations", () => {
    const bench = bootBench({ lcd: { type: "i2c", address: 0x3f } }, false);
    bench.send(MAIN, writeByBackpack(0x3f, concat(initialiseDisplay(), writeLine(1, "by I2C"))));
    bench.advanceUs(600_000);
    expect(bench.display(MAIN).lines).toEqual([" ".repeat(16), "by I2C".padEnd(16)]);
    expect(bench.display(MAIN).timingViolations).toBe(0);
  });

  test("leaves the neighbour's samples complete while main is unplugged and plugged: 3000 in 3 s", () => {
    const bench = bootBench();
    bench.send(NEIGHBOUR, samplingInterval(1));
    bench.advanceUs(200_000);
    bench.takeSent(NEIGHBOUR);
    bench.send(NEIGHBOUR, reportAnalog(0));
    bench.advanceUs(500_000);
    bench.apply({ verb: "unplug", meter: MAIN });
    bench.send(MAIN, Uint8Array.of(0xf9));
    bench.advanceUs(200_000);
    expect(bench.takeSent(MAIN)).toHaveLength(0);
    bench.apply({ verb: "plug", meter: MAIN });
    bench.advanceUs(2_300_000);
    expect([...bench.takeSent(MAIN).subarray(0, 3)]).toEqual(VERSION_2_5);
    expect(Math.abs(parseSamples(bench.takeSent(NEIGHBOUR)).length - 3000)).toBeLessThanOrEqual(2);
  });

  test("gives the same bytes in two runs with the same seed", () => {
    const run = () => {
      const config = configSchema.parse({ meters: [{ id: MAIN }], virtual: { seed: 7 } });
      const bench = new VirtualBench(config, program);
      bench.advanceUs(BOOT_US);
      bench.send(MAIN, reportAnalog(0));
      bench.advanceUs(500_000);
      return Buffer.from(bench.takeSent(MAIN)).toString("hex");
    };
    expect(run()).toBe(run());
  });

  test.each([
    [
      { verb: "lamps", meter: "third", count: 1 } as const,
      /no virtual meter "third"; there are: main, neighbour/,
    ],
    [{ verb: "lamps", meter: MAIN, count: 5 } as const, /lamps is 5; it is from 0 to 4/],
    [{ verb: "volts", volts: Number.NaN } as const, /volts is NaN V/],
    [{ verb: "hz", hz: 10 } as const, /hz is 10 Hz; it is from 40 to 70 Hz/],
    [{ verb: "cut", what: "link", link: 1 } as const, /no link 1/],
    [
      { verb: "load", meter: MAIN, currentA: 1, powerFactor: 1.1, thirdHarmonic: 0 } as const,
      /power factor is 1.1/,
    ],
  ])("refuses %o", (command, message) => {
    const config = configSchema.parse({
      meters: [{ id: MAIN }, { id: NEIGHBOUR }],
      links: [{ between: [MAIN, NEIGHBOUR] }],
    });
    expect(() => new VirtualBench(config, program).apply(command)).toThrowError(message);
  });
});
