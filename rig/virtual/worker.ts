/**
 * The bench's thread: runs VirtualBench in real time, a slice at a time, and sleeps in between.
 * Messages of the host -> bench; bytes, display changes and the pace -> messages to the host. Started by bench-host.ts.
 */
import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { VirtualBench } from "./bench.js";
import type { BenchWorkerData, FromBench, ToBench } from "./bench-messages.js";
import { DisplayWatch } from "./display-watch.js";
import { Pacer } from "./pacer.js";
import { watchPowerKey } from "./power-key-watch.js";
import { SerialSessions } from "./serial-sessions.js";

const US_PER_MS = 1000;
/** Bench time of a trial run at the start; takes about 0.3 s of real time. */
const WARM_UP_MS = 300;
/** Displays are looked at 20 times a second. */
const DISPLAY_PERIOD_MS = 50;
const PACE_PERIOD_MS = 1000;
/** Less than this is the jitter of a busy machine, which no stage notices [ms]. */
const BEHIND_MS = 50;

if (parentPort === null) throw new Error("worker.js is started by BenchHost, in a thread of its own");
const host = parentPort;
const { config, program } = workerData as BenchWorkerData;
// Before real time counts: the first moments of a program run many times slower, until they are compiled.
new VirtualBench(config, program).advanceUs(WARM_UP_MS * US_PER_MS);
const bench = new VirtualBench(config, program);
const sessions = new SerialSessions(bench);
const displays = new DisplayWatch(bench);
const pacer = new Pacer(performance.now());
const send = (message: FromBench, transfer: ArrayBuffer[] = []) => host.postMessage(message, transfer);
watchPowerKey(bench, config, (pressed) => send({ type: "power-key", pressed }));

let displaysDueMs = 0;
let paceDueMs = performance.now() + PACE_PERIOD_MS;
let worstBehindMs = 0;
let reported = { behindMs: 0, skippedMs: 0 };

host.on("message", (message: ToBench) => {
  switch (message.type) {
    case "open":
      sessions.open(message.meter, message.session);
      break;
    case "write":
      sessions.write(message.meter, message.session, message.bytes);
      break;
    case "close":
      sessions.close(message.meter, message.session);
      break;
    case "command":
      bench.apply(message.command);
      break;
    case "snapshot":
      send({
        type: "snapshot",
        id: message.id,
        snapshot: { ...bench.snapshot(), ...pacer.pace(performance.now()) },
      });
      break;
  }
});

function runSlice(): void {
  const dueMs = pacer.dueMs(performance.now());
  if (dueMs > 0) {
    bench.advanceUs(dueMs * US_PER_MS);
    const lines = sessions.collect();
    if (lines.length > 0)
      send(
        { type: "slice", lines },
        lines.map(({ bytes }) => bytes.buffer),
      );
  }
  const nowMs = performance.now();
  if (nowMs >= displaysDueMs) {
    displaysDueMs = nowMs + DISPLAY_PERIOD_MS;
    const events = displays.changes();
    if (events.length > 0) send({ type: "lcd", events });
  }
  reportPace(nowMs);
  const sleepMs = pacer.sleepMs(nowMs);
  // Without sleep the host's messages still get their turn between two slices.
  if (sleepMs > 0) setTimeout(runSlice, sleepMs);
  else setImmediate(runSlice);
}

function reportPace(nowMs: number): void {
  const pace = pacer.pace(nowMs);
  worstBehindMs = Math.max(worstBehindMs, pace.behindMs);
  if (nowMs < paceDueMs) return;
  paceDueMs = nowMs + PACE_PERIOD_MS;
  const behindMs = worstBehindMs < BEHIND_MS ? 0 : Math.round(worstBehindMs);
  const skippedMs = Math.round(pace.skippedMs);
  worstBehindMs = 0;
  if (behindMs === reported.behindMs && skippedMs === reported.skippedMs) return;
  reported = { behindMs, skippedMs };
  send({ type: "pace", behindMs, skippedMs });
}

send({ type: "started" });
runSlice();
