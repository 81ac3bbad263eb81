import { describe, expect, it } from "vitest";
import { createLcd } from "../../rig/display/lcd.js";
import { screenLines } from "../../rig/display/screens.js";
import { LcdGlass } from "./lcd-glass.js";
import { levelsOf, RecordingPins } from "./recording-pins.js";

const DEFAULT_WIRING = { rs: "D2", e: "D3", d4: "D4", d5: "D5", d6: "D6", d7: "D7" } as const;
const READING = { voltageSource: "measured", powerFactor: 1, energyWh: 0, maxDemandW: 0, flags: [] } as const;
const STATE = {
  route: "direct",
  carries: false,
  message: null,
  page: 0,
} as const;
const WIRING = { rs: "D12", e: "D11", d4: "D5", d5: "D4", d6: "D3", d7: "D2" } as const;

describe("createLcd", () => {
  it("gives null for a meter without a display", () => {
    expect(createLcd({ type: "none" }, new RecordingPins())).toBeNull();
  });

  it("drives the pins that the configuration names", () => {
    const pins = new RecordingPins();
    const lcd = createLcd({ type: "parallel", ...WIRING }, pins);
    lcd?.begin();
    lcd?.show(["Routed".padEnd(16), " ".repeat(16)]);
    const glass = new LcdGlass();
    pins.messages.forEach((ports, index) => {
      glass.drive(levelsOf(ports, WIRING), index * 510);
    });
    expect(glass.lines[0]).toBe("Routed          ");
    expect(glass.faults).toEqual([]);
  });

  it("writes to the configured I2C address", () => {
    const pins = new RecordingPins();
    createLcd({ type: "i2c", address: 0x3f }, pins)?.begin();
    expect(new Set(pins.requests.map(({ address }) => address))).toEqual(new Set([0x3f]));
  });

  it("spends at most 100 bytes a reading on average on 1 to 4 lamps of 100 W, ADC noise included", () => {
    // Quantisation and 0.4 LSB of noise, over the 333 samples of a second; 0.2 V/A at A0, 0.005 V/V at A1.
    const errorV = (Math.sqrt(1 / 12 + 0.4 ** 2) / Math.sqrt(333)) * (5 / 1024);
    const noise = gaussian(1);
    for (const lamps of [1, 2, 3, 4]) {
      const lcd = createLcd({ type: "parallel", ...DEFAULT_WIRING }, new RecordingPins())!;
      lcd.begin();
      let bytes = 0;
      for (let second = 0; second <= 500; second++) {
        const currentA = (lamps * 100) / 230 + (errorV / 0.2) * noise();
        const voltageV = 230 + (errorV / 0.005) * noise();
        const sent = lcd.show(
          screenLines({
            ...STATE,
            reading: { ...READING, currentA, voltageV, activePowerW: currentA * voltageV },
          }),
        );
        if (second > 0) bytes += sent;
      }
      expect(bytes / 500).toBeLessThanOrEqual(100);
    }
  });
});

/** Normally distributed numbers, mean 0, deviation 1, the same at every run. */
function gaussian(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
