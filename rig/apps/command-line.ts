/** Words of the command line -> what to do, checked; the usage text. */
import { parseArgs } from "node:util";
import { MODEM_BAUDS_BPS } from "../core/config.js";
import { parseDurationMs } from "../core/duration.js";
import { RigError } from "../core/errors.js";
import { projectFile } from "../core/project-root.js";
import type { TcpAddress } from "../core/tcp-address.js";

export interface RunOptions {
  readonly configFile: string;
  readonly dataDirectory: string;
  /** One JSON object a line instead of the dashboard. */
  readonly plain: boolean;
  /** The paper's formulas beside every reading. */
  readonly teach: boolean;
  /** Every byte on the modem's wire as `at` events. */
  readonly traceAt: boolean;
  /** Stop cleanly after this long [ms]; null: run on. */
  readonly stopAfterMs: number | null;
}

/** The AT terminal: the configured modem, or the one that is named. */
export interface AtOptions {
  readonly configFile: string;
  readonly port: string | null;
  readonly baudBps: number | null;
}

export interface VirtualModemOptions {
  readonly listen: TcpAddress;
  readonly baudBps: number;
  readonly seed: number;
  /** Hosts beside this computer that it may connect to. */
  readonly reach: readonly string[];
  readonly stopAfterMs: number | null;
}

export type CommandLine =
  | ({ readonly command: "run" | "centre" } & RunOptions)
  | ({ readonly command: "at" } & AtOptions)
  | ({ readonly command: "virtual-modem" } & VirtualModemOptions)
  | { readonly command: "ports" }
  | { readonly command: "help" }
  | { readonly command: "version" };

/** A command line that cannot be carried out. */
export class UsageError extends RigError {
  constructor(message: string) {
    super("usage", message, { hint: "meter-rig --help lists the commands and options" });
  }
}

export const USAGE = `meter-rig: two smart meters on a bench, real or virtual

  npm start                            the virtual bench, with everything, in a dashboard
  npm start -- --config config/bench.yaml    real boards
  npm start -- <command> [options]     (or: npx meter-rig <command> [options])

commands
  run            the bench: meters, link, modem, uplink and, where configured, the control centre (default)
  centre         the control centre alone: broker, intake, store, page
  at             an AT terminal on the modem of the configuration, real or virtual
  virtual-modem  a virtual SIM900 by itself on a TCP port, for this rig or any other program
  ports          list the serial ports and the boards on them

options of run and centre
  --config FILE     the bench to run (default config/virtual.yaml)
  --data DIR        where registers, journal, keys and store live (default ./.meter-rig)
  --plain           no dashboard: one JSON object a line on stdout (also when stdout is no terminal)
  --teach           tell beside every reading what the paper's formulas make of the same samples
  --trace at        tell every byte on the modem's wire, secrets masked (without dashboard)
  --for DURATION    stop cleanly after 30s, 10m, 2h ...

options of at
  --config FILE     whose modem (default config/virtual.yaml)
  --port PORT       another: virtual, a serial port, or tcp://host:port
  --baud N          its baud rate (default 9600, or as configured)

options of virtual-modem
  --listen HOST:PORT    where to serve it (default 127.0.0.1:2323)
  --baud N              its baud rate (default 9600)
  --reach HOST          a host beside this computer that it may connect to; may be given again
  --seed N              start of its random numbers (default 1)
  --for DURATION        stop after 30s, 10m, 2h ...

in plain mode, and for virtual-modem, stdin takes one command a line: help lists them
exit code: 0 after a clean stop, 2 for a bad command line or configuration, 1 otherwise
`;

const LEAST_RUN_MS = 1000;
/** Timers of Node end at 2^31 ms, 596 h. */
const LONGEST_RUN_MS = 500 * 3_600_000;
export const DEFAULT_BAUD_BPS = 9600;

const RUN_OPTIONS = ["config", "data", "plain", "teach", "trace", "for"] as const;
/** Every command with the options that it takes. */
const COMMANDS = {
  run: RUN_OPTIONS,
  centre: ["config", "data", "plain", "for"],
  at: ["config", "port", "baud"],
  "virtual-modem": ["listen", "baud", "reach", "seed", "for"],
  ports: [],
  help: RUN_OPTIONS,
} as const satisfies Record<string, readonly string[]>;

