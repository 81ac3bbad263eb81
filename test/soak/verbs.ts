/**
 * Campaign: a person at the bench does one thing after another. Every reading of a steady stretch is right, whatever was done
 * before it and to the other meter; the energy of a steady stretch is its power times its time, and energy never falls.
 */
import type { RigEvent } from "../../rig/core/events.js";
import type { BenchCommand } from "../../rig/virtual/bench-command.js";
import { SeededRandom } from "../support/seeded-random.js";
import { SteppedRig } from "../support/stepped-rig.js";
import { type CampaignOptions, expectDisplay, runCycles } from "./campaign.js";

const METERS = ["main", "neighbour"] as const;
const NOMINAL_V = 230;
const NOMINAL_HZ = 50;
/** main measures the voltage; neighbour takes the nominal one, so that its power is 230 V times its current. */
const CONFIG = {
  report: { every: "5s" },
  mains: { volts: NOMINAL_V, hz: NOMINAL_HZ },
  meters: [{ id: "main", voltage: {}, virtual: { lamps: 2 } }, { id: "neighbour" }],
  links: [{ between: [...METERS] }],
};
const MS_A_HOUR = 3_600_000;
const WINDOW_MS = 1000;
/** A change within a window, or this long before it, excuses its reading [ms]. */
const SETTLE_MS = 1500;
const SHARE = 0.01;
/**
 * 0.4 LSB of noise and the rounding, 12 mA together, averaged over 333 samples: 0.7 mA rms. Four times that is 2 % of what a lamp
 * takes at 80 V, where 1 % would be exceeded by chance [A].
 */
const NOISE_A = 0.003;
/** Of apparent power: voltage and current may be off the same way. */
const POWER_SHARE = 0.015;
/**
 * The firmware samples at its ticks of 1.024 ms, which is up to one tick from where equal spacing puts a sample, in a pattern of
 * 23.44 Hz. Where twice the mains frequency is near a multiple of that (46.9 and 58.6 Hz), the square of a sine gets a slow
 * part of sin(x) / (5 pi) = 2.4 % with x = pi 2f 1.024 ms, which no window averages out: 1.2 % of a current, 2.4 % of a power;
 * harmonics add to it. Such mains get three times the share; 49 to 51 Hz are far from it.
 */
const BEAT_FACTOR = 3;
const NEAR_50_HZ = 1;
/** Without mains A1 still has its noise: 0.4 LSB rms are 0.4 V, and 1 % of this is 1 V. */
const LEAST_V = 100;
/** The register's step, at both ends [Wh]. */
const ENERGY_STEP_WH = 0.002;
/** Less time than this says little about energy [ms]. */
const LEAST_STRETCH_MS = 2000;
const LONGEST_STRETCH_MS = 8000;
/** What the meter itself says cannot be trusted to 1 %. */
const EXCUSES = ["too-few-phases", "clipped"] as const;

type ReadingEvent = Extract<RigEvent, { event: "reading" }>;

interface Watched {
  changedMs: number;
  checked: number;
  excused: number;
  /** First reading of the steady stretch, and the last one. */
  first: ReadingEvent | null;
  last: ReadingEvent | null;
}

