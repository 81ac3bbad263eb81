/**
 * `npm run soak`: long random campaigns against the rig. Everything follows from a seed, which is printed, so that whatever
 * fails can be had again; only the moments at which a real process is killed depend on the machine, too.
 */
import { parseArgs } from "node:util";
import { parseDurationMs } from "../../rig/core/duration.js";
import type { Campaign } from "./campaign.js";
import { garbage } from "./garbage.js";
import { kill } from "./kill.js";
import { memory } from "./memory.js";
import { modem } from "./modem.js";
import { replug } from "./replug.js";
import { verbs } from "./verbs.js";

const USAGE = `npm run soak -- [campaigns] [options]

campaigns (all of them if none is named)
  replug    a board unplugged and reset at any moment          50 cycles
  kill      the program killed and started again               20 kills
  garbage   noise on a board's wire                            30 cycles
  verbs     whatever a person at the bench can do              60 verbs
  memory    what a reconnect leaves behind                     200 reconnects
  modem     every fault of the modem at any moment             10 minutes

options
  --seed N          repeat the run of this seed, 0 to 4294967295
  --cycles N        so many cycles of each campaign
  --for DURATION    each campaign an equal share of 10m, 8h ...
`;

const CAMPAIGNS: Record<string, { readonly run: Campaign; readonly cycles: number }> = {
  replug: { run: replug, cycles: 50 },
  kill: { run: kill, cycles: 20 },
  garbage: { run: garbage, cycles: 30 },
  verbs: { run: verbs, cycles: 60 },
  memory: { run: memory, cycles: 200 },
  modem: { run: modem, cycles: 10 },
};
const SEEDS = 2 ** 32;

interface Plan {
  readonly names: readonly string[];
  readonly seed: number;
  readonly cycles: number | null;
  readonly forMs: number | null;
}

/** @throws Error that says what is wrong with the words */
function parsePlan(words: string[]): Plan | "help" {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      seed: { type: "string" },
      cycles: { type: "string" },
      for: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const unknown = positionals.filter((name) => !Object.hasOwn(CAMPAIGNS, name));
  if (unknown.length > 0)
    throw new Error(`there is no campaign ${unknown.join()}; there are ${Object.keys(CAMPAIGNS)}`);
  const whole = (option: "seed" | "cycles", least: number) => {
    const text = values[option];
    if (text === undefined) return null;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value < SEEDS) return value;
    throw new Error(`--${option} ${text} is no whole number from ${least} to ${SEEDS - 1}`);
  };
  const forMs = values.for === undefined ? null : parseDurationMs(values.for);
  if (forMs === undefined) throw new Error(`--for ${values.for} is no duration; 10m or 8h are`);
  return {
    names: positionals.length > 0 ? positionals : Object.keys(CAMPAIGNS),
    seed: whole("seed", 0) ?? Math.floor(Math.random() * SEEDS),
    cycles: whole("cycles", 1),
    forMs,
  };
}

/** @returns whether it went well */
async function runCampaign(name: string, { names, seed, cycles, forMs }: Plan): Promise<boolean> {
  const campaign = CAMPAIGNS[name]!;
  const startMs = performance.now();
  const limit = cycles ?? (forMs === null ? campaign.cycles : Number.POSITIVE_INFINITY);
  const endMs = startMs + (forMs ?? Number.POSITIVE_INFINITY) / names.length;
  let line: string;
  let passed = true;
  try {
    line = await campaign.run({ seed, enough: (done) => done >= limit || performance.now() >= endMs });
  } catch (error) {
    passed = false;
    line = `FAILED: ${(error as Error).message}\nagain: npm run soak -- ${name} --seed ${seed}`;
  }
  const seconds = Math.round((performance.now() - startMs) / 1000);
  process.stdout.write(`${name.padEnd(8)} ${line} (${seconds} s)\n`);
  return passed;
}

async function main(words: string[]): Promise<number> {
  let plan: Plan | "help";
  try {
    plan = parsePlan(words);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (plan === "help") {
    process.stdout.write(USAGE);
    return 0;
  }
  process.stdout.write(`seed ${plan.seed}\n`);
  let failed = 0;
  for (const name of plan.names) if (!(await runCampaign(name, plan))) failed += 1;
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
