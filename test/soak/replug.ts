/**
 * Campaign: the USB cable of one board is pulled and put back, its reset button pressed, at any moment: while it runs, while its
 * display is drawn, while it boots, just as it is plugged in. It comes back each time, and its neighbour notices nothing.
 */
import { SeededRandom } from "../support/seeded-random.js";
import { SteppedRig } from "../support/stepped-rig.js";
import {
  type CampaignOptions,
  expectDisplay,
  expectNear,
  expectSame,
  runCycles,
  watchUndisturbed,
} from "./campaign.js";

const CONFIG = {
  report: { every: "5s" },
  meters: [
    { id: "main", voltage: {}, virtual: { lamps: 2 } },
    { id: "neighbour", virtual: { lamps: 1 } },
  ],
  links: [{ between: ["main", "neighbour"] }],
};
/** The longest wait before the port is opened again is 5 s; firmware and handshake take 2.4 s. */
const RETURN_LIMIT_MS = 8000;
/** Settling and dropping 0.7 s, one window of 1 s, and some grain. */
const READING_LIMIT_MS = 2000;

export async function replug(options: CampaignOptions): Promise<string> {
  const random = new SeededRandom(options.seed);
  const rig = new SteppedRig({ config: CONFIG });
  const main = rig.seen("main");
  const returnsMs: number[] = [];
  let unplugs = 0;
  let resets = 0;

  const unplug = async () => {
    unplugs += 1;
    const readings = main.readings;
    rig.command({ verb: "unplug", meter: "main" });
    if (random.chance(0.5)) rig.command({ verb: "lamps", meter: "main", count: random.whole(1, 4) });
    await rig.advance(random.pick([random.whole(1, 20), random.whole(20, 600), random.whole(600, 4000)]));
    expectSame("readings of an unplugged board", main.readings, readings);
    rig.command({ verb: "plug", meter: "main" });
  };
  const reset = async () => {
    resets += 1;
    rig.command({ verb: "reset", meter: "main" });
  };
  const disturb = () => (random.chance(0.75) ? unplug() : reset());

  const comeBack = async () => {
    const fromMs = rig.timeMs;
    const ready = main.ready;
    // A reset may be noticed only when the board has booted: what counts is that it is set up after the disturbance.
    await rig.advanceUntil(
      "main ready again",
      () => main.ready > ready && main.board?.state === "ready",
      RETURN_LIMIT_MS,
    );
    returnsMs.push(rig.timeMs - fromMs);
    const readings = main.readings;
    await rig.advanceUntil("a reading of main", () => main.readings > readings, READING_LIMIT_MS);
    const { truth } = rig.place("main");
    const { currentA = 0, voltageV = 0, samples, flags } = main.reading ?? {};
    expectNear("current of main [A]", currentA, truth.currentA, 0.01 * truth.currentA);
    expectNear("voltage of main [V]", voltageV, truth.voltageV, 0.01 * truth.voltageV);
    expectSame("flags of main", flags, []);
    expectSame("samples of main are 333 or 334", samples === 333 || samples === 334, true);
    await expectDisplay(rig, "main");
    await expectDisplay(rig, "neighbour");
  };

  try {
    await comeBack();
    await rig.advanceUntil(
      "a reading of neighbour",
      () => rig.seen("neighbour").readings > 0,
      READING_LIMIT_MS,
    );
    watchUndisturbed(rig, "neighbour");
    const cycles = await runCycles(options, async () => {
      if (random.chance(0.5)) {
        const displayAtMs = main.displayAtMs;
        await rig.advanceUntil("a redraw", () => main.displayAtMs > displayAtMs, READING_LIMIT_MS);
        await rig.advance(random.whole(0, 80));
      } else {
        await rig.advance(random.whole(1, 2000));
      }
      await disturb();
      while (random.chance(0.4)) {
        // Just plugged in; while it boots; while it answers the first questions and is set up.
        await rig.advance(
          random.pick([random.whole(1, 30), random.whole(30, 2900), random.whole(2000, 3500)]),
        );
        await disturb();
      }
      await comeBack();
    });
    await rig.stop();
    const slowestMs = Math.max(...returnsMs);
    return (
      `${cycles} cycles, ${unplugs} unplugged, ${resets} reset, ${(rig.timeMs / 1000).toFixed(0)} s of bench time: ` +
      `back each time, after ${slowestMs} ms at most; neighbour ${rig.seen("neighbour").readings} windows of 1000 samples`
    );
  } finally {
    rig.dispose();
  }
}
