/** A process of its own with a dashboard on its stdout; the first argument says how it ends. */
import { PassThrough } from "node:stream";
import { systemClock } from "../../rig/core/clock.js";
import { Dashboard } from "../../rig/dashboard/dashboard.js";
import { benchConfig } from "./events.js";

Object.assign(process.stdout, { columns: 100, rows: 30 });
const dashboard = new Dashboard({
  config: benchConfig("main"),
  clock: systemClock,
  virtual: true,
  input: new PassThrough(),
  onQuit: () => {
    dashboard.stop();
    process.stdout.write("stopped cleanly\n");
  },
});

const ends: Record<string, () => void> = {
  throw: () => {
    throw new Error("the error of the test");
  },
  reject: () => {
    void Promise.reject(new Error("the error of the test"));
  },
  exit: () => process.exit(3),
  signal: () => process.kill(process.pid, "SIGTERM"),
};
setTimeout(ends[process.argv[2] ?? ""] ?? (() => undefined), 50);
