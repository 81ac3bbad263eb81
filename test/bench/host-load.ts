/**
 * How busy the host's main thread is with two boards at 1 kHz: sampling, measuring, displays, seal, journal, broker, centre
 * and the dashboard at 120x40. The boards are virtual and run in a thread of their own, which does not count.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { PassThrough, Writable } from "node:stream";
import { startRig } from "../../rig/apps/rig.js";
import { sleep, systemClock } from "../../rig/core/clock.js";
import { parseConfig } from "../../rig/core/config-file.js";
import type { RigEvent } from "../../rig/core/events.js";
import { Dashboard } from "../../rig/dashboard/dashboard.js";
import { type BenchRow, judged } from "./table.js";

const LIMIT_PERCENT = 15;
const MEASURE_MS = 12_000;
const START_LIMIT_MS = 30_000;
const WARM_UP_READINGS = 5;
const METERS = ["main", "neighbour"];

export async function measureHostLoad(seed: number): Promise<BenchRow[]> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "meter-rig-bench-"));
  const text = `meters: [${METERS.map((id) => `{ id: ${id} }`).join(", ")}]
centre: { web: { port: 0 } }
virtual: { seed: ${seed} }
`;
  const configFile = parseConfig(text, "bench.yaml");
  const screen = headlessScreen(120, 40);
  const dashboard = new Dashboard({
    config: configFile.config,
    clock: systemClock,
    onQuit: () => undefined,
    virtual: true,
    input: screen.input,
    output: screen.output,
  });
  const readings = new Map<string, number>();
  try {
    const rig = await startRig({
      configFile,
      dataDirectory: directory,
      clock: systemClock,
      emit(event: RigEvent) {
        if (event.event === "reading") readings.set(event.meter, (readings.get(event.meter) ?? 0) + 1);
        dashboard.show({ ...event, time: new Date(systemClock.nowMs()).toISOString() });
      },
      showWaveform: (meter, waveform) => dashboard.showWaveform(meter, waveform),
    });
    try {
      await untilWarm(readings);
      const drawnBefore = screen.writtenBytes();
      const readingsBefore = total(readings);
      const before = performance.eventLoopUtilization();
      const cpuBeforeMs = mainThreadCpuMs();
      await sleep(systemClock, MEASURE_MS);
      const { utilization } = performance.eventLoopUtilization(before);
      const cpuMs = mainThreadCpuMs() - cpuBeforeMs;
      const percent = utilization * 100;
      const seconds = MEASURE_MS / 1000;
      const drawn = (screen.writtenBytes() - drawnBefore) / seconds / 1000;
      return [
        {
          what: "main thread, two boards at 1 kHz, with dashboard",
          limitOrPeer: [
            `limit ${LIMIT_PERCENT} % of a core`,
            "as utilization of its event loop, preemption included",
          ],
          ours: [
            judged(`${percent.toFixed(1)} %`, percent <= LIMIT_PERCENT),
            ...(Number.isNaN(cpuMs)
              ? []
              : [`CPU time of the thread ${((100 * cpuMs) / MEASURE_MS).toFixed(1)} %`]),
            `${((total(readings) - readingsBefore) / seconds).toFixed(1)} readings/s, ${drawn.toFixed(1)} kB/s drawn`,
          ],
        },
      ];
    } finally {
      await rig.stop();
    }
  } finally {
    dashboard.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** CPU time of the main thread [ms], free of preemption; NaN where the system does not tell. Source: Linux, proc schedstat. */
function mainThreadCpuMs(): number {
  if (process.platform !== "linux") return Number.NaN;
  try {
    const [runNs] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
    return Number(runNs) / 1e6;
  } catch {
    return Number.NaN; // a kernel without scheduler statistics
  }
}

function total(readings: ReadonlyMap<string, number>): number {
  return [...readings.values()].reduce((sum, count) => sum + count, 0);
}

async function untilWarm(readings: ReadonlyMap<string, number>): Promise<void> {
  const startMs = systemClock.steadyMs();
  while (METERS.some((meter) => (readings.get(meter) ?? 0) < WARM_UP_READINGS)) {
    if (systemClock.steadyMs() - startMs > START_LIMIT_MS)
      throw new Error(`no ${WARM_UP_READINGS} readings of each meter within ${START_LIMIT_MS} ms`);
    await sleep(systemClock, 100);
  }
}

/** A terminal that takes everything and shows nothing, so that only the drawing costs. */
function headlessScreen(columns: number, rows: number) {
  let bytes = 0;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  return {
    input: Object.assign(new PassThrough(), { isTTY: true, isRaw: false, setRawMode: () => undefined }),
    output: Object.assign(output, { columns, rows, isTTY: true }),
    writtenBytes: () => bytes,
  };
}
