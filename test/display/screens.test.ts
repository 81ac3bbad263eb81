import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { READING_FLAGS } from "../../rig/core/reading.js";
import { type DisplayedReading, type DisplayState, screenLines } from "../../rig/display/screens.js";

/** Four lamps of 100 W at 230 V: 400 / 230 = 1.739 A. */
const READING: DisplayedReading = {
  currentA: 1.7391,
  activePowerW: 400.06,
  voltageV: 230.08,
  voltageSource: "measured",
  powerFactor: 0.9998,
  energyWh: 1234.567,
  maxDemandW: 398.24,
  flags: [],
};
const STATE: DisplayState = {
  reading: READING,
  route: "direct",
  carries: false,
  message: null,
  page: 0,
};

const withReading = (reading: Partial<DisplayedReading>, page = 0) =>
  screenLines({ ...STATE, page, reading: { ...READING, ...reading } });
const allPages = (state: Partial<DisplayState>) =>
  [0, 1, 2, 3, 4, 5].map((page) => screenLines({ ...STATE, ...state, page }));

describe("screenLines", () => {
  it("shows current, power, voltage and power factor on page 0", () => {
    expect(screenLines(STATE)).toEqual(["1.739A   400.1 W", "230.1V   PF 1.00"]);
  });

  it("shows energy and maximum demand on page 1, and page 2 is page 0 again", () => {
    expect(screenLines({ ...STATE, page: 1 })).toEqual(["E     1234.57 Wh", "Max      398.2 W"]);
    expect(screenLines({ ...STATE, page: 2 })).toEqual(screenLines(STATE));
  });

  it("says nominal on every page where no voltage is measured, over current, energy and demand in turn", () => {
    const nominal = { ...READING, voltageSource: "nominal", voltageV: 230 } as const;
    expect(allPages({ reading: nominal }).slice(0, 4)).toEqual([
      ["1.739A   400.1 W", "230 V nominal   "],
      ["E     1234.57 Wh", "230 V nominal   "],
      ["Max      398.2 W", "230 V nominal   "],
      ["1.739A   400.1 W", "230 V nominal   "],
    ]);
    expect(withReading({ ...nominal, voltageV: 115.5 })[1]).toBe("115.5 V nominal ");
  });

  it("says clipped, on the one page that is left, with the voltage or with nominal", () => {
    expect(allPages({ reading: { ...READING, flags: ["clipped"] } })).toEqual(
      Array(6).fill(["1.739A   400.1 W", "230.1V   clipped"]),
    );
    expect(withReading({ voltageSource: "nominal", flags: ["nominal-voltage", "clipped"] })[1]).toBe(
      "nominal  clipped",
    );
  });

  it("says no load in place of a power factor that means nothing", () => {
    expect(withReading({ currentA: 0, activePowerW: 0, powerFactor: 0, flags: ["below-creep"] })).toEqual([
      "0.000A     0.0 W",
      "230.1V   no load",
    ]);
  });

  it("keeps every figure in its columns from 0.4 A to 1234 A and from 100 W to 1 MW", () => {
    expect(withReading({ currentA: 0.4348, activePowerW: 100 })[0]).toBe("0.435A   100.0 W");
    expect(withReading({ currentA: 12.345, activePowerW: 2839.35 })[0]).toBe("12.35A  2839.3 W");
    expect(withReading({ currentA: 9.9996, activePowerW: 9999.96 })[0]).toBe("10.00A  10.00 kW");
    expect(withReading({ currentA: 123.45, activePowerW: 28_393 })[0]).toBe("123.5A  28.39 kW");
    expect(withReading({ currentA: 1234, activePowerW: 1e6 })[0]).toBe(" 1234A 1000.0 kW");
    expect(withReading({ currentA: 123_456, activePowerW: -9999.9 })[0]).toBe(" overA -9999.9 W");
  });

  it("shows export as negative power and power factor, and no minus on what rounds to zero", () => {
    expect(withReading({ activePowerW: -400.06, powerFactor: -0.9998 })).toEqual([
      "1.739A  -400.1 W",
      "230.1V  PF -1.00",
    ]);
    expect(withReading({ activePowerW: -0.04 })[0]).toBe("1.739A     0.0 W");
  });

  it("shows energy in Wh to 100 kWh and in kWh above, to 10 GWh", () => {
    const energy = (energyWh: number) => withReading({ energyWh }, 1)[0];
    expect(energy(0)).toBe("E        0.00 Wh");
    expect(energy(99_999.99)).toBe("E    99999.99 Wh");
    expect(energy(99_999.996)).toBe("E    100.000 kWh");
    expect(energy(1_234_567_890)).toBe("E 1234567.89 kWh");
    expect(energy(9_876_543_210)).toBe("E 9876543.21 kWh");
  });

  it("shows dashes for what is no number", () => {
    const none = {
      currentA: Number.NaN,
      activePowerW: Number.NaN,
      voltageV: Number.NaN,
      powerFactor: Number.NaN,
    };
    expect(withReading(none)).toEqual(["  ---A     --- W", "  ---V    PF ---"]);
  });

  it("says that it waits for the first reading", () => {
    expect(screenLines({ ...STATE, reading: null })).toEqual(["Waiting for     ", "first reading   "]);
  });

  it("says connection barred on every page when the meter's cable is cut, with a neighbour's help or without", () => {
    for (const route of ["barred", "bypassed"] as const) {
      const pages = allPages({ route, carries: true, message: "Save power" });
      expect(pages).toEqual(Array(6).fill(["connection      ", "barred          "]));
    }
  });

  it("says Routed, and nothing else, while it carries for a neighbour", () => {
    const pages = allPages({ carries: true, message: "Save power" });
    expect(pages).toEqual(Array(6).fill(["Routed          ", "                "]));
  });

  it("shows a message of the centre in turn with the reading, words unbroken, 32 characters a page", () => {
    const pages = allPages({ message: "Peak tariff from 18:00 to 20:00, please save power" });
    expect(pages.slice(0, 4)).toEqual([
      ["Peak tariff from", "18:00 to 20:00, "],
      ["please save     ", "power           "],
      ["1.739A   400.1 W", "230.1V   PF 1.00"],
      ["E     1234.57 Wh", "Max      398.2 W"],
    ]);
  });

  it("cuts a word of 20 characters at 16, drops accents and shows ? for what the display cannot", () => {
    expect(screenLines({ ...STATE, message: "12345678901234567890" })[1]).toBe("7890            ");
    expect(screenLines({ ...STATE, message: "Énergie très chère ~ 5 €\\" })).toEqual([
      "Energie tres    ",
      "chere ? 5 ??    ",
    ]);
    expect(screenLines({ ...STATE, message: " \n " })).toEqual(screenLines(STATE));
  });

  it("gives two lines of 16 characters of ROM A00's ASCII, whatever the state", () => {
    const anyNumber = fc.oneof(fc.double(), fc.double({ min: -1e5, max: 1e5 }));
    const anyState = fc.record<DisplayState>({
      route: fc.constantFrom("direct", "direct", "bypassed", "barred"),
      carries: fc.boolean(),
      message: fc.option(fc.string({ unit: "binary", maxLength: 60 })),
      page: fc.nat(),
      reading: fc.option(
        fc.record<DisplayedReading>({
          currentA: anyNumber,
          activePowerW: anyNumber,
          voltageV: anyNumber,
          voltageSource: fc.constantFrom("measured", "nominal"),
          powerFactor: anyNumber,
          energyWh: anyNumber,
          maxDemandW: anyNumber,
          flags: fc.subarray([...READING_FLAGS]),
        }),
      ),
    });
    fc.assert(
      fc.property(anyState, (state) => {
        const lines = screenLines(state);
        expect(lines).toHaveLength(2);
        for (const line of lines) expect(line).toMatch(/^[ -[\]-}]{16}$/);
      }),
      { numRuns: 500 },
    );
  });
});
