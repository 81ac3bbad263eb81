import { describe, expect, it } from "vitest";
import type { RigEvent } from "../../rig/core/events.js";
import { open, running } from "./dashboard-bench.js";
import { reading } from "./events.js";

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
