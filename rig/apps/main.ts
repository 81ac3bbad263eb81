/** The program: command line -> the command; exit code 0 after a clean stop, 2 for a bad command line or configuration, else 1. */
import { formatPorts, listPorts } from "../board/list-ports.js";
import { systemClock } from "../core/clock.js";
import { type ConfigFile, readConfigFile } from "../core/config-file.js";
import { ConfigError, describeError, PortError, StorageError } from "../core/errors.js";
import type { EmitEvent, RigEvent, TimedEvent } from "../core/events.js";
import { projectVersion } from "../core/project-root.js";
import { Dashboard } from "../dashboard/dashboard.js";
import { runAtTerminal } from "../modem/at-terminal.js";
import {
  type AtOptions,
  DEFAULT_BAUD_BPS,
  parseCommandLine,
  type RunOptions,
  USAGE,
  UsageError,
  type VirtualModemOptions,
} from "./command-line.js";
import { lockDataDirectory } from "./data-directory.js";
import { createVirtualModem, openModemLine } from "./modem-line.js";
import { plainPrinter } from "./plain-output.js";
import { startCentreOf, startRig } from "./rig.js";
import { listenForVerbs } from "./stdin-commands.js";
import { startModemServer } from "./virtual-modem-server.js";

/** Whatever a clean stop waits for, it does not wait longer; draining, goodbye and the modem together may take 18 s. */
const STOP_LIMIT_MS = 30_000;

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
      case "at":
        await runTerminal(commandLine);
        break;
      case "virtual-modem":
        await untilAsked(commandLine.stopAfterMs, (quit) => startVirtualModem(commandLine, quit));
        break;
      case "centre":
        await run(commandLine, startCentreAlone);
        break;
      case "run":
        await run(commandLine, commandLine.plain ? startPlain : startDashboard);
        break;
    }
    // Where stdout is a pipe and Windows the system, exit would cut off what is not written yet.
    await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
    process.exit(0);
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
  readonly traceAt: boolean;
  /** Asks for a clean stop; may be called more than once. */
  readonly quit: () => void;
}

type Start = (place: Place) => Promise<Started>;

/** Runs what is started until something asks for a stop, and stops it cleanly. */
async function untilAsked(
  stopAfterMs: number | null,
  start: (quit: () => void) => Promise<Started>,
): Promise<void> {
  let quit: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    quit = resolve;
  });
  process.once("SIGINT", quit);
  process.once("SIGTERM", quit);
  if (stopAfterMs !== null) systemClock.after(stopAfterMs, quit);
  const started = await start(quit);
  await asked;
  systemClock.after(STOP_LIMIT_MS, () => {
    process.stderr.write(`it did not stop within ${STOP_LIMIT_MS / 1000} s and is ended\n`);
    process.exit(1);
  });
  await started.stop();
}

/** Holds the data directory and runs the configuration. */
async function run(options: RunOptions, start: Start): Promise<void> {
  const configFile = readConfigFile(options.configFile);
  const lock = lockDataDirectory(options.dataDirectory);
  const { dataDirectory, teach, traceAt, stopAfterMs } = options;
  try {
    await untilAsked(stopAfterMs, (quit) => start({ configFile, dataDirectory, teach, traceAt, quit }));
  } finally {
    lock.release();
  }
}

function timed(show: (event: TimedEvent) => void): EmitEvent {
  return (event: RigEvent) => show({ ...event, time: new Date(systemClock.nowMs()).toISOString() });
}

async function startPlain({ quit, ...place }: Place): Promise<Started> {
  const emit = timed(plainPrinter(process.stdout, quit));
  const showWaveform = () => undefined;
  const rig = await startRig({ ...place, clock: systemClock, emit, showWaveform });
  listenForVerbs(process.stdin, { place: "rig", ...rig, quit, emit });
  return rig;
}

async function startDashboard({ quit, ...place }: Place): Promise<Started> {
  const { config } = place.configFile;
  // What goes wrong before everything runs is told on the plain terminal; events until then are shown afterwards.
  const early: TimedEvent[] = [];
  let dashboard: Dashboard | null = null;
  const emit = timed((event) => {
    if (dashboard === null) early.push(event);
    else dashboard.show(event);
  });
  const rig = await startRig({
    ...place,
    clock: systemClock,
    emit,
    showWaveform: (meter, waveform) => dashboard?.showWaveform(meter, waveform),
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

/** A virtual SIM900 alone, its wire on a TCP port. */
async function startVirtualModem(
  { listen, baudBps, seed, reach }: VirtualModemOptions,
  quit: () => void,
): Promise<Started> {
  const emit = timed(plainPrinter(process.stdout, quit));
  const virtualModem = createVirtualModem({ baudBps, seed, reach, clock: systemClock, emit });
  const server = await startModemServer({ line: virtualModem.line, baudBps, ...listen, emit });
  emit({ event: "listening", address: server.address });
  listenForVerbs(process.stdin, { place: "modem", bench: null, virtualModem, modem: null, quit, emit });
  return {
    async stop() {
      await server.stop();
      await virtualModem.stop();
    },
  };
}

/** @throws ConfigError when the configuration names no modem; PortError */
async function runTerminal({ configFile: file, port, baudBps }: AtOptions): Promise<void> {
  const { config, fault } = readConfigFile(file);
  const { modem } = config;
  if (port === null && modem === "none") {
    const problem = "there is no modem to talk to; name one here, or give --port";
    throw fault({ path: ["modem"], value: modem, problem });
  }
  const configured = modem === "none" ? undefined : modem;
  const baud = baudBps ?? configured?.baud ?? DEFAULT_BAUD_BPS;
  const { line, virtualModem } = openModemLine({
    port: port ?? configured!.port,
    baudBps: baud,
    seed: config.virtual.seed,
    reach: [config.broker.host],
    clock: systemClock,
    emit: () => undefined,
  });
  try {
    const stream = await line.open(baud);
    const interactive = process.stdin.isTTY === true;
    const { answered } = await runAtTerminal({
      stream,
      input: process.stdin,
      output: process.stdout,
      warnings: process.stderr,
      interactive,
      clock: systemClock,
      portName: line.name,
    });
    if (!answered) {
      throw new PortError("modem/no-answer", `the modem on ${line.name} never answered at ${baud} baud`, {
        hint: "check its supply, its power key, the cable, and the baud rate (--baud)",
      });
    }
  } finally {
    await virtualModem?.stop();
  }
}
