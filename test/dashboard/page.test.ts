import { afterEach, expect, it } from "vitest";
import { Page } from "../../rig/dashboard/page.js";
import { Terminal } from "../../rig/dashboard/terminal.js";
import { makeTheme } from "../../rig/dashboard/theme.js";
import { initialView } from "../../rig/dashboard/view-state.js";
import { benchConfig, START_MS } from "./events.js";
import { HeadlessTerminal } from "./headless-terminal.js";

let close: () => void = () => undefined;
afterEach(() => close());

it("the power plot is worked out once a second and once a reading, however often the page is drawn", () => {
  const { input, output } = new HeadlessTerminal(120, 40);
  const terminal = new Terminal({ input, output, onSignal: () => undefined });
  close = () => terminal.close();
  const config = benchConfig("main");
  const page = new Page(terminal.screen, config, makeTheme(true), 0);
  let plotted = 0;
  /** A history that notices when it is gone through for its powers. */
  const history = () => {
    const points = [{ atMs: START_MS, powerW: 100 }];
    points.map = ((...args: Parameters<typeof points.map>) => {
      plotted += 1;
      return Array.prototype.map.apply(points, args);
    }) as typeof points.map;
    return points;
  };
  const start = initialView(config, true);
  const withHistory = () => ({ ...start, meters: [{ ...start.meters[0]!, history: history() }] });
  const draw = (state: typeof start, timeMs: number) =>
    page.draw(
      state,
      { page: 0, held: false, logScroll: 0, helpScroll: null },
      { timeMs, shownMs: timeMs, upMs: 0 },
    );

  const first = withHistory();
  for (let frame = 0; frame < 10; frame += 1) draw(first, START_MS + frame * 100);
  expect(plotted).toBe(1);
  draw(first, START_MS + 1000);
  expect(plotted).toBe(2);
  draw(withHistory(), START_MS + 1100);
  expect(plotted).toBe(3);
});