export async function verbs(options: CampaignOptions): Promise<string> {
  const random = new SeededRandom(options.seed);
  const rig = new SteppedRig({ config: CONFIG });
  const watched = new Map<string, Watched>(
    METERS.map((meter) => [meter, { changedMs: 0, checked: 0, excused: 0, first: null, last: null }]),
  );
  let last = "the start";
  const worst = new Map<string, number>();

  const beatFactor = (hz: number) => (Math.abs(hz - NOMINAL_HZ) <= NEAR_50_HZ ? 1 : BEAT_FACTOR);
  const trueValues = (meter: string) => {
    const { currentA, voltageV, activePowerW, frequencyHz } = rig.place(meter).truth;
    return meter === "main"
      ? { currentA, voltageV, activePowerW, frequencyHz }
      : { currentA, voltageV: NOMINAL_V, activePowerW: NOMINAL_V * currentA, frequencyHz };
  };
  rig.watch((event, atMs) => {
    if (event.event !== "reading") return;
    const watch = watched.get(event.meter)!;
    if (atMs - WINDOW_MS - SETTLE_MS < watch.changedMs) return;
    if (EXCUSES.some((flag) => event.flags.includes(flag))) {
      watch.excused += 1;
      return;
    }
    watch.checked += 1;
    watch.first ??= event;
    watch.last = event;
    const truth = trueValues(event.meter);
    const apparentVa = truth.voltageV * truth.currentA;
    const compare = (what: string, seen: number, expected: number, scale: number, tolerance: number) => {
      const share = Math.abs(seen - expected) / scale;
      if (scale > 0) worst.set(what, Math.max(worst.get(what) ?? 0, share));
      if (Math.abs(seen - expected) <= tolerance) return;
      rig.fault(
        `${what} of ${event.meter}, ${Math.round(atMs - watch.changedMs)} ms after the last change, last verb ${last}: ` +
          `expected ${expected} within ${tolerance}, seen ${seen}; ${JSON.stringify(event)}`,
      );
    };
    const { currentA, voltageV, activePowerW, frequencyHz } = truth;
    const factor = beatFactor(frequencyHz);
    const leastV = Math.max(voltageV, LEAST_V);
    compare("current", event.currentA, currentA, currentA, factor * SHARE * currentA + NOISE_A);
    compare("voltage", event.voltageV, voltageV, leastV, factor * SHARE * leastV);
    compare(
      "power",
      event.activePowerW,
      activePowerW,
      apparentVa,
      factor * POWER_SHARE * apparentVa + NOISE_A * voltageV,
    );
    if (event.flags.includes("nominal-frequency")) return;
    compare("frequency", event.frequencyHz, frequencyHz, frequencyHz, SHARE * frequencyHz);
  });

  /** Of the stretch that ends now: what the register counted against the true power times the time. */
  const checkEnergy = (meter: string) => {
    const { first, last: end } = watched.get(meter)!;
    if (first === null || end === null) return;
    const stretchMs = Date.parse(end.measuredAt) - Date.parse(first.measuredAt);
    if (stretchMs < LEAST_STRETCH_MS) return;
    const { activePowerW, voltageV, currentA, frequencyHz } = trueValues(meter);
    const apparentWh = (voltageV * currentA * stretchMs) / MS_A_HOUR;
    const expectedWh = (Math.max(0, activePowerW) * stretchMs) / MS_A_HOUR;
    const noiseWh = (NOISE_A * voltageV * stretchMs) / MS_A_HOUR;
    const countedWh = end.energyWh - first.energyWh;
    const factor = beatFactor(frequencyHz);
    const toleranceWh = factor * SHARE * (factor === 1 ? expectedWh : apparentWh) + noiseWh + ENERGY_STEP_WH;
    if (Math.abs(countedWh - expectedWh) <= toleranceWh) return;
    throw new Error(
      `energy of ${meter} in ${stretchMs} ms: expected ${expectedWh} Wh, counted ${countedWh} Wh`,
    );
  };
  const act = (command: BenchCommand) => {
    last = JSON.stringify(command);
    const meters =
      "meter" in command && command.verb !== "cut" && command.verb !== "mend" ? [command.meter] : METERS;
    const disturbs = command.verb !== "cut" && command.verb !== "mend";
    if (disturbs) for (const meter of meters) checkEnergy(meter);
    rig.command(command);
    if (!disturbs) return;
    for (const meter of meters)
      Object.assign(watched.get(meter)!, { changedMs: rig.timeMs, first: null, last: null });
  };

  try {
    const cycles = await runCycles(options, async () => {
      const meter = random.pick(METERS);
      const command = randomCommand(random, meter);
      act(command);
      if (command.verb === "unplug") {
        await rig.advance(random.whole(1, 3000));
        act({ verb: "plug", meter });
      }
      const short = random.chance(0.3);
      await rig.advance(short ? random.whole(1, SETTLE_MS) : random.whole(SETTLE_MS, LONGEST_STRETCH_MS));
    });
    await rig.advance(LONGEST_STRETCH_MS);
    for (const meter of METERS) {
      checkEnergy(meter);
      await expectDisplay(rig, meter);
    }
    await rig.stop();
    const sum = (count: (watch: Watched) => number) =>
      [...watched.values()].reduce((all, watch) => all + count(watch), 0);
    const checked = sum((watch) => watch.checked);
    const deviations = [...worst].map(([what, share]) => `${what} ${(100 * share).toFixed(2)} %`);
    if (checked === 0) throw new Error("no reading was checked");
    return (
      `${cycles} verbs, ${(rig.timeMs / 1000).toFixed(0)} s of bench time: ${checked} readings of steady stretches right ` +
      `(worst: ${deviations.join(", ")}), ${sum((watch) => watch.excused)} marked as not to be trusted`
    );
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n(last verb ${last})`, { cause });
  } finally {
    rig.dispose();
  }
}

function randomCommand(random: SeededRandom, meter: string): BenchCommand {
  switch (random.whole(0, 9)) {
    case 0:
    case 1:
      return { verb: "lamps", meter, count: random.whole(0, 4) };
    case 2:
    case 3:
    case 4:
      return {
        verb: "load",
        meter,
        // The transformer's burden takes 12.5 A of crest.
        currentA: random.chance(0.15) ? 0 : random.between(0.5, 6),
        powerFactor: random.pick([1, -1]) * random.between(0.3, 1),
        thirdHarmonic: random.chance(0.5) ? 0 : random.between(0, 0.4),
      };
    case 5:
      return { verb: "volts", volts: random.chance(0.15) ? 0 : random.between(80, 300) };
    case 6:
      return { verb: "hz", hz: random.pick([50, 60, random.between(45, 65)]) };
    case 7:
      return { verb: "unplug", meter };
    case 8:
      return { verb: "reset", meter };
    default:
      return random.chance(0.5)
        ? { verb: random.pick(["cut", "mend"]), what: "bus", meter }
        : { verb: random.pick(["cut", "mend"]), what: "link", link: "all" };
  }
}