/**
 * @param words the command line without node and script
 * @param stdoutIsTerminal whether a dashboard can be shown at all
 * @throws UsageError
 */
export function parseCommandLine(words: readonly string[], stdoutIsTerminal: boolean): CommandLine {
  const { values, positionals } = parseWords(words);
  if (values.help) return { command: "help" };
  if (values.version) return { command: "version" };
  const [name = "run", ...rest] = positionals;
  if (!Object.hasOwn(COMMANDS, name))
    throw new UsageError(`there is no command ${name}; there are ${Object.keys(COMMANDS).join(", ")}`);
  const command = name as keyof typeof COMMANDS;
  if (rest.length > 0) throw new UsageError(`${command} takes no ${rest.join(" ")}`);
  const taken: readonly string[] = COMMANDS[command];
  const foreign = Object.keys(values).find((option) => !taken.includes(option));
  if (foreign !== undefined) throw new UsageError(`${command} takes no --${foreign}`);

  const configFile = values.config ?? projectFile("config", "virtual.yaml");
  const stopAfterMs = values.for === undefined ? null : parseStop(values.for);
  switch (command) {
    case "ports":
    case "help":
      return { command };
    case "at": {
      const baudBps = values.baud === undefined ? null : parseBaud(values.baud);
      return { command, configFile, port: values.port ?? null, baudBps };
    }
    case "virtual-modem":
      return {
        command,
        listen: parseListen(values.listen ?? "127.0.0.1:2323"),
        baudBps: values.baud === undefined ? DEFAULT_BAUD_BPS : parseBaud(values.baud),
        seed: values.seed === undefined ? 1 : parseWhole("--seed", values.seed, 0, 0xffff_ffff),
        reach: values.reach ?? [],
        stopAfterMs,
      };
    default:
      return {
        command,
        configFile,
        dataDirectory: values.data ?? ".meter-rig",
        plain:
          values.plain === true || values.trace !== undefined || command === "centre" || !stdoutIsTerminal,
        teach: values.teach === true,
        traceAt: parseTrace(values.trace),
        stopAfterMs,
      };
  }
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        config: { type: "string" },
        data: { type: "string" },
        plain: { type: "boolean" },
        teach: { type: "boolean" },
        trace: { type: "string" },
        port: { type: "string" },
        baud: { type: "string" },
        listen: { type: "string" },
        reach: { type: "string", multiple: true },
        seed: { type: "string" },
        for: { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (error) {
    // Node adds advice on how to pass such a word all the same, which is no help here.
    throw new UsageError((error as Error).message.split(". ")[0]!);
  }
}

function parseStop(text: string): number {
  const stopAfterMs = parseDurationMs(text);
  if (stopAfterMs === undefined || stopAfterMs < LEAST_RUN_MS || stopAfterMs > LONGEST_RUN_MS) {
    throw new UsageError(`--for ${text} is no duration from 1s to 500h; 30s, 10m or 2h are`);
  }
  return stopAfterMs;
}

function parseTrace(what: string | undefined): boolean {
  if (what === undefined || what === "at") return what === "at";
  throw new UsageError(`--trace ${what} traces nothing; at does: the modem's wire`);
}

function parseBaud(text: string): number {
  const baudBps = MODEM_BAUDS_BPS.find((known) => String(known) === text);
  if (baudBps !== undefined) return baudBps;
  throw new UsageError(`--baud ${text} is no rate of a SIM900; ${MODEM_BAUDS_BPS.join(", ")} are`);
}

function parseWhole(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${option} ${text} is no whole number from ${min} to ${max}`);
}

function parseListen(text: string): TcpAddress {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  if (colon < 1 || host === "")
    throw new UsageError(`--listen ${text} is no HOST:PORT such as 127.0.0.1:2323`);
  return { host, port: parseWhole("the port of --listen", text.slice(colon + 1), 0, 65_535) };
}
