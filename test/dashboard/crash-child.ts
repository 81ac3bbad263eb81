/**
 * A process of its own with a dashboard on its stdout; the first argument says how it ends. On a real terminal, which
 * nobody can read once it is gone, the file of the second argument is told of every quit and of the clean end.
 */
import { appendFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { systemClock } from "../../rig/core/clock.js";
import { Dashboard } from "../../rig/dashboard/dashboard.js";
import { benchConfig } from "./events.js";

const [how = "", report] = process.argv.slice(2);
const tell = (line: string) => (report === undefined ? undefined : appendFileSync(report, `${line}\n`));
if (!process.stdout.isTTY) Object.assign(process.stdout, { columns: 100, rows: 30 });
const dashboard = new Dashboard({
  config: benchConfig("main"),
  clock: systemClock,
  virtual: true,
  input: process.stdin.isTTY ? process.stdin : new PassThrough(),
  onQuit: () => {
    tell("asked to quit");
    dashboard.stop();
    process.stdout.write("stopped cleanly\n");
    if (how === "lost") process.stderr.write("and said so\n");
    // As a rig does, which delivers its last reports now.
    if (how === "lost")
      setTimeout(() => {
        tell("stopped");
        process.exit(0);
      }, 100);
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
setTimeout(ends[how] ?? (() => undefined), 50);
if (how === "lost") setInterval(() => undefined, 1000);
