/**
 * What 9600 baud carries: the driver, the virtual SIM900 at its baud rate, real TCP and the real broker, in stepped time, so that
 * no busy machine is measured with it.
 * Bytes of a report as they are handed to CIPSEND; time from a report to the broker's acknowledgement; reports a minute.
 */
import { SteppedWay } from "../support/stepped-way.js";
import { measureJsonBytes } from "./report-bytes.js";
import { type BenchRow, judged } from "./table.js";

const METERS = ["main", "neighbour"];
const BAUD_BPS = 9600;
const REPORT_LIMIT_BYTES = 90;
const SINGLE_REPORTS = 30;
const BURST_REPORTS = 120;
const LIMIT_MS = 600_000;

export async function measureModem(seed: number): Promise<BenchRow[]> {
  const way = await SteppedWay.start({ seed, meters: METERS, reportEveryMs: 10_000, trace: true });
  try {
    const online = () =>
      way.events.some(({ event }) => event.event === "uplink" && event.state === "connected");
    const startMs = await way.advanceUntil("connected", online, LIMIT_MS);
    await way.advance(10_000);

    const singlesMs: number[] = [];
    for (let count = 0; count < SINGLE_REPORTS; count += 1) {
      way.report(METERS[count % 2]!);
      singlesMs.push(await way.advanceUntil("acknowledged", () => way.waiting === 0, LIMIT_MS));
      await way.advance(5000);
    }
    singlesMs.sort((a, b) => a - b);
    const fromEvent = way.events.length;
    for (let count = 0; count < BURST_REPORTS; count += 1) way.report(METERS[count % 2]!);
    const burstMs = await way.advanceUntil("burst acknowledged", () => way.waiting === 0, LIMIT_MS);
    const sizes = way.events.slice(fromEvent).flatMap(({ event }) => {
      const match = event.event === "at" ? /^AT\+CIPSEND=(\d+)$/.exec(event.text) : null;
      return match === null ? [] : [Number(match[1])];
    });
    await way.stop();
    const jsonSizes = await Promise.all(METERS.map(measureJsonBytes));
    return formatRows({ startMs, singlesMs, burstMs, sizes, jsonSizes });
  } finally {
    way.dispose();
  }
}

interface Measured {
  readonly startMs: number;
  readonly singlesMs: readonly number[];
  readonly burstMs: number;
  readonly sizes: readonly number[];
  readonly jsonSizes: readonly number[];
}

function formatRows({ startMs, singlesMs, burstMs, sizes, jsonSizes }: Measured): BenchRow[] {
  const mean = sizes.reduce((all, bytes) => all + bytes, 0) / BURST_REPORTS;
  const whole = sizes.length === BURST_REPORTS;
  const range = whole ? `${Math.min(...sizes)} to ${Math.max(...sizes)} B` : `in ${sizes.length} pieces`;
  const lineLimit = Math.floor((60 * BAUD_BPS) / 10 / mean);
  const perMinute = Math.round((60_000 * BURST_REPORTS) / burstMs);
  return [
    {
      what: "bytes handed to CIPSEND per report, MQTT headers in",
      limitOrPeer: [`limit ${REPORT_LIMIT_BYTES} B`, `as JSON over MQTT ${jsonSizes.join(" and ")} B`],
      ours: [judged(`mean ${mean} B, ${range}`, whole && Math.max(...sizes) <= REPORT_LIMIT_BYTES)],
    },
    {
      what: "report made until broker's PUBACK, by SIM900 at 9600 baud",
      limitOrPeer: ["bench time; the virtual network's round trip is in it"],
      ours: [
        `median ${singlesMs[Math.floor(singlesMs.length / 2)]} ms, worst ${singlesMs.at(-1)} ms of ${singlesMs.length}`,
        `from the start to a connected broker ${Math.round(startMs / 1000)} s`,
      ],
    },
    {
      what: "reports a minute that 9600 baud carries, one in flight",
      limitOrPeer: [`line alone ${lineLimit}/min (960 B/s of reports, nothing else)`],
      ours: [`${perMinute}/min, ${BURST_REPORTS} reports in ${(burstMs / 1000).toFixed(1)} s`],
    },
  ];
}
