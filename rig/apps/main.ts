/** The program: command line -> the command; exit code 0 after a clean stop, 2 for a bad command line or configuration, else 1. */
import { formatPorts, listPorts } from "../board/list-ports.js";
import { systemClock } from "../core/clock.js";
import { type ConfigFile, readConfigFile } from "../core/config-file.js";
import { ConfigError, describeError, StorageError } from "../core/errors.js";
import type { EmitEvent, RigEvent, TimedEvent } from "../core/events.js";
import { projectVersion } from "../core/project-root.js";
import { Dashboard } from "../dashboard/dashboard.js";
import { parseCommandLine, type RunOptions, USAGE, UsageError } from "./command-line.js";
import { lockDataDirectory } from "./data-directory.js";
import { plainPrinter } from "./plain-output.js";
import { startCentreOf, startRig } from "./rig.js";
import { listenForVerbs } from "./stdin-commands.js";

/** Whatever a clean stop waits for, it does not wait longer. */
const STOP_LIMIT_MS = 15_000;

/** @param words the command line without node and script */
export async function main(words: readonly string[]): Promise<void> {
  try {
    const commandLine = parseCommandLine(words, process.stdout.isTTY === true);
    switch (commandLine.command) {
      case "help":
        process.stdout.write(USAGE);
        return;
      case "version":
        process.stdout.write(`${projectVersion()}\n`);
        return;
      case "ports":
        process.stdout.write(`${formatPorts(await listPorts())}\n`);
        return;
      case "centre":
        await run(commandLine, startCentreAlone);
        return;
      case "run":
        await run(commandLine, commandLine.plain ? startPlain : startDashboard);
        return;
    }
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exit(exitCode(error));
  }
}

function exitCode(error: unknown): number {
  const callersMistake =
    error instanceof UsageError ||
    error instanceof ConfigError ||
    (error instanceof StorageError && error.code === "storage/in-use");
  return callersMistake ? 2 : 1;
}

interface Started {
  /** Ends everything; nothing of it is left when it resolves. */
  stop(): Promise<void>;
}

interface Place {
  readonly configFile: ConfigFile;
  readonly dataDirectory: string;
  readonly teach: boolean;
  /** Asks for a clean stop; may be called more than once. */
  readonly quit: () => void;
}

type Start = (place: Place) => Promise<Started>;

/** Holds the data directory, runs until something asks for a stop, and stops cleanly. */
async function run(options: RunOptions, start: Start): Promise<void> {
  const configFile = readConfigFile(options.configFile);
  const lock = lockDataDirectory(options.dataDirectory);
  let quit: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    quit = resolve;
  });
  process.once("SIGINT", quit);
  process.once("SIGTERM", quit);
  try {
    if (options.stopAfterMs !== null) systemClock.after(options.stopAfterMs, quit);
    const { dataDirectory, teach } = options;
    const started = await start({ configFile, dataDirectory, teach, quit });
    await asked;
    systemClock.after(STOP_LIMIT_MS, () => {
      process.stderr.write(`the rig did not stop within ${STOP_LIMIT_MS / 1000} s and is ended\n`);
      process.exit(1);
    });
    await started.stop();
  } finally {
    lock.release();
  }
  // Where stdout is a pipe and Windows the system, exit would cut off what is not written yet.
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  process.exit(0);
}

function timed(show: (event: TimedEvent) => void): EmitEvent {
  return (event: RigEvent) => show({ ...event, time: new Date(systemClock.nowMs()).toISOString() });
}

async function startPlain({ configFile, dataDirectory, teach, quit }: Place): Promise<Started> {
  const emit = timed(plainPrinter(process.stdout, quit));
  sayModem(configFile, emit);
  const showWaveform = () => undefined;
  const rig = await startRig({ configFile, dataDirectory, clock: systemClock, emit, showWaveform, teach });
  listenForVerbs(process.stdin, { bench: rig.bench, quit, emit });
  return rig;
}

async function startDashboard({ configFile, dataDirectory, teach, quit }: Place): Promise<Started> {
  const { config } = configFile;
  // What goes wrong before everything runs is told on the plain terminal; events until then are shown afterwards.
  const early: TimedEvent[] = [];
  let dashboard: Dashboard | null = null;
  const emit = timed((event) => {
    if (dashboard === null) early.push(event);
    else dashboard.show(event);
  });
  sayModem(configFile, emit);
  const rig = await startRig({
    configFile,
    dataDirectory,
    clock: systemClock,
    emit,
    showWaveform: (meter, waveform) => dashboard?.showWaveform(meter, waveform),
    teach,
  });
  dashboard = new Dashboard({ config, clock: systemClock, onQuit: quit, virtual: rig.bench !== null });
  for (const event of early) dashboard.show(event);
  return {
    async stop() {
      dashboard?.stop();
      process.stderr.write("stopping: the last reports are being delivered\n");
      await rig.stop();
    },
  };
}

async function startCentreAlone({ configFile, dataDirectory, quit }: Place): Promise<Started> {
  const { broker } = configFile.config;
  if (broker.port === "embedded" && broker.listen === 0) {
    throw configFile.fault({
      path: ["broker", "listen"],
      value: broker.listen,
      problem: "a centre by itself needs a port that rigs can be told of, such as 1883",
    });
  }
  const emit = timed(plainPrinter(process.stdout, quit));
  return startCentreOf({ configFile, dataDirectory, clock: systemClock, emit });
}

/** The configuration may name a modem already; the reports go by the PC's own network all the same, and that is said. */
function sayModem({ config }: ConfigFile, emit: EmitEvent): void {
  if (config.modem === "none") return;
  const text = `the modem on ${config.modem.port} is left alone: reports go by the PC's own network`;
  emit({ event: "alert", kind: "modem", meter: null, text });
}
