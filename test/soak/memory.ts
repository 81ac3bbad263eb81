/**
 * Campaign: one board is unplugged and plugged in again, over and over; what the host keeps of it does not grow. On the fake
 * firmware, whose bytes cost nothing, so that nothing but the rig's own memory is measured.
 */
import { BoardSupervisor } from "../../rig/board/supervisor.js";
import type { RigEvent } from "../../rig/core/events.js";
import { FakeFirmata } from "../support/fake-firmata.js";
import { ManualClock } from "../support/manual-clock.js";
import { SeededRandom } from "../support/seeded-random.js";
import { type CampaignOptions, expectSame, heapBytes, runCycles } from "./campaign.js";

/** Compiled code and first lists have settled. */
const WARM_UP_CYCLES = 50;
const LIMIT_BYTES_A_CYCLE = 1024;
/** Below so many cycles a collection's chance is more than what is measured. */
const LEAST_CYCLES = 150;

export async function memory(options: CampaignOptions): Promise<string> {
  const random = new SeededRandom(options.seed);
  const clock = new ManualClock();
  const firmware = new FakeFirmata(clock, { bootMs: 300 });
  let ready = 0;
  let samples = 0;
  const supervisor = new BoardSupervisor({
    meter: "main",
    port: firmware,
    channels: [0, 1],
    clock,
    emit: (event: RigEvent) => {
      if (event.event === "board" && event.state === "ready") ready += 1;
    },
    onReady: ({ pins }) => {
      pins.setMode(9, "pullup");
      pins.onInput(9, () => undefined);
    },
    onLost: () => undefined,
    onSample: () => {
      samples += 1;
    },
  });
  const cycle = async () => {
    const before = ready;
    firmware.unplug();
    await clock.advance(random.whole(1, 1000));
    firmware.plug();
    await clock.advance(2500);
    expectSame("times ready", ready, before + 1);
  };
  supervisor.start();
  await clock.advance(2000);
  for (let warm = 0; warm < WARM_UP_CYCLES; warm += 1) await cycle();
  const timers = clock.armedTimers;
  const startBytes = heapBytes();
  const cycles = await runCycles(options, cycle);
  const bytesACycle = (heapBytes() - startBytes) / cycles;
  expectSame("timers", clock.armedTimers, timers);
  if (cycles >= LEAST_CYCLES && bytesACycle > LIMIT_BYTES_A_CYCLE) {
    throw new Error(
      `memory: expected at most ${LIMIT_BYTES_A_CYCLE} bytes a reconnect, seen ${bytesACycle.toFixed(0)}`,
    );
  }
  await supervisor.stop();
  firmware.dispose();
  expectSame("timers after the stop", clock.armedTimers, 0);
  return `${cycles} reconnects, ${samples} samples: ${bytesACycle.toFixed(0)} bytes a reconnect`;
}
