import { describe, expect, it } from "vitest";
import { Dashboard } from "../../rig/dashboard/dashboard.js";
import { ManualClock } from "../support/manual-clock.js";
import { open, running } from "./dashboard-bench.js";
import { at, benchConfig, reading } from "./events.js";
import { HeadlessTerminal } from "./headless-terminal.js";

const SIGNALS_AND_CRASHES = ["uncaughtException", "exit", "SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

describe("the dashboard's terminal", () => {
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
