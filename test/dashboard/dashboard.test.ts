import { afterEach, describe, expect, it } from "vitest";
import type { RigEvent } from "../../rig/core/events.js";
import { Dashboard } from "../../rig/dashboard/dashboard.js";
import { ManualClock } from "../support/manual-clock.js";
import {
  at,
  benchConfig,
  display,
  modem,
  modemConfig,
  reading,
  ready,
  received,
  sineWaveform,
} from "./events.js";
import { HeadlessTerminal } from "./headless-terminal.js";

const SIGNALS_AND_CRASHES = ["uncaughtException", "exit", "SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
const BRAILLE = /[\u2801-\u28ff]/;

let stop: () => void = () => undefined;
afterEach(() => stop());

async function open(
  columns: number,
  rows: number,
  options: { ids?: string[]; colours?: boolean; withModem?: boolean } = {},
) {
  const terminal = new HeadlessTerminal(columns, rows);
  const clock = new ManualClock();
  let quits = 0;
  const dashboard = new Dashboard({
    config: (options.withModem ? modemConfig : benchConfig)(...(options.ids ?? ["main", "neighbour"])),
    clock,
    virtual: true,
    colours: options.colours ?? true,
    input: terminal.input,
    output: terminal.output,
    onQuit: () => {
      quits += 1;
    },
  });
  stop = () => dashboard.stop();
  const show = async (...events: RigEvent[]) => {
    for (const event of events) dashboard.show(at(clock.nowMs(), event));
    await clock.advance(100);
    await terminal.settle();
  };
  const press = async (...keys: string[]) => {
    await terminal.press(...keys);
    await clock.advance(100);
    await terminal.settle();
  };
  await terminal.settle();
  return { terminal, clock, dashboard, show, press, quits: () => quits };
}

const running = [
  ready("main"),
  ready("neighbour"),
  display("main", "connection", "barred"),
  display("neighbour", "Routed", ""),
  reading("main"),
  reading("neighbour", { currentA: 0.435, activePowerW: 100.1 }),
];

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

describe("the keys", () => {
  it("q and Ctrl-C ask to quit, once in all", async () => {
    const { press, quits } = await open(80, 24);
    expect(quits()).toBe(0);
    await press("q");
    expect(quits()).toBe(1);
    await press("q", "\u0003");
    expect(quits()).toBe(1);
  });

  it("Ctrl-C alone asks to quit", async () => {
    const { press, quits } = await open(80, 24);
    await press("\u0003");
    expect(quits()).toBe(1);
  });

  it.each(["?", "h"])("%s opens the help and Esc closes it", async (key) => {
    const { terminal, press } = await open(120, 40);
    await press(key);
    expect(terminal.text()).toContain("RMS of A0 over whole mains cycles");
    expect(terminal.text()).toContain("Esc close");
    await press("\u001b");
    expect(terminal.text()).not.toContain("RMS of A0");
  });

  it("arrows scroll the help to its last line at 80x24", async () => {
    const { terminal, press } = await open(80, 24);
    await press("?");
    expect(terminal.text()).toContain("more lines");
    await press(...Array.from({ length: 60 }, () => "\u001b[B"));
    expect(terminal.text()).toContain("waiting         reports in the journal");
    expect(terminal.text()).not.toContain("more lines");
    await press("g");
    expect(terminal.text()).toContain("Ctrl-C");
  });

  it("Space holds the screen while data goes on, and shows the newest afterwards", async () => {
    const { terminal, show, press } = await open(120, 40);
    await show(...running);
    await press(" ");
    await show(reading("main", { activePowerW: 777.7 }));
    expect(terminal.text()).toContain("HELD");
    expect(terminal.text()).toContain("400.1 W");
    await press(" ");
    expect(terminal.text()).not.toContain("HELD");
    expect(terminal.text()).toContain("777.7 W");
  });

  it("arrows, j and k scroll the log, which then stays in place when lines come", async () => {
    const { terminal, show, press } = await open(80, 24);
    const alerts = Array.from(
      { length: 20 },
      (_, number): RigEvent => ({
        event: "alert",
        kind: "test",
        meter: null,
        text: `line ${number}.`,
      }),
    );
    await show(...alerts);
    const logLines = () => [...terminal.text().matchAll(/line (\d+)\./g)].map((match) => Number(match[1]));
    expect(logLines()).toEqual([19, 18, 17, 16, 15]);
    await press("\u001b[B", "j", "j", "k");
    expect(logLines()).toEqual([17, 16, 15, 14, 13]);
    await show({ event: "alert", kind: "test", meter: null, text: "line 20." });
    expect(logLines()).toEqual([17, 16, 15, 14, 13]);
    await press("\u001b[6~", "\u001b[6~", "\u001b[6~", "\u001b[6~", "\u001b[6~");
    expect(logLines()).toEqual([4, 3, 2, 1, 0]);
    await press("g");
    expect(logLines()).toEqual([20, 19, 18, 17, 16]);
  });

  it("arrows reach the oldest line also where lines wrap", async () => {
    const { terminal, show, press } = await open(80, 24);
    const alerts = Array.from(
      { length: 5 },
      (_, number): RigEvent => ({
        event: "alert",
        kind: "test",
        meter: null,
        text: `line ${number}. ${"and so on ".repeat(12)}end ${number}.`,
      }),
    );
    await show(...alerts);
    expect(terminal.text()).not.toContain("line 0.");
    await press(...Array.from({ length: 9 }, () => "\u001b[B"));
    expect(terminal.text()).toContain("line 0.");
    expect(terminal.text()).toContain("end 0.");
    expect(terminal.text()).toContain("line 1.");
  });

  it("Tab shows the meters that do not fit", async () => {
    const { terminal, press } = await open(80, 24, { ids: ["m1", "m2", "m3", "m4"] });
    expect(terminal.lines()[1]).toMatch(/─ m1 .*─ m2 /);
    await press("\t");
    expect(terminal.lines()[1]).toMatch(/─ m3 .*─ m4 /);
    await press("\t");
    expect(terminal.lines()[1]).toMatch(/─ m1 .*─ m2 /);
  });
});

describe("the terminal", () => {
  it("is taken over at the start and given back by stop, which can be called twice", async () => {
    const { terminal, dashboard, clock } = await open(80, 24);
    expect(terminal.inAlternateScreen).toBe(true);
    expect(terminal.written).toContain("\u001b[?25l");
    dashboard.stop();
    dashboard.stop();
    dashboard.show(at(clock.nowMs(), reading("main")));
    terminal.resize(100, 30);
    await terminal.settle();
    expect(terminal.inAlternateScreen).toBe(false);
    expect(terminal.written.lastIndexOf("\u001b[?25h")).toBeGreaterThan(
      terminal.written.lastIndexOf("\u001b[?25l"),
    );
    expect(clock.armedTimers).toBe(0);
  });

  it("has no listener more after 20 dashboards on it", async () => {
    const count = () => SIGNALS_AND_CRASHES.map((event) => process.listenerCount(event));
    const before = count();
    const terminal = new HeadlessTerminal(80, 24);
    const streams = () =>
      [terminal.input, terminal.output].flatMap((stream) =>
        stream.eventNames().map((event) => stream.listenerCount(event)),
      );
    let afterFirst: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const dashboard = new Dashboard({
        config: benchConfig("main"),
        clock: new ManualClock(),
        virtual: true,
        input: terminal.input,
        output: terminal.output,
        onQuit: () => undefined,
      });
      dashboard.stop();
      await terminal.settle();
      if (round === 0) afterFirst = streams();
    }
    expect(count()).toEqual(before);
    expect(streams()).toEqual(afterFirst);
  });

  it("asks to quit once when the terminal fails, and writes nothing to it any more", async () => {
    const others = process.listeners("SIGHUP");
    const { terminal, dashboard, show, quits } = await open(80, 24);
    terminal.output.destroy(new Error("write EIO"));
    await show(...running);
    terminal.input.destroy(new Error("read EIO"));
    await terminal.settle();
    expect(quits()).toBe(1);
    const { written } = terminal;
    dashboard.stop();
    await terminal.settle();
    expect(terminal.written).toBe(written);
    // The terminal keeps listening so that a second hangup does not end the process.
    const [kept, ...more] = process.listeners("SIGHUP").filter((listener) => !others.includes(listener));
    expect(more).toEqual([]);
    process.off("SIGHUP", kept!);
  });

  it("asks to quit when the process is told to end", async () => {
    const { quits } = await open(80, 24);
    const others = process.listeners("SIGTERM").slice(0, -1);
    expect(others.length).toBeGreaterThanOrEqual(0);
    (process.listeners("SIGTERM").at(-1) as () => void)();
    expect(quits()).toBe(1);
  });
});
