#!/usr/bin/env node
/**
 * What every npm script runs first: installs the locked packages when they are missing or stale, compiles when a source is
 * newer than what was compiled, then does the task. Plain JavaScript with nothing but Node, since on a fresh clone there is nothing else.
 * What it says goes to stderr: stdout belongs to the program that it starts.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const MINIMUM_NODE = 20;
const ORPHAN_CHECK_MS = 500;
const COMPILED_FROM = ["rig", "test", "tsconfig.json", "package-lock.json"];

const inRoot = (...parts) => path.join(ROOT, ...parts);
const tool = (...parts) => inRoot("node_modules", ...parts);

function fail(message, code = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

/** Runs a program to its end; its output goes to stderr unless `stdout` is to be shared. */
function runTool(command, args, { shareStdout = false, shell = false } = {}) {
  const stdio = ["inherit", shareStdout ? "inherit" : 2, "inherit"];
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio, shell });
  if (error) fail(`cannot run ${command}: ${error.message}`);
  return status ?? 1;
}

const runNode = (args, options) => runTool(process.execPath, args, options);

/** npm writes its own copy of the lock file at the end of every install: older than ours means stale. */
function isInstalled() {
  const installed = tool(".package-lock.json");
  return (
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(inRoot("package-lock.json")).mtimeMs
  );
}

function install() {
  process.stderr.write("installing the locked packages (npm ci) ...\n");
  const args = ["ci", "--include=dev", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const status = npm?.endsWith(".js")
    ? runNode([npm, ...args])
    : runTool("npm", args, { shell: process.platform === "win32" });
  if (status !== 0) fail("npm ci failed: check that the npm registry can be reached, then try again", status);
}

/** What is compiled depends on so many files; the newest of them, or of their folders, was changed then [ms since 1970]. */
function readSources() {
  let files = 0;
  let newestMs = 0;
  const visit = (place) => {
    const status = statSync(place);
    newestMs = Math.max(newestMs, status.mtimeMs);
    if (status.isDirectory()) for (const name of readdirSync(place)) visit(path.join(place, name));
    else files += 1;
  };
  for (const name of COMPILED_FROM) visit(inRoot(name));
  return { files, newestMs };
}

/** Leaves what is compiled alone unless it is out of date: a rig may be running from it. */
function compile() {
  const stamp = inRoot(".build", "compiled");
  // Read before compiling: what changes meanwhile is compiled the next time.
  const sources = JSON.stringify(readSources());
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === sources) return;
  const compiler = tool("typescript", "bin", "tsc");
  if (!existsSync(compiler)) fail("the compiler is not installed: npm ci --include=dev");
  if (runNode([compiler, "-p", ROOT]) !== 0) fail("the TypeScript sources do not compile");
  writeFileSync(stamp, sources);
}

/** What the system says of a process in a file, where it does; Linux alone. */
function readProcess(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** When npm is killed outright, what it started lives on with ports and files held: end with it instead. */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  // Some shells put themselves between npm and its script, and outlive npm too.
  const shellBetween = readProcess(parent, "cmdline").startsWith("sh\0");
  const parentOfShell = () => readProcess(parent, "stat").split(") ").at(-1).split(" ")[1];
  const npm = shellBetween ? parentOfShell() : undefined;
  const check = setInterval(() => {
    if (process.ppid === parent && !(shellBetween && parentOfShell() !== npm)) return;
    clearInterval(check);
    // A rig that runs stops cleanly on it; npm also ends when its terminal is closed.
    process.kill(process.pid, "SIGTERM");
  }, ORPHAN_CHECK_MS).unref();
}

const TASKS = {
  async start(args) {
    endWithNpm();
    const { main } = await import(pathToFileURL(inRoot(".build/rig/apps/main.js")).href);
    await main(args);
  },
  test(args) {
    const config = ["run", "--config", "test/vitest.config.ts"];
    process.exit(runNode([tool("vitest", "vitest.mjs"), ...config, ...args], { shareStdout: true }));
  },
  check() {
    process.exit(runNode([tool("@biomejs", "biome", "bin", "biome"), "check", "."], { shareStdout: true }));
  },
  bench(args) {
    process.exit(runNode([inRoot(".build/test/bench/main.js"), ...args], { shareStdout: true }));
  },
  soak(args) {
    process.exit(runNode([inRoot(".build/test/soak/main.js"), ...args], { shareStdout: true }));
  },
};

if (Number(process.versions.node.split(".")[0]) < MINIMUM_NODE) {
  fail(
    `meter-rig needs Node ${MINIMUM_NODE} or newer; this is ${process.versions.node}: install it from nodejs.org`,
    2,
  );
}
if (!isInstalled()) install();
compile();
const words = process.argv.slice(2);
const task = Object.hasOwn(TASKS, words[0] ?? "") ? words.shift() : "start";
await TASKS[task](words);
