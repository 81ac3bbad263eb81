/**
 * Samples that reach the host from two virtual boards in real time while their displays are redrawn every second, and
 * whether the virtual bench kept real time meanwhile. Counted by the boards' own time: the firmware skips no sample, so in
 * n seconds of it there are n times the rate, and every one that is missing was lost on the way.
 */
import { BoardSupervisor } from "../../rig/board/supervisor.js";
import { sleep, systemClock } from "../../rig/core/clock.js";
import { type Config, configSchema } from "../../rig/core/config.js";
import type { LcdLines, RigEvent } from "../../rig/core/events.js";
import { createLcd, type Lcd } from "../../rig/display/lcd.js";
import { BenchHost } from "../../rig/virtual/bench-host.js";
import { JohnnyFivePeer, writeScreen } from "./johnny-five-peer.js";
import { type BenchRow, judged } from "./table.js";

const METERS = ["main", "neighbour"];
const MEASURE_MS = 10_000;
const PEER_MEASURE_MS = 5000;
/** From a ready board to its steady samples: settling, and the first half second that is dropped. */
const SETTLE_MS = 1500;
const REDRAW_MS = 1000;
const US_PER_S = 1e6;

/** All 32 characters change from one to the other. */
const SCREENS: readonly LcdLines[] = [
  ["0123456789ABCDEF", "abcdefghijklmnop"],
  ["GHIJKLMNOPQRSTUV", "0123456789012345"],
];

interface Pace {
  worstBehindMs: number;
  skippedMs: number;
  benchS: number;
  /** CPU time that this process got in the measured stretches, and how long they took [s]. */
  cpuS: number;
  realS: number;
}

/** What came of one channel of one board in a stretch of its own time. */
interface Count {
  readonly meter: string;
  readonly channel: number;
  readonly samples: number;
  readonly boardS: number;
}

export async function measureSamples(seed: number): Promise<BenchRow[]> {
  const pace: Pace = { worstBehindMs: 0, skippedMs: 0, benchS: 0, cpuS: 0, realS: 0 };
  const alone = await countOurs(seed, [0], pace);
  const paired = await countOurs(seed, [0, 1], pace);
  const peer = await countPeer(seed);
  return [
    {
      what: "samples of A0, two boards, LCDs redrawn, per s of board time",
      limitOrPeer: ["limit 1000/s, none lost", ...peer],
      ours: formatCounts(alone, 1000),
    },
    {
      what: "samples of A0 and A1, the same",
      limitOrPeer: ["limit 333.3/s of each, none lost"],
      ours: formatCounts(paired, 1000 / 3),
    },
    {
      what: "virtual bench beside real time, in the two runs above",
      limitOrPeer: ["limit 0 ms given up"],
      ours: [
        judged(
          `${pace.skippedMs.toFixed(0)} ms of ${pace.benchS.toFixed(0)} s given up`,
          pace.skippedMs === 0,
        ),
        `at worst ${pace.worstBehindMs.toFixed(0)} ms behind, on ${(pace.cpuS / pace.realS).toFixed(2)} of a core`,
      ],
    },
  ];
}

function formatCounts(counts: readonly Count[], rateHz: number): string[] {
  return counts.map(({ meter, channel, samples, boardS }) => {
    const expected = rateHz * boardS;
    // Where the stretch begins and ends within a sampling interval may cost or bring one sample.
    const lost = Math.max(0, Math.round(expected - samples) - 1);
    const text = `${meter} A${channel} ${(samples / boardS).toFixed(1)}/s, ${lost} of ${Math.round(expected)} lost`;
    return judged(text, lost === 0);
  });
}

function makeConfig(seed: number, withVoltage: boolean): Config {
  return configSchema.parse({
    meters: METERS.map((id) => ({ id, ...(withVoltage ? { voltage: {} } : {}) })),
    virtual: { seed },
  });
}

