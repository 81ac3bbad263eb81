/**
 * Campaign: the real program is killed outright at any moment and started again on the same data: while it starts, in the middle of
 * an interval, just when a report is made, sent or stored. Energy is never lower, every report is stored once, and what was
 * shown is in the reports.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Store } from "../../rig/centre/store.js";
import { RigProcess, type SeenEvent } from "../support/rig-process.js";
import { SeededRandom } from "../support/seeded-random.js";
import { type CampaignOptions, expectSame, runCycles } from "./campaign.js";

const METERS = ["main", "neighbour"] as const;
const CONFIG = `report: { every: 2s, reading: 500ms }
meters:
  - { id: main, virtual: { lamps: 4 }, voltage: {} }
  - { id: neighbour, virtual: { lamps: 1 } }
centre: { web: { port: 0 } }
`;
/** The first readings come after about 5 s, the first report after 7 s. */
const LATEST_KILL_MS = 8000;
const EVENTS = ["reading", "report", "sent", "received"] as const;
const EVENT_LIMIT_MS = 60_000;
const END_LIMIT_MS = 60_000;
const LAST_REPORTS = 2;
/** What the centre keeps of a report, of what its event says. */
const FIELDS = ["currentA", "voltageV", "activePowerW", "energyWh", "samples", "flags"] as const;
/** A window of the board that samples faster. */
const MOST_SAMPLES_A_READING = 500;

export async function kill(options: CampaignOptions): Promise<string> {
  const random = new SeededRandom(options.seed);
  const directory = mkdtempSync(path.join(os.tmpdir(), "meter-rig-soak-"));
  const data = path.join(directory, "data");
  const config = path.join(directory, "bench.yaml");
  writeFileSync(config, CONFIG);
  const runs: RigProcess[] = [];
  const start = () => {
    const rig = new RigProcess("--plain", "--config", config, "--data", data);
    runs.push(rig);
    return rig;
  };
  try {
    const kills = await runCycles(options, async () => {
      const rig = start();
      if (random.chance(0.5)) {
        await sleep(random.between(0, LATEST_KILL_MS));
      } else {
        const event = random.pick(EVENTS);
        const meter = random.pick(METERS);
        await rig.until(`a ${event} of ${meter}`, () => rig.all(event, meter).length > 0, EVENT_LIMIT_MS);
        await sleep(random.between(0, 30));
      }
      rig.kill("SIGKILL");
      expectSame("the end of the run", await rig.exit, "SIGKILL");
      expectUntroubled(rig);
      expectEnergyKept(runs);
    });
    const last = start();
    const enough = () => METERS.every((meter) => last.all("received", meter).length >= LAST_REPORTS);
    await last.until(`${LAST_REPORTS} reports of each meter after the kills`, enough, END_LIMIT_MS);
    last.say("quit");
    expectSame("exit code of the last run", await last.exit, 0);
    expectUntroubled(last);
    expectEnergyKept(runs);
    const stored = expectStoredOnce(data, runs);
    return `${kills} kills: energy never lower, ${stored} reports stored once each, equal to what was reported`;
  } finally {
    for (const rig of runs) rig.kill();
    await Promise.all(runs.map((rig) => rig.exit));
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A kill leaves nothing broken behind: nothing is kept aside, refused or complained of. */
function expectUntroubled(rig: RigProcess): void {
  expectSame("stderr", rig.stderr, "");
  const alerts = rig
    .all("alert")
    .filter(({ text }) => !String(text).includes("cut off while it was written"));
  expectSame("alerts", alerts, []);
}

function seenOf(runs: readonly RigProcess[], event: string, meter: string): SeenEvent[] {
  return runs.flatMap((rig) => rig.all(event, meter));
}

function expectEnergyKept(runs: readonly RigProcess[]): void {
  for (const meter of METERS) {
    const energies = seenOf(runs, "reading", meter).map(({ energyWh }) => energyWh as number);
    const fall = energies.findIndex((energyWh, at) => energyWh < (energies[at - 1] ?? 0));
    if (fall > 0) {
      throw new Error(
        `energy of ${meter} fell: expected at least ${energies[fall - 1]} Wh, seen ${energies[fall]} Wh`,
      );
    }
  }
}

/** @returns how many reports the centre has */
function expectStoredOnce(data: string, runs: readonly RigProcess[]): number {
  const { store, notices } = Store.open(data);
  try {
    expectSame("notices of the store", notices, []);
    let count = 0;
    for (const meter of METERS) {
      const stored = store
        .range(meter, 0, Number.MAX_SAFE_INTEGER, 1_000_000)
        .sort((a, b) => a.sequence - b.sequence);
      const oneToN = stored.map((_, at) => at + 1);
      expectSame(
        `stored sequences of ${meter}`,
        stored.map(({ sequence }) => sequence),
        oneToN,
      );
      const received = seenOf(runs, "received", meter).map(({ sequence }) => sequence);
      expectSame(`received sequences of ${meter}`, received, oneToN);
      for (const event of [...seenOf(runs, "report", meter), ...seenOf(runs, "received", meter)]) {
        const report = stored[(event.sequence as number) - 1];
        for (const field of FIELDS)
          expectSame(`${field} of ${event.event} ${event.sequence}`, report?.[field], event[field]);
      }
      expectNothingLost(meter, stored, runs);
      count += stored.length;
    }
    return count;
  } finally {
    store.close();
  }
}

/** Every reading that was shown is in a report; so may be the one of each run that was kept but not shown before the kill. */
function expectNothingLost(
  meter: string,
  stored: readonly { samples: number }[],
  runs: readonly RigProcess[],
): void {
  const sum = (items: readonly object[]) =>
    items.reduce((all: number, item) => all + (item as { samples: number }).samples, 0);
  const shown = sum(seenOf(runs, "reading", meter));
  const reported = sum(stored);
  const most = shown + (runs.length - 1) * MOST_SAMPLES_A_READING;
  if (reported >= shown && reported <= most) return;
  throw new Error(`samples in the reports of ${meter}: expected ${shown} to ${most}, stored ${reported}`);
}
