/**
 * npm run bench: the numbers of the rig, each beside its limit and beside a peer measured in the same run.
 * Prints what was measured, also where a limit is missed, and judges by words only: exit 0 unless something could not be
 * measured at all. Takes about two minutes. Options: --only GROUP (may be repeated), --seed N.
 */
import os from "node:os";
import { parseArgs } from "node:util";
import { measureCurrent } from "./current.js";
import { measureDelay } from "./delay.js";
import { measureHostLoad } from "./host-load.js";
import { measureLcdBytes } from "./lcd-bytes.js";
import { measureModem } from "./modem.js";
import { measurePower } from "./power.js";
import { measureReportBytes } from "./report-bytes.js";
import { measureSamples } from "./samples.js";
import { measureSpeed } from "./speed.js";
import { type BenchRow, formatTable } from "./table.js";

type Measure = (seed: number) => Promise<BenchRow[]> | BenchRow[];

const GROUPS: Readonly<Record<string, Measure>> = {
  samples: measureSamples,
  current: measureCurrent,
  power: measurePower,
  lcd: measureLcdBytes,
  report: measureReportBytes,
  modem: measureModem,
  delay: measureDelay,
  host: measureHostLoad,
  speed: measureSpeed,
};
const DEFAULT_SEED = 1;

/** Work that waits for a core, ours included: 1 min, 5 min, 15 min. */
function describeLoad(): string {
  if (process.platform === "win32") return "not known here";
  return os
    .loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function parseWords(words: readonly string[]): { only?: string[]; seed?: string } {
  try {
    const options = { only: { type: "string", multiple: true }, seed: { type: "string" } } as const;
    return parseArgs({ args: [...words], options }).values;
  } catch (error) {
    return fail(`${(error as Error).message}: the options are --only GROUP and --seed N`);
  }
}

function readOptions(): { readonly only: readonly string[]; readonly seed: number } {
  const values = parseWords(process.argv.slice(2));
  const only = values.only ?? Object.keys(GROUPS);
  const unknown = only.find((name) => !Object.hasOwn(GROUPS, name));
  if (unknown !== undefined)
    fail(`there is no group ${unknown} for --only; there are ${Object.keys(GROUPS).join(", ")}`);
  const seed = Number(values.seed ?? DEFAULT_SEED);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)
    fail(`--seed ${values.seed} is no whole number from 0 to 4294967295`);
  return { only, seed };
}

const { only, seed } = readOptions();
const loadBefore = describeLoad();
const rows: BenchRow[] = [];
const failures: string[] = [];
for (const [name, measure] of Object.entries(GROUPS)) {
  if (!only.includes(name)) continue;
  process.stderr.write(`measuring ${name} ...\n`);
  try {
    rows.push(...(await measure(seed)));
  } catch (error) {
    failures.push(`${name} could not be measured: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
const cores = `${os.cpus().length} cores (${os.cpus()[0]?.model.trim() ?? "unknown"})`;
const machine = `${cores}, Node ${process.versions.node}, load average ${loadBefore}, at the end ${describeLoad()}, seed ${seed}`;
process.stdout.write(`${machine}\n\n${formatTable(rows)}\n`);
for (const failure of failures) process.stderr.write(`${failure}\n`);
// johnny-five's components cannot be freed; whatever they left running ends here.
process.stdout.write("", () => process.exit(failures.length === 0 ? 0 : 1));
