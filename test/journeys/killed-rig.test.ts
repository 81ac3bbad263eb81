import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { RigProcess, type SeenEvent } from "../support/rig-process.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const LIMIT_MS = 60_000;
const METERS = ["main", "neighbour"];
/** What must have been seen of the run before it is killed: in the middle of an interval, and just when a report is made. */
const KILL_AT: ((rig: RigProcess) => boolean)[] = [
  (rig) => rig.all("reading", "main").length === 2,
  (rig) => rig.all("report", "main").length === 1,
  (rig) => rig.all("sent", "neighbour").length === 1,
];

it("a rig that is killed at any moment goes on: energy no lower, every report stored once", {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const directory = temporaryDirectory();
  const config = path.join(directory, "bench.yaml");
  writeFileSync(
    config,
    `report: { every: 3s }\nmeters:\n  - id: main\n    virtual: { lamps: 4 }\n  - id: neighbour\ncentre: { web: { port: 0 } }\n`,
  );
  const start = () => new RigProcess("--plain", "--config", config, "--data", path.join(directory, "data"));
  const seen: SeenEvent[] = [];
  let firstRun: readonly SeenEvent[] = [];

  for (const killAt of KILL_AT) {
    const rig = start();
    await rig.until("the moment of the kill", () => killAt(rig), LIMIT_MS);
    rig.kill("SIGKILL");
    expect(await rig.exit).toBe("SIGKILL");
    if (seen.length === 0) firstRun = rig.events;
    seen.push(...rig.events);
  }
  const last = start();
  await last.until(
    "a report after the kills",
    () => METERS.every((meter) => last.all("received", meter).length >= 2),
    LIMIT_MS,
  );
  last.say("quit");
  expect(await last.exit).toBe(0);
  seen.push(...last.events);

  for (const meter of METERS) {
    const energies = seen
      .filter(({ event, meter: of }) => event === "reading" && of === meter)
      .map(({ energyWh }) => energyWh as number);
    expect(energies).toEqual([...energies].sort((a, b) => a - b));
    const sequences = seen
      .filter(({ event, meter: of }) => event === "received" && of === meter)
      .map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    // The first run was killed in its first interval: the second reported its readings, every one that was shown.
    const readings = firstRun.filter(({ event, meter: of }) => event === "reading" && of === meter).length;
    const first = seen.find(({ event, meter: of }) => event === "received" && of === meter);
    expect([readings * 1000, (readings + 1) * 1000]).toContain(first?.samples);
  }
});
