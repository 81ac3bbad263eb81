/** A real process that crashes, exits or is told to end while the dashboard is on: the terminal is given back. */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ENTER_ALTERNATE_SCREEN = "\u001b[?1049h";
const LEAVE_ALTERNATE_SCREEN = "\u001b[?1049l";
const SHOW_CURSOR = "\u001b[?25h";

/** Runs a program on a terminal of its own, waits until it has drawn something, and closes the terminal. */
const CLOSE_TERMINAL = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while b"[?1049h" not in seen:
    seen += os.read(terminal, 65536)
os.close(terminal)
status = os.waitpid(pid, 0)[1]
print("signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "code %d" % os.WEXITSTATUS(status))
`;
const hasPty = process.platform !== "win32" && spawnSync("python3", ["-c", "import pty"]).status === 0;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let build = "";

beforeAll(async () => {
  mkdirSync(".build", { recursive: true });
  build = mkdtempSync(join(".build", "dashboard-test-"));
  const project = {
    extends: "../../tsconfig.json",
    compilerOptions: {
      rootDir: "../..",
      outDir: ".",
      incremental: false,
      tsBuildInfoFile: null,
      noEmitOnError: false,
    },
    files: ["../../test/dashboard/crash-child.ts", "../../rig/dashboard/blessed-contrib.d.ts"],
    include: [],
  };
  writeFileSync(join(build, "tsconfig.json"), JSON.stringify(project));
  const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  const { stdout } = await run(join(typescript, "bin", "tsc"), "-p", build);
  expect(existsSync(child()), stdout).toBe(true);
}, 60_000);

afterAll(() => rmSync(build, { recursive: true, force: true }));

describe("a process with the dashboard on", () => {
  it.each(["throw", "reject"])(
    "that ends by %s gives the terminal back, then says why, with code 1",
    async (how) => {
      const { code, stdout, stderr } = await run(child(), how);
      expect(stdout).toContain(ENTER_ALTERNATE_SCREEN);
      expectGivenBack(stdout);
      expect(stderr).toContain("Error: the error of the test");
      expect(stderr).toContain("crash-child");
      expect(code).toBe(1);
    },
  );

  it("that exits with code 3 gives the terminal back and keeps its code", async () => {
    const { code, stdout } = await run(child(), "exit");
    expectGivenBack(stdout);
    expect(code).toBe(3);
  });

  it.skipIf(process.platform === "win32")(
    "that gets SIGTERM is asked to quit and ends with code 0",
    async () => {
      const { code, stdout, stderr } = await run(child(), "signal");
      expectGivenBack(stdout);
      expect(stdout.endsWith("stopped cleanly\n")).toBe(true);
      expect(stderr).toBe("");
      expect(code).toBe(0);
    },
  );

  it.skipIf(!hasPty)("whose terminal is closed is asked to quit once and ends with code 0", async () => {
    const report = join(build, "lost.txt");
    const { stdout } = await runProgram(
      "python3",
      "-c",
      CLOSE_TERMINAL,
      process.execPath,
      child(),
      "lost",
      report,
    );
    expect(readFileSync(report, "utf8")).toBe("asked to quit\nstopped\n");
    expect(stdout).toBe("code 0\n");
  });
});

function expectGivenBack(stdout: string): void {
  expect(stdout.lastIndexOf(LEAVE_ALTERNATE_SCREEN)).toBeGreaterThan(
    stdout.lastIndexOf(ENTER_ALTERNATE_SCREEN),
  );
  expect(stdout.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
}

function child(): string {
  return join(build, "test", "dashboard", "crash-child.js");
}

function run(script: string, ...args: string[]): Promise<Ended> {
  return runProgram(process.execPath, script, ...args);
}

function runProgram(program: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const ended = execFile(program, args, (_error, stdout, stderr) =>
      resolve({ code: ended.exitCode, stdout, stderr }),
    );
  });
}
