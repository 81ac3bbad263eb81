import { describe, expect, it } from "vitest";
import { configSchema } from "../../rig/core/config.js";
import { helpRows } from "../../rig/dashboard/help.js";
import { benchConfig, modemConfig } from "./events.js";
import { plainText } from "./plain-text.js";

function helpOf(config: Parameters<typeof helpRows>[0]): string {
  return plainText(helpRows(config, 100)).join("\n");
}

describe("the help", () => {
  it("names every key", () => {
    for (const key of ["q", "Ctrl-C", "?", "F1", "Space", "↑", "↓", "j", "k", "PgUp", "Home", "Tab", "Esc"])
      expect(helpOf(benchConfig("main"))).toContain(key);
  });

  it("says pin, sensor and formula of this bench once where all meters agree", () => {
    const help = helpOf(benchConfig("main", "neighbour"));
    expect(help).toContain("RMS of A0 over whole mains cycles, DC removed, ZMCT103C 1000:1 on 200 ohm [A]");
    expect(help).toContain("RMS of A1, ZMPT101B with 0.005 V/V [V]");
    expect(help).toContain("mean of u(t) i(t)");
    expect(help).toContain("D8 -> D9");
    expect(help).toContain("RS D2, E D3, data D4 D5 D6 D7");
    expect(help).not.toContain("main:");
  });

  it("says it for each meter where they differ, and what is nominal", () => {
    const help = helpOf(
      configSchema.parse({
        meters: [
          { id: "main", voltage: {} },
          { id: "lab", current: { pin: "A3" } },
        ],
      }),
    );
    expect(help).toContain("main: RMS of A0");
    expect(help).toContain("lab: RMS of A3");
    expect(help).toContain("lab: nominal: 230 V from the config, nothing is measured");
  });

  it("explains the modem's line and its rungs only where there is a modem", () => {
    expect(helpOf(modemConfig("main"))).toContain("MQTT, TCP, PDP context, attach, restart, power key");
    expect(helpOf(benchConfig("main"))).not.toContain("SIM900");
  });

  it("fits into 78 columns by wrapping, nothing cut", () => {
    const rows = plainText(helpRows(modemConfig("main"), 78));
    expect(rows.every((row) => row.length === 78 && !row.includes("…"))).toBe(true);
  });
});
