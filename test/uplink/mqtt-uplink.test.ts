import { createConnection, createServer, type Server } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { BROKER_USER, startBroker } from "../../rig/centre/broker.js";
import type { RigEvent } from "../../rig/core/events.js";
import { MqttUplink, type MqttUplinkOptions } from "../../rig/uplink/mqtt-uplink.js";
import { openTcpStream } from "../../rig/uplink/tcp-stream.js";
import { ManualClock } from "../support/manual-clock.js";
import { until } from "../support/until.js";

const PASSWORD = "correct horse battery staple";
const never = new AbortController().signal;

function uplink(port: number, changes: Partial<MqttUplinkOptions> = {}) {
  const clock = new ManualClock();
  const events: RigEvent[] = [];
  const made = new MqttUplink({
    site: "lab-1",
    meter: "main",
    broker: "the broker",
    openStream: () => openTcpStream("127.0.0.1", port),
    username: BROKER_USER,
    password: PASSWORD,
    clock,
    emit: (event) => events.push(event),
    ...changes,
  });
  onTestFinished(() => stopWith(clock, made));
  const states = () => events.map((event) => (event.event === "uplink" ? event.state : event.event));
  return { uplink: made, clock, events, states };
}

/** Stops it, moving the clock on for as long as a silent broker makes it wait. */
async function stopWith(clock: ManualClock, made: MqttUplink): Promise<void> {
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

async function broker(port = 0, accept: (topic: string, payload: Uint8Array) => void = () => undefined) {
  const started = await startBroker({ host: "127.0.0.1", port, site: "lab-1", password: PASSWORD, accept });
  let stopped = false;
  const stop = async () => {
    if (!stopped) await started.stop();
    stopped = true;
  };
  onTestFinished(stop);
  return { port: started.port, stop };
}

/** A broker that answers as it is told; gives the raw packets. Answers CONNECT with CONNACK 0. */
async function bareBroker(answer: (type: number, messageId: Buffer) => Buffer | undefined) {
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
const puback = (messageId: Buffer) => Buffer.concat([Buffer.from([0x40, 2]), messageId]);

describe("the uplink", () => {
  it("sends a sealed frame of 53 bytes on meter-rig/lab-1/neighbour/frame in 90 bytes, once, at QoS 1", async () => {
    const { port, received } = await bareBroker((type, messageId) =>
      type === 3 ? puback(messageId) : undefined,
    );
    const { uplink: main } = uplink(port, { meter: "neighbour" });
    main.start();
    const bytes = Uint8Array.from({ length: 53 }, (_none, index) => index);
    await main.send({ meter: "neighbour", bytes }, never);
    const frames = received.filter((packet) => packet.includes("neighbour/frame"));
    expect(frames.map((packet) => packet.length)).toEqual([90]);
    expect(frames[0]![0]).toBe(0x32); // PUBLISH, QoS 1, neither retained nor a duplicate
    expect(frames[0]!.subarray(-53)).toEqual(Buffer.from(bytes));
  });

  it("says connecting, connected, and publishes online; offline when it stops", async () => {
    const { port, received } = await bareBroker((type, messageId) =>
      type === 3 ? puback(messageId) : undefined,
    );
    const { uplink: main, states } = uplink(port);
    main.start();
    await until(
      () => received.some((packet) => packet.includes("status") && packet.includes("online")),
      "online",
    );
    await until(() => states().length === 2, "two events");
    void main.stop();
    await until(() => received.at(-1)![0] === 0xe0, "DISCONNECT");
    expect(received.at(-2)!.toString()).toContain("offline");
    expect(received[0]!.includes("offline"), "the last will").toBe(true);
    expect(states()).toEqual(["connecting", "connected"]);
  });

  it("waits for a connection, connects again after 1 s, 2 s, 4 s, and says down once", async () => {
    const first = await broker();
    await first.stop();
    const frames: string[] = [];
    const { uplink: main, clock, states } = uplink(first.port);
    main.start();
    await until(() => states().includes("down"), "down");
    let sent = false;
    void main.send({ meter: "main", bytes: Uint8Array.of(7) }, never).then(() => {
      sent = true;
    });
    for (const delayMs of [1000, 2000]) {
      await clock.advance(delayMs - 1);
      expect(clock.armedTimers, "waits to try again").toBe(1);
      await clock.advance(1);
      await until(() => clock.armedTimers === 1, "the next attempt failed");
    }
    await broker(first.port, (topic, payload) => frames.push(`${topic} ${payload[0]}`));
    await clock.advance(4000);
    await until(() => sent, "sent");
    expect(frames).toEqual(["meter-rig/lab-1/main/frame 7"]);
    expect(states()).toEqual(["connecting", "down", "connected"]);
  });

  it("fails the frame in flight when the connection is lost, and does not send it again by itself", async () => {
    const { port, received } = await bareBroker(() => undefined);
    const sockets: Duplex[] = [];
    const { uplink: main, clock } = uplink(port, {
      openStream: () => {
        const socket = createConnection({ host: "127.0.0.1", port });
        sockets.push(socket);
        return socket;
      },
    });
    main.start();
    const send = main.send({ meter: "main", bytes: Uint8Array.of(7) }, never);
    const frames = () => received.filter((packet) => packet.includes("main/frame")).length;
    await until(() => frames() === 1, "the frame");
    sockets[0]!.destroy();
    await expect(send).rejects.toMatchObject({ code: "uplink/lost" });
    await clock.advance(1000);
    await until(() => received.filter((packet) => packet.includes("online")).length === 2, "connected again");
    expect(frames()).toBe(1);
  });

  it("gives a connection up that does not acknowledge within 20 s", async () => {
    const { port, received } = await bareBroker((type, messageId) =>
      type === 3 && received.length === 2 ? puback(messageId) : undefined,
    );
    const { uplink: main, clock, states } = uplink(port);
    main.start();
    await until(() => states().includes("connected"), "connected");
    await until(() => clock.armedTimers === 0, "online is acknowledged");
    const send = main.send({ meter: "main", bytes: Uint8Array.of(7) }, never);
    send.catch(() => undefined); // looked at below
    await until(() => received.length === 3, "the frame");
    await clock.advance(19_999);
    expect(states().at(-1)).toBe("connected");
    await clock.advance(1);
    await expect(send).rejects.toMatchObject({ code: "uplink/timeout" });
    await until(() => states().at(-1) === "down", "down");
  });

  it("rejects with the signal's reason, waiting for a connection or for the acknowledgement", async () => {
    const { port, received } = await bareBroker(() => undefined);
    const { uplink: main } = uplink(port);
    const reason = new Error("enough");
    const waiting = new AbortController();
    const first = main.send({ meter: "main", bytes: Uint8Array.of(1) }, waiting.signal);
    waiting.abort(reason);
    await expect(first).rejects.toBe(reason);
    main.start();
    const inFlight = new AbortController();
    const second = main.send({ meter: "main", bytes: Uint8Array.of(2) }, inFlight.signal);
    await until(() => received.some((packet) => packet.includes("main/frame")), "the frame");
    inFlight.abort(reason);
    await expect(second).rejects.toBe(reason);
    await expect(main.send({ meter: "main", bytes: Uint8Array.of(3) }, inFlight.signal)).rejects.toBe(reason);
  });

  it("says once that the password was refused, and what to check", async () => {
    const { port } = await broker();
    const { uplink: main, clock, events } = uplink(port, { password: "wrong" });
    main.start();
    for (const delayMs of [1000, 2000, 4000]) {
      await until(() => clock.armedTimers === 1, "the attempt failed");
      await clock.advance(delayMs);
    }
    await until(() => clock.armedTimers === 1, "the last attempt failed");
    expect(events).toEqual([
      { event: "uplink", meter: "main", state: "connecting", detail: "the broker" },
      {
        event: "uplink",
        meter: "main",
        state: "down",
        detail:
          "the broker refused the user name or the password: check broker.username and broker.passwordFile",
      },
    ]);
    expect(JSON.stringify(events)).not.toContain("wrong");
  });

  it("survives a stream that cannot be opened, breaks at once, or speaks no MQTT", async () => {
    const faults: (() => Duplex)[] = [
      () => {
        throw new Error("modem is busy");
      },
      () =>
        new Duplex({
          read() {
            this.destroy(Object.assign(new Error("CONNECT FAIL"), { code: "modem/connect" }));
          },
          write: (_chunk, _encoding, done) => done(),
        }),
      () => {
        const modem = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
        modem.push(Buffer.from("+CME ERROR: 4\r\n"));
        return modem;
      },
    ];
    for (const openStream of faults) {
      const { uplink: main, clock, states } = uplink(0, { openStream });
      main.start();
      await until(() => states().includes("down") && clock.armedTimers === 1, `down: ${openStream}`);
      await main.stop();
      expect(clock.armedTimers).toBe(0);
    }
  });

  it("stops within 4 s of a broker that has gone silent, leaving no timer", async () => {
    const { port } = await bareBroker((type, messageId) => (type === 99 ? puback(messageId) : undefined));
    const { uplink: main, clock, states } = uplink(port);
    main.start();
    await until(() => states().includes("connected"), "connected");
    const startMs = clock.steadyMs();
    await stopWith(clock, main);
    expect(clock.steadyMs() - startMs).toBeLessThanOrEqual(4500);
    expect(clock.armedTimers).toBe(0);
  });
});
