/**
 * Campaign: noise on the wire from the board while it samples and while it is brought up. Nothing crashes, the damage is counted,
 * sampling goes on, and when the noise stops the readings are right again. The wire of the neighbour stays clean.
 */
import { NoisyPort } from "../support/noisy-port.js";
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
    { id: "main", voltage: {}, virtual: { lamps: 3 } },
    { id: "neighbour", virtual: { lamps: 1 } },
  ],
};
/** Shares of bytes that something happens to: from one a second to every second byte. */
const SHARES = [0.0005, 0.002, 0.01, 0.05, 0.5];
/** Up to this share most windows end in time although samples are missing. */
const LIGHT_SHARE = 0.002;
const FIRST_READING_LIMIT_MS = 8000;
/**
 * From the end of the noise to a right reading: an attempt to connect that noise spoilt may last 8 s and the wait after it 5 s,
 * then boot, set-up and a window; a board that merely sampled on needs the window that is running and one more.
 */
const RECOVERY_LIMIT_MS = 19_000;
const RIGHT_IN_A_ROW = 2;

export async function garbage(options: CampaignOptions): Promise<string> {
  const random = new SeededRandom(options.seed);
  let wire: NoisyPort | undefined;
  const rig = new SteppedRig({
    config: CONFIG,
    wrapPort: (meter, port) => {
      if (meter !== "main") return port;
      wire = new NoisyPort(port, random);
      return wire;
    },
  });
  const main = rig.seen("main");
  const noisy = wire!;
  let slowestMs = 0;
  let incomplete = 0;
  let readingsInNoise = 0;
  rig.watch((event) => {
    if (event.event !== "reading" || event.meter !== "main" || noisy.fromBoard === 0) return;
    readingsInNoise += 1;
    if (event.flags.includes("incomplete")) incomplete += 1;
  });

  const isRight = () => {
    const { truth } = rig.place("main");
    const { currentA = 0, voltageV = 0, activePowerW = 0, flags } = main.reading ?? {};
    return (
      flags?.length === 0 &&
      Math.abs(currentA / truth.currentA - 1) < 0.01 &&
      Math.abs(voltageV / truth.voltageV - 1) < 0.01 &&
      Math.abs(activePowerW / truth.activePowerW - 1) < 0.02
    );
  };
  const recover = async () => {
    const fromMs = rig.timeMs;
    let readings = main.readings;
    for (let right = 0; right < RIGHT_IN_A_ROW; ) {
      const leftMs = RECOVERY_LIMIT_MS - (rig.timeMs - fromMs);
      await rig.advanceUntil(`${RIGHT_IN_A_ROW} right readings`, () => main.readings > readings, leftMs);
      readings = main.readings;
      right = isRight() ? right + 1 : 0;
    }
    slowestMs = Math.max(slowestMs, rig.timeMs - fromMs);
    await expectDisplay(rig, "main");
  };

  try {
    await rig.advanceUntil(
      "a first reading",
      () => isRight() && rig.seen("neighbour").readings > 0,
      FIRST_READING_LIMIT_MS,
    );
    watchUndisturbed(rig, "neighbour");
    const cycles = await runCycles(options, async () => {
      const { lost, ready, readings } = main;
      const share = random.pick(SHARES);
      const broughtUp = random.chance(0.25);
      noisy.fromBoard = share;
      await rig.advance(random.whole(0, 500));
      if (broughtUp) {
        rig.command({ verb: "unplug", meter: "main" });
        await rig.advance(random.whole(1, 300));
        rig.command({ verb: "plug", meter: "main" });
      }
      await rig.advance(random.whole(500, 4000));
      noisy.fromBoard = 0;
      if (!broughtUp) expectSame("times that the board was lost by noise alone", main.lost, lost);
      if (!broughtUp && share <= LIGHT_SHARE && main.ready === ready) {
        await rig.advance(1000);
        expectSame("readings went on", main.readings > readings, true);
      }
      await recover();
    });
    // A board event brings the counters.
    rig.command({ verb: "reset", meter: "main" });
    await rig.advance(RECOVERY_LIMIT_MS / 4);
    const { discardedBytes = 0, refusedMessages = 0 } = main.board?.counters ?? {};
    expectSame("noise was counted", discardedBytes > 0 && refusedMessages > 0, true);
    const { truth } = rig.place("main");
    expectNear("frequency of main [Hz]", main.reading?.frequencyHz ?? 0, truth.frequencyHz, 0.5);
    await rig.stop();
    return (
      `${cycles} cycles, ${noisy.disturbances} bytes disturbed, ${(rig.timeMs / 1000).toFixed(0)} s of bench time: ` +
      `${discardedBytes} bytes discarded, ${refusedMessages} messages refused, ` +
      `${incomplete} of ${readingsInNoise} readings in noise marked incomplete, right again after ${slowestMs} ms at most`
    );
  } finally {
    rig.dispose();
  }
}
