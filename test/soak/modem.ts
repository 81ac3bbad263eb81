/**
 * Campaign: reports every 2 s from two meters over the virtual SIM900, and every fault it knows at random moments. After the last
 * one heals the centre holds every report once, with the time of its making, and nothing was taken for a replay. Time is stepped.
 */
import { MODEM_FAULTS, type ModemCommand, type ModemFault } from "../../rig/virtual/modem-command.js";
import { SeededRandom } from "../support/seeded-random.js";
import { SteppedWay } from "../support/stepped-way.js";
import { type CampaignOptions, expectSame, runCycles } from "./campaign.js";

const METERS = ["main", "neighbour"] as const;
const REPORT_EVERY_MS = 2000;
/** What every cycle is [ms of bench time]: ten of them make ten minutes. */
const CYCLE_MS = 60_000;
/** From one fault to the next [ms]. */
const FAULT_EVERY_MS = [5000, 25_000] as const;
/** How long what lasts does last [ms]. */
const FAULT_FOR_MS = [2000, 30_000] as const;
/** The highest rung of the ladder, its pauses, and a backlog of all reports at 960 B/s [ms]. */
const HEAL_LIMIT_MS = 3_600_000;

/** What is done, and what takes it back after a while; null where it happens once. */
interface Fault {
  readonly begin: ModemCommand;
  readonly end: ModemCommand | null;
}

/** Of the virtual SIM. */
const SIM_PIN = "1234";
const NONE: ModemCommand = { verb: "fault", what: "modem", name: "none" };
const FAULTS: readonly Fault[] = [
  ...(Object.keys(MODEM_FAULTS) as ModemFault[]).map((name) => ({
    begin: { verb: "fault", what: "modem", name } as const,
    // The SIM that wants its PIN is opened by the driver, which has it.
    end: MODEM_FAULTS[name].lasts && name !== "pin" ? NONE : null,
  })),
  { begin: { verb: "modem", on: false }, end: { verb: "modem", on: true } },
  { begin: { verb: "sim", inserted: false }, end: { verb: "sim", inserted: true } },
  { begin: { verb: "network", up: false }, end: { verb: "network", up: true } },
];

export async function modem(options: CampaignOptions): Promise<string> {
  const random = new SeededRandom(options.seed);
  const powerKey = random.chance(0.5);
  const { seed } = options;
  const way = await SteppedWay.start({
    seed,
    meters: METERS,
    reportEveryMs: REPORT_EVERY_MS,
    powerKey,
    pin: SIM_PIN,
  });
  const told: string[] = [];
  /** Every fault comes once before one comes again. */
  const bag: Fault[] = [];
  try {
    let reportAtMs = 0;
    /** Advances to a time, making the reports that fall due. */
    const advanceTo = async (endMs: number) => {
      while (way.timeMs < endMs) {
        if (way.timeMs >= reportAtMs) {
          for (const meter of METERS) way.report(meter);
          reportAtMs += REPORT_EVERY_MS;
        }
        await way.advance(Math.min(reportAtMs, endMs) - way.timeMs);
      }
    };
    let cycleEndMs = 0;
    await runCycles(options, async () => {
      cycleEndMs += CYCLE_MS;
      while (way.timeMs < cycleEndMs) {
        await advanceTo(way.timeMs + random.between(...FAULT_EVERY_MS));
        if (bag.length === 0) bag.push(...shuffled(FAULTS, random));
        const fault = bag.pop()!;
        told.push(`${Math.round(way.timeMs)} ms: ${JSON.stringify(fault.begin)}`);
        way.command(fault.begin);
        if (fault.end === null) continue;
        await advanceTo(way.timeMs + random.between(...FAULT_FOR_MS));
        way.command(fault.end);
      }
    });
    way.command(NONE);
    const healMs = await way.advanceUntil("every report delivered", () => way.waiting === 0, HEAL_LIMIT_MS);
    const reports = expectStoredOnce(way);
    await way.stop();
    return `${powerKey ? "with" : "without"} power key, ${told.length} faults in ${Math.round(way.timeMs / 60_000)} min: ${reports} reports stored once each with their own times, the last ${Math.round(healMs / 1000)} s after the last fault`;
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`${message}\nfaults so far, newest last:\n${told.slice(-6).join("\n")}`, { cause });
  } finally {
    way.dispose();
  }
}

function shuffled<Item>(items: readonly Item[], random: SeededRandom): Item[] {
  return items
    .map((item) => ({ item, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** @returns how many reports the centre has */
function expectStoredOnce(way: SteppedWay): number {
  const { replays, badSeals, malformed } = way.intake.counters;
  expectSame(
    "refused by the centre",
    { replays, badSeals, malformed },
    { replays: 0, badSeals: 0, malformed: 0 },
  );
  let count = 0;
  for (const [meter, made] of way.made) {
    const stored = way.store
      .range(meter, 0, Number.MAX_SAFE_INTEGER, 1_000_000)
      .sort((a, b) => a.sequence - b.sequence);
    const times = (all: Iterable<readonly [number, number]>) => [...all];
    expectSame(
      `sequences and times of ${meter} at the centre`,
      times(stored.map(({ sequence, endMs }) => [sequence, endMs] as const)),
      times(made),
    );
    expectSame(
      `received events of ${meter}`,
      way
        .received(meter)
        .map(({ sequence }) => sequence)
        .sort((a, b) => a - b),
      [...made.keys()],
    );
    count += stored.length;
  }
  return count;
}
