/** A data directory with keys, the sealers and openers of its meters, a store, and an intake whose events are kept. */
import { onTestFinished } from "vitest";
import { Alerts } from "../../rig/centre/alerts.js";
import { Intake } from "../../rig/centre/intake.js";
import { Store } from "../../rig/centre/store.js";
import type { RigEvent } from "../../rig/core/events.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { Opener } from "../../rig/seal/opener.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { ManualClock } from "./manual-clock.js";
import { lampReport } from "./reports.js";
import { temporaryDirectory } from "./temporary-directory.js";

export const METERS = ["main", "neighbour"];

export function centreBench() {
  const directory = temporaryDirectory();
  const clock = new ManualClock(Date.UTC(2026, 5, 1));
  const events: RigEvent[] = [];
  const emit = (event: RigEvent) => {
    events.push(event);
  };
  makeMissingKeys(directory, METERS);
  const { store } = Store.open(directory);
  onTestFinished(() => store.close());
  const intake = new Intake({
    site: "lab-1",
    openers: METERS.map((meter) => Opener.forMeter(directory, meter)),
    store,
    reportEveryMs: 10_000,
    clock,
    emit,
    alerts: new Alerts(clock, emit),
  });
  const main = Sealer.open(directory, "main").sealer;
  return {
    directory,
    clock,
    events,
    emit,
    store,
    intake,
    main,
    topic: "meter-rig/lab-1/main/frame",
    /** A report of main that ends now. */
    frame: (sequence: number, currentA = 0.43481) =>
      main.seal(lampReport({ sequence, currentA, endMs: clock.nowMs() })),
    alerts: () => events.filter((event) => event.event === "alert"),
    received: () => events.filter((event) => event.event === "received"),
  };
}
