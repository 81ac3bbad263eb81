import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { MeterConfig } from "../../rig/core/config.js";
import { parseConfig, readConfigFile } from "../../rig/core/config-file.js";
import { firmataPin } from "../../rig/core/pin-names.js";
import { projectFile } from "../../rig/core/project-root.js";

const FILE = projectFile("config", "bench.yaml");
const GUIDE = readFileSync(projectFile("sketches", "README.md"), "utf8");

/** The wiring table of sketches/README.md, pins by number. */
function pinsOf(meter: MeterConfig): Record<string, number> {
  if (meter.lcd.type !== "parallel") throw new Error(`the display is ${meter.lcd.type}`);
  const { rs, e, d4, d5, d6, d7 } = meter.lcd;
  const { out, in: back } = meter.bus;
  const { tx, rx } = meter.link;
  const named = { rs, e, d4, d5, d6, d7, out, back, relay: meter.relay, tx, rx, led: meter.led };
  return Object.fromEntries(Object.entries(named).map(([name, pin]) => [name, firmataPin(pin)]));
}

describe("config/bench.yaml", () => {
  it("is a valid configuration of two real boards, linked, without a modem", () => {
    const { config } = readConfigFile(FILE);
    expect(config.meters.map(({ id }) => id)).toEqual(["main", "neighbour"]);
    expect(config.meters.map(({ board }) => board.port)).not.toContain("virtual");
    expect(config.links).toEqual([{ between: ["main", "neighbour"] }]);
    expect(config.modem).toBe("none");
  });

  it("has both meters wired as drawn: LCD on D2 to D7, loop D8 D9, relay D10, link D11 D12, LED D13", () => {
    for (const meter of readConfigFile(FILE).config.meters) {
      expect(pinsOf(meter)).toEqual({
        rs: 2,
        e: 3,
        d4: 4,
        d5: 5,
        d6: 6,
        d7: 7,
        out: 8,
        back: 9,
        relay: 10,
        tx: 11,
        rx: 12,
        led: 13,
      });
      expect(meter.current).toEqual({ sensor: "zmct103c", ratio: 1000, burden: 200, pin: "A0" });
    }
  });

  it("stays valid with its alternatives taken: serial number, voltage sensor, backpack, Windows ports", () => {
    const text = readFileSync(FILE, "utf8")
      .replace("port: /dev/ttyACM0", "")
      .replace("# port: {", "port: {")
      .replaceAll("# voltage:", "voltage:")
      .replace(
        "lcd: { type: parallel, rs: D2, e: D3, d4: D4, d5: D5, d6: D6, d7: D7 }",
        "lcd: { type: i2c, address: 0x27 }",
      )
      .replace("/dev/ttyACM1", "COM4");
    const [main, neighbour] = parseConfig(text, FILE).config.meters;
    expect(main?.board.port).toEqual({ serialNumber: "75830303934351E0F0A1" });
    expect(main?.voltage).toEqual({ sensor: "zmpt101b", pin: "A1", gain: 0.0025 });
    expect(main?.lcd).toEqual({ type: "i2c", address: 39 });
    expect(neighbour?.board.port).toBe("COM4");
  });
});

describe("sketches/README.md", () => {
  it("names a firmware file that is there, and holds more than 8 kB of program", () => {
    const files = [...new Set(GUIDE.match(/node_modules\/avrgirl-arduino\/[\w./-]+\.hex/g))];
    expect(files).toEqual(["node_modules/avrgirl-arduino/junk/hex/duemilanove328/StandardFirmata.cpp.hex"]);
    const hex = readFileSync(projectFile(...files[0]!.split("/")), "latin1");
    const programBytes = [...hex.matchAll(/^:([0-9A-F]{2})[0-9A-F]{4}00/gm)].reduce(
      (sum, [, length]) => sum + Number.parseInt(length!, 16),
      0,
    );
    expect(programBytes).toBeGreaterThan(8192);
    expect(programBytes).toBeLessThanOrEqual(32_256);
  });

  it("points at files of the project that exist", () => {
    const links = [...GUIDE.matchAll(/\]\(([^)#]+)\)/g)].map(([, target]) => target!);
    expect(links.length).toBeGreaterThan(0);
    for (const target of links) expect(existsSync(projectFile("sketches", target)), target).toBe(true);
  });
});
