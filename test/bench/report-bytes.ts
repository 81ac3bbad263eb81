/** Bytes of one sealed report on the way to the broker, MQTT headers in, beside the same reading as JSON in the same packet. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Duplex } from "node:stream";
import { systemClock } from "../../rig/core/clock.js";
import { quantise } from "../../rig/seal/frame.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { MqttUplink } from "../../rig/uplink/mqtt-uplink.js";
import { lampReport } from "../support/reports.js";
import { type BenchRow, judged } from "./table.js";

const LIMIT_BYTES = 90;
const SITE = "lab-1";
const METERS = ["main", "neighbour"];

export async function measureReportBytes(): Promise<BenchRow[]> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "meter-rig-bench-"));
  try {
    makeMissingKeys(directory, METERS);
    const rows: BenchRow[] = [];
    for (const meter of METERS) {
      const report = quantise(lampReport({ sequence: 1234 }));
      const sealed = Sealer.open(directory, meter).sealer.seal(report);
      const ours = await publishedBytes(meter, sealed);
      rows.push({
        what: `report on the wire, meter ${meter}`,
        limitOrPeer: [`limit ${LIMIT_BYTES} B`, `as JSON over MQTT ${await measureJsonBytes(meter)} B`],
        ours: [judged(`${ours} B, of which ${sealed.length} B frame`, ours <= LIMIT_BYTES)],
      });
    }
    return rows;
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The same report as JSON in the same packet, the peer of ours [bytes]. */
export function measureJsonBytes(meter: string): Promise<number> {
  const { endMs, ...fields } = quantise(lampReport({ sequence: 1234 }));
  const json = JSON.stringify({ meter, measuredAt: new Date(endMs).toISOString(), ...fields });
  return publishedBytes(meter, Buffer.from(json));
}

/** Sends `payload` by the rig's uplink and counts its PUBLISH as it is written to the socket [bytes]. */
async function publishedBytes(meter: string, payload: Uint8Array): Promise<number> {
  const broker = new CountingBroker();
  const uplink = new MqttUplink({
    site: SITE,
    meters: METERS,
    broker: "the counting broker",
    openStream: async () => broker,
    clock: systemClock,
    random: () => 0,
    emit: () => undefined,
  });
  uplink.start();
  try {
    await uplink.send({ meter, bytes: payload }, new AbortController().signal);
    return broker.frameBytes;
  } finally {
    await uplink.stop();
  }
}

/** The broker's end of a socket: accepts, acknowledges, and measures the PUBLISH to the frame topic. Source: MQTT 3.1.1. */
class CountingBroker extends Duplex {
  frameBytes = 0;
  #received = Buffer.alloc(0);

  override _read(): void {
    // Answers are pushed as they arise.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (let packet = this.#takePacket(); packet !== null; packet = this.#takePacket()) this.#answer(packet);
    done();
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  /** One whole packet: type and flags, remaining length in 7-bit groups, then so many bytes. */
  #takePacket(): Buffer | null {
    let length = 0;
    for (let at = 1; at < this.#received.length; at += 1) {
      const byte = this.#received[at] as number;
      length += (byte & 0x7f) << (7 * (at - 1));
      if (byte >= 0x80) continue;
      const end = at + 1 + length;
      if (this.#received.length < end) return null;
      const packet = this.#received.subarray(0, end);
      this.#received = this.#received.subarray(end);
      return packet;
    }
    return null;
  }

  #answer(packet: Buffer): void {
    const type = (packet[0] as number) >> 4;
    if (type === 1) this.push(Uint8Array.of(0x20, 2, 0, 0));
    if (type === 14) this.destroy();
    if (type !== 3) return;
    const topicAt = packet.findIndex((byte, at) => at > 0 && byte < 0x80) + 1;
    const topicEnd = topicAt + 2 + packet.readUInt16BE(topicAt);
    if (
      packet
        .subarray(topicAt + 2, topicEnd)
        .toString()
        .endsWith("/frame")
    )
      this.frameBytes = packet.length;
    this.push(Uint8Array.of(0x40, 2, packet[topicEnd] as number, packet[topicEnd + 1] as number));
  }
}
