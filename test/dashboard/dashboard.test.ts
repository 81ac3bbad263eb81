import { describe, expect, it } from "vitest";
import { open, running } from "./dashboard-bench.js";
import { at, modem, reading, received, sineWaveform } from "./events.js";

const BRAILLE = /[\u2801-\u28ff]/;

describe("the dashboard", () => {
  it.each([
    [80, 24],
    [120, 40],
    [200, 60],
  ])("shows both LCDs and both meters' values at %dx%d", async (columns, rows) => {
    const { terminal, show } = await open(columns, rows);
    await show(...running, received("main", 12));
    const text = terminal.text();
    for (const part of [
      "║connection      ║",
      "║barred          ║",
      "║Routed          ║",
      "400.1 W",
      "0.435 A",
      "main #12 stored",
      "q quit",
    ])
      expect(text).toContain(part);
  });

  it.each([
    [80, 24],
    [120, 40],
    [200, 60],
  ])("shows what the modem does below the meters at %dx%d", async (columns, rows) => {
    const { terminal, show } = await open(columns, rows, { withModem: true });
    await show(...running, modem("online", "connected", { signal: 17, operator: "Airtel" }), {
      event: "uplink",
      state: "connected",
      detail: "192.0.2.7:1883",
    });
    const line = terminal.lines().findIndex((text) => text.includes("SIM900"));
    expect(terminal.lines()[line]).toContain("▂▄▆· -80 dBm   Airtel · online · broker connected");
    expect(terminal.lines()[line]).toMatch(/ 0 (reports )?waiting $/);
    expect(terminal.lines()[line - 1]).toMatch(/^╰─.*╯$/);
    expect(new Set(terminal.foregroundsOf("online"))).toEqual(new Set([78]));
    expect(terminal.text()).toContain("║connection      ║");
  });

  it("tells the whole of the modem's trouble in the log at 80x24, in red", async () => {
    const { terminal, show } = await open(80, 24, { withModem: true });
    const trouble =
      "no answer to AT on /dev/ttyUSB0 at any rate: check the supply (5 V, 2 A), the wires TX and RX, and the power key";
    await show(...running, modem("no-answer", trouble));
    const said = terminal.lines().map((line) => line.replace(/^│|│$/g, "").trim());
    expect(said.join(" ").replace(/\s+/g, " ")).toContain(`modem: ${trouble}`);
    expect(new Set(terminal.foregroundsOf("no answer"))).toEqual(new Set([203]));
  });

  it("draws the traces and the power plot at 120x40 and drops them at 80x24", async () => {
    const { terminal, dashboard, show } = await open(120, 40);
    dashboard.showWaveform("main", sineWaveform(2.46, 325));
    await show(...running);
    expect(terminal.text()).toContain("current ±5 A");
    expect(terminal.text()).toContain("voltage ±500 V");
    expect(terminal.text()).toContain("power, last 60 s");
    expect(terminal.text()).toMatch(BRAILLE);
    terminal.resize(80, 24);
    await terminal.settle();
    expect(terminal.text()).not.toMatch(BRAILLE);
  });

  it("draws a trace of 2.46 A peak within the middle half of the ±5 A scale", async () => {
    const { terminal, dashboard, show } = await open(120, 40);
    await show(...running);
    dashboard.showWaveform("main", sineWaveform(2.46, null));
    await show();
    const labelled = (label: string) => terminal.lines().findIndex((line) => line.includes(label));
    const top = labelled("│  +5");
    const bottom = labelled("│  -5");
    const rows = terminal.rowsWith(80, BRAILLE).filter((row) => row <= bottom);
    const middle = (top + bottom) / 2;
    const quarter = (bottom - top) / 4;
    expect(Math.min(...rows)).toBe(Math.floor(middle - quarter));
    expect(Math.max(...rows)).toBe(Math.ceil(middle + quarter));
  });

  it("lays everything out anew when the terminal gets another size", async () => {
    const { terminal, show } = await open(80, 24);
    await show(...running);
    for (const [columns, rows] of [
      [200, 60],
      [100, 30],
      [120, 40],
      [80, 24],
    ] as const) {
      terminal.resize(columns, rows);
      await terminal.settle();
      const lines = terminal.lines();
      expect(lines[0]?.trimEnd().length).toBe(columns - 1);
      expect(lines[1]?.startsWith("╭─ main")).toBe(true);
      expect(lines[1]?.endsWith("╮")).toBe(true);
      expect(lines.at(-2)?.endsWith("╯")).toBe(true);
      expect(lines.at(-1)).toContain("q quit");
      expect(terminal.text().match(/║connection {6}║/g)).toHaveLength(1);
    }
  });

  it("says what it needs at 70x20 and goes on when enlarged", async () => {
    const { terminal, show } = await open(70, 20);
    await show(...running);
    expect(terminal.text()).toContain("meter-rig needs 80 x 24");
    expect(terminal.text()).toContain("this is 70 x 20");
    terminal.resize(80, 24);
    await terminal.settle();
    expect(terminal.text()).toContain("║connection      ║");
    expect(terminal.text()).not.toContain("needs");
  });

  it("does not fail at 1x1", async () => {
    const { terminal, show } = await open(1, 1);
    await show(...running);
    terminal.resize(120, 40);
    await terminal.settle();
    expect(terminal.text()).toContain("400.1 W");
  });

  it("gives each meter its accent, yellow to what carries and red to what is broken alone", async () => {
    const { terminal, show } = await open(120, 40);
    await show(
      ...running,
      { event: "route", meter: "main", route: "bypassed", via: "neighbour", cause: "cable open" },
      {
        event: "board",
        meter: "neighbour",
        state: "lost",
        firmware: null,
        port: "COM3",
        detail: "cable pulled",
      },
    );
    expect(new Set(terminal.foregroundsOf("main"))).toEqual(new Set([80]));
    expect(new Set(terminal.foregroundsOf("through neighbour ●"))).toEqual(new Set([220]));
    expect(new Set(terminal.foregroundsOf("board lost ●"))).toEqual(new Set([203]));
  });

  it("uses no colour at all when told so", async () => {
    const { terminal, dashboard, show } = await open(120, 40, { colours: false });
    dashboard.showWaveform("main", sineWaveform(1, 325));
    await show(...running);
    expect(terminal.written).toContain("connection");
    expect(terminal.written.split("\u001b[").some((part) => /^[\d;]*[34]8;5;/.test(part))).toBe(false);
  });

  it("shows what a board or a message says as text, never as control sequences", async () => {
    const { terminal, show } = await open(120, 40);
    await show(...running, { event: "alert", kind: "test", meter: null, text: "{red-fg}a\u001b[2J{/} 表 b" });
    expect(terminal.text()).toContain("{red-fg}a [2J{/} ? b");
    expect(terminal.text()).toContain("║connection      ║");
  });

  it("draws at most 10 frames a second and none when nothing changed", async () => {
    const { terminal, clock, dashboard } = await open(120, 40);
    await clock.advance(1000);
    let frames = 0;
    let before = terminal.written.length;
    for (let event = 0; event < 1000; event += 1) {
      dashboard.show(at(clock.nowMs(), reading("main", { activePowerW: event })));
      await clock.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
      if (terminal.written.length > before) frames += 1;
      before = terminal.written.length;
    }
    expect(frames).toBeGreaterThanOrEqual(8);
    expect(frames).toBeLessThanOrEqual(11);
    await clock.advance(150);
    await terminal.settle();
    before = terminal.written.length;
    dashboard.show(at(clock.nowMs(), reading("attic")));
    await clock.advance(100);
    await terminal.settle();
    expect(terminal.written.slice(before)).toBe("");
  });
});
