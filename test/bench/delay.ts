/** From a report that falls due to the centre that has stored it, by the meter's own cable: the real program, two meters. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { RigProcess } from "../support/rig-process.js";
import { type BenchRow, judged } from "./table.js";

const REPORTS = 20;
const LIMIT_MS = 60_000;
/** Of the design, for a report whose cable is cut; by its own cable it must not take longer. */
const STORED_LIMIT_S = 5;
const METERS = ["main", "neighbour"];

export async function measureDelay(seed: number): Promise<BenchRow[]> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "meter-rig-bench-"));
  const config = path.join(directory, "bench.yaml");
  writeFileSync(
    config,
    `report: { every: 1s, reading: 1s }
meters:
${METERS.map((id) => `  - { id: ${id}, voltage: { sensor: zmpt101b } }`).join("\n")}
centre: { web: { port: 0 } }
virtual: { seed: ${seed} }
`,
  );
  const rig = new RigProcess("--plain", "--config", config, "--data", path.join(directory, "data"));
  try {
    const enough = () => METERS.every((meter) => rig.all("received", meter).length >= REPORTS);
    await rig.until(`${REPORTS} reports of each meter`, enough, LIMIT_MS);
    rig.say("quit");
    await rig.exit;
    return [formatDelays(rig)];
  } finally {
    rig.kill();
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

function formatDelays(rig: RigProcess): BenchRow {
  let lost = 0;
  let twice = 0;
  const delaysMs = METERS.flatMap((meter) =>
    rig.all("report", meter).flatMap((report) => {
      const stored = rig.all("received", meter).filter(({ sequence }) => sequence === report.sequence);
      if (stored.length === 0) lost += 1;
      if (stored.length > 1) twice += 1;
      return stored.slice(0, 1).map(({ time }) => Date.parse(time) - Date.parse(report.time));
    }),
  ).sort((a, b) => a - b);
  const median = delaysMs[Math.floor(delaysMs.length / 2)] ?? Number.NaN;
  const worst = delaysMs.at(-1) ?? Number.NaN;
  return {
    what: "report due until stored by the centre, own cable, TCP",
    limitOrPeer: [`limit ${STORED_LIMIT_S} s (for a cut cable), 0 lost, 0 twice`],
    ours: [
      judged(
        `median ${median} ms, worst ${worst} ms of ${delaysMs.length}`,
        worst <= STORED_LIMIT_S * 1000 && lost === 0 && twice === 0,
      ),
      `${lost} lost, ${twice} stored twice`,
    ],
  };
}