async function countOurs(seed: number, channels: readonly number[], pace: Pace): Promise<Count[]> {
  const config = makeConfig(seed, channels.length > 1);
  const bench = await BenchHost.start({
    config,
    clock: systemClock,
    emit: (event) => watchPace(event, pace),
  });
  const counts = new Map<string, number>();
  const lcds = new Map<string, Lcd>();
  let screens = 0;
  const redraw = () => {
    screens += 1;
    for (const lcd of lcds.values()) lcd.show(SCREENS[screens % SCREENS.length]!);
  };
  const boards = config.meters.map(({ id, lcd }) => {
    let ready: () => void = () => undefined;
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const supervisor = new BoardSupervisor({
      meter: id,
      port: bench.port(id),
      channels,
      clock: systemClock,
      emit: () => undefined,
      onReady({ pins }) {
        const display = createLcd(lcd, pins);
        display?.begin();
        if (display !== null) lcds.set(id, display);
        ready();
      },
      onLost: () => undefined,
      onSample(channel) {
        const key = `${id} ${channel}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      },
    });
    supervisor.start();
    return { supervisor, isReady };
  });
  await Promise.all(boards.map(({ isReady }) => isReady));
  const stopRedrawing = systemClock.every(REDRAW_MS, redraw);
  const takeCounts = () =>
    METERS.flatMap((meter) =>
      channels.map((channel) => ({ meter, channel, samples: counts.get(`${meter} ${channel}`) ?? 0 })),
    );
  try {
    await sleep(systemClock, SETTLE_MS);
    const started = await bench.snapshot();
    const before = takeCounts();
    const startMs = systemClock.steadyMs();
    const cpuBefore = process.cpuUsage();
    await sleep(systemClock, MEASURE_MS);
    const ended = await bench.snapshot();
    const after = takeCounts();
    const cpu = process.cpuUsage(cpuBefore);
    pace.cpuS += (cpu.user + cpu.system) / US_PER_S;
    pace.realS += (systemClock.steadyMs() - startMs) / 1000;
    pace.skippedMs += ended.skippedMs;
    pace.benchS += ended.timeUs / US_PER_S;
    const boardS = (ended.timeUs - started.timeUs) / US_PER_S;
    return after.map((count, index) => ({
      ...count,
      samples: count.samples - before[index]!.samples,
      boardS,
    }));
  } finally {
    stopRedrawing();
    await Promise.all(boards.map(({ supervisor }) => supervisor.stop()));
    await bench.stop();
  }
}

function watchPace(event: RigEvent, pace: Pace): void {
  if (event.event === "bench") pace.worstBehindMs = Math.max(pace.worstBehindMs, event.behindMs);
}

/** johnny-five's Sensor and LCD on the same bench: as they come, then with the shortest interval that it can ask for. */
async function countPeer(seed: number): Promise<string[]> {
  const config = makeConfig(seed, false);
  const bench = await BenchHost.start({ config, clock: systemClock, emit: () => undefined });
  const peers = await Promise.all(
    METERS.map(async (meter) => JohnnyFivePeer.connect(await bench.port(meter).open())),
  );
  let samples = 0;
  let events = 0;
  const displays = peers.map((peer) => {
    peer.sense({ onSample: () => samples++, onData: () => events++ });
    return peer.display("parallel");
  });
  let screens = 0;
  const stopRedrawing = systemClock.every(REDRAW_MS, () => {
    screens += 1;
    for (const write of displays) writeScreen(write, SCREENS[screens % SCREENS.length]!);
  });
  const ratePerBoard = async () => {
    await sleep(systemClock, SETTLE_MS);
    const started = await bench.snapshot();
    const before = { samples, events };
    await sleep(systemClock, PEER_MEASURE_MS);
    const ended = await bench.snapshot();
    const boardS = ((ended.timeUs - started.timeUs) / US_PER_S) * METERS.length;
    const rate = (count: number) => (count / boardS).toFixed(1);
    return `${rate(samples - before.samples)}/s (in ${rate(events - before.events)} data events/s)`;
  };
  try {
    const asItComes = await ratePerBoard();
    for (const peer of peers) peer.sampleEvery(1);
    const fastest = await ratePerBoard();
    return [`johnny-five Sensor({freq: 1}) ${asItComes}`, `with samplingInterval(1) ${fastest}`];
  } finally {
    stopRedrawing();
    for (const peer of peers) peer.close();
    await bench.stop();
  }
}
