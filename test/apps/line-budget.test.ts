import { describe, expect, it } from "vitest";
import { describeOverload } from "../../rig/apps/line-budget.js";
import { configSchema } from "../../rig/core/config.js";

const config = (every: string, meters: number, baud = 9600) =>
  configSchema.parse({
    report: { every },
    meters: Array.from({ length: meters }, (_none, index) => ({ id: `m${index}` })),
    modem: { port: "virtual", baud },
  });

describe("reports by the modem", () => {
  it("of two meters every 10 s fit into 9600 baud, and into 1200", () => {
    expect(describeOverload(config("10s", 2))).toBeNull();
    expect(describeOverload(config("10s", 2, 1200))).toBeNull();
  });

  it("of two meters every second do not: 190 bytes and a round trip take 0.65 s each", () => {
    expect(describeOverload(config("1s", 2))).toMatch(/2 meters report every 1s.*0\.6 s.*2s or more/);
  });

  it("of twenty meters every 10 s do not", () => {
    expect(describeOverload(config("10s", 20))).toContain("13s or more");
  });

  it("are not limited without a modem", () => {
    expect(
      describeOverload(configSchema.parse({ meters: [{ id: "a" }], report: { every: "1s" } })),
    ).toBeNull();
  });
});
