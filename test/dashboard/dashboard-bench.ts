import { onTestFinished } from "vitest";
import type { RigEvent } from "../../rig/core/events.js";
import { Dashboard } from "../../rig/dashboard/dashboard.js";
import { ManualClock } from "../support/manual-clock.js";
import { at, benchConfig, display, modemConfig, reading, ready } from "./events.js";
import { HeadlessTerminal } from "./headless-terminal.js";

/** A dashboard on a terminal of that size; what is shown and pressed has been drawn when it resolves. */
export async function open(
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
  onTestFinished(() => dashboard.stop());
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

/** Two meters that run. */
export const running = [
  ready("main"),
  ready("neighbour"),
  display("main", "connection", "barred"),
  display("neighbour", "Routed", ""),
  reading("main"),
  reading("neighbour", { currentA: 0.435, activePowerW: 100.1 }),
];
