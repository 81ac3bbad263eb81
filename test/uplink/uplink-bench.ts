/** An uplink on a clock of its own, and brokers for it: the real one, and one that answers as it is told. */
import { createServer, type Server } from "node:net";
import { Duplex } from "node:stream";
import { onTestFinished } from "vitest";
import { BROKER_USER, startBroker } from "../../rig/centre/broker.js";
import type { RigEvent } from "../../rig/core/events.js";
import { MqttUplink, type MqttUplinkOptions } from "../../rig/uplink/mqtt-uplink.js";
import { openTcpStream } from "../../rig/uplink/tcp-stream.js";
import { ManualClock } from "../support/manual-clock.js";

export const PASSWORD = "correct horse battery staple";
export const never = new AbortController().signal;

/** @returns with `streams`, those that were opened to `port` so far */
export function uplink(port: number, changes: Partial<MqttUplinkOptions> = {}) {
  const clock = new ManualClock();
  const events: RigEvent[] = [];
  const streams: Duplex[] = [];
  const made = new MqttUplink({
    site: "lab-1",
    meters: ["main", "neighbour"],
    broker: "the broker",
    openStream: async (signal) => {
      streams.push(await openTcpStream("127.0.0.1", port, signal));
      return streams.at(-1)!;
    },
    username: BROKER_USER,
    password: PASSWORD,
    clock,
    random: () => 0, // the longest pauses
    emit: (event) => events.push(event),
    ...changes,
  });
  onTestFinished(() => stopWith(clock, made));
  const states = () => events.map((event) => (event.event === "uplink" ? event.state : event.event));
  return { uplink: made, clock, events, states, streams };
}

/** Stops it, moving the clock on for as long as a silent broker makes it wait. */
export async function stopWith(clock: ManualClock, made: MqttUplink): Promise<void> {
  let stopped = false;
  const done = made.stop().then(() => {
    stopped = true;
  });
  while (!stopped) {
    await clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await done;
}

export async function broker(
  port = 0,
  accept: (topic: string, payload: Uint8Array) => void = () => undefined,
) {
  const started = await startBroker({
    meters: ["main", "neighbour"],
    host: "127.0.0.1",
    port,
    site: "lab-1",
    password: PASSWORD,
    accept,
  });
  let stopped = false;
  const stop = async () => {
    if (!stopped) await started.stop();
    stopped = true;
  };
  onTestFinished(stop);
  return { port: started.port, stop };
}

/** A broker that answers as it is told; gives the raw packets. Answers CONNECT with CONNACK 0. */
export async function bareBroker(answer: (type: number, messageId: Buffer) => Buffer | undefined) {
  const received: Buffer[] = [];
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined); // the uplink drops it in some tests
    socket.on("data", (chunk) => {
      for (const packet of split(chunk)) {
        received.push(packet);
        const type = packet[0]! >> 4;
        const messageId =
          type === 3
            ? packet.subarray(4 + packet.readUInt16BE(2), 6 + packet.readUInt16BE(2))
            : Buffer.alloc(0);
        const reply = type === 1 ? Buffer.from([0x20, 2, 0, 0]) : answer(type, messageId);
        if (reply !== undefined) socket.write(reply);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as { port: number }).port, received };
}

/** Packets of up to 127 bytes, each whole in the chunk. CONNECT may be longer: two bytes of length. */
function split(chunk: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < chunk.length; ) {
    const long = chunk[at + 1]! >= 0x80;
    const length = long ? (chunk[at + 1]! & 0x7f) + 128 * chunk[at + 2]! : chunk[at + 1]!;
    const end = at + (long ? 3 : 2) + length;
    packets.push(chunk.subarray(at, end));
    at = end;
  }
  return packets;
}
export const puback = (messageId: Buffer) => Buffer.concat([Buffer.from([0x40, 2]), messageId]);

export const acknowledging = () =>
  bareBroker((type, messageId) => (type === 3 && messageId.length === 2 ? puback(messageId) : undefined));
/** A frame that names its meter and number. */
export const frame = (meter: string, number = 7) => ({ meter, bytes: Uint8Array.of(number) });

/** Takes what is written and breaks at the first read. */
export function breaking(fault: Error): Duplex {
  return new Duplex({
    read() {
      this.destroy(fault);
    },
    write: (_chunk, _encoding, done) => done(),
  });
}
