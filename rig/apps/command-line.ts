/** Words of the command line -> what to do, checked; the usage text. */
import { parseArgs } from "node:util";
import { parseDurationMs } from "../core/duration.js";
import { RigError } from "../core/errors.js";
import { projectFile } from "../core/project-root.js";

export interface RunOptions {
  readonly configFile: string;
  readonly dataDirectory: string;
  /** One JSON object a line instead of the dashboard. */
  readonly plain: boolean;
  /** The paper's formulas beside every reading. */
  readonly teach: boolean;
  /** Stop cleanly after this long [ms]; null: run on. */
  readonly stopAfterMs: number | null;
}

export type CommandLine =
  | ({ readonly command: "run" | "centre" } & RunOptions)
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
  run       the bench: meters, link, uplink and, where configured, the control centre (default)
  centre    the control centre alone: broker, intake, store, page
  ports     list the serial ports and the boards on them

options of run and centre
  --config FILE     the bench to run (default config/virtual.yaml)
  --data DIR        where registers, journal, keys and store live (default ./.meter-rig)
  --plain           no dashboard: one JSON object a line on stdout (also when stdout is no terminal)
  --teach           tell beside every reading what the paper's formulas make of the same samples
  --for DURATION    stop cleanly after 30s, 10m, 2h ...

in plain mode stdin takes one command a line: help lists them
exit code: 0 after a clean stop, 2 for a bad command line or configuration, 1 otherwise
`;

const LEAST_RUN_MS = 1000;
/** Timers of Node end at 2^31 ms, 596 h. */
const LONGEST_RUN_MS = 500 * 3_600_000;

const COMMANDS = ["run", "centre", "ports", "help"] as const;

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
  const command = COMMANDS.find((known) => known === name);
  if (command === undefined)
    throw new UsageError(`there is no command ${name}; there are ${COMMANDS.join(", ")}`);
  if (rest.length > 0) throw new UsageError(`${command} takes no ${rest.join(" ")}`);
  if (command === "ports" || command === "help") return { command };
  return {
    command,
    configFile: values.config ?? projectFile("config", "virtual.yaml"),
    dataDirectory: values.data ?? ".meter-rig",
    plain: values.plain === true || command === "centre" || !stdoutIsTerminal,
    teach: values.teach === true,
    stopAfterMs: values.for === undefined ? null : parseStop(values.for),
  };
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
