import { createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { BROKER_USER, startBroker } from "../../rig/centre/broker.js";
import { ModemError } from "../../rig/core/errors.js";
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
    meters: ["main", "neighbour"],
    broker: "the broker",
    openStream: (signal) => openTcpStream("127.0.0.1", port, signal),
    username: BROKER_USER,
    password: PASSWORD,
    clock,
    random: () => 0, // the longest pauses
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

const acknowledging = () =>
  bareBroker((type, messageId) => (type === 3 && messageId.length === 2 ? puback(messageId) : undefined));
/** A frame that names its meter and number. */
const frame = (meter: string, number = 7) => ({ meter, bytes: Uint8Array.of(number) });

describe("the uplink", () => {
  it("sends a sealed frame of 53 bytes on meter-rig/lab-1/neighbour/frame in 90 bytes, once, at QoS 1", async () => {
    const { port, received } = await acknowledging();
    const { uplink: rig } = uplink(port);
    rig.start();
    const bytes = Uint8Array.from({ length: 53 }, (_none, index) => index);
    await rig.send({ meter: "neighbour", bytes }, never);
    const frames = received.filter((packet) => packet.includes("neighbour/frame"));
    expect(frames.map((packet) => packet.length)).toEqual([90]);
    expect(frames[0]![0]).toBe(0x32); // PUBLISH, QoS 1, neither retained nor a duplicate
    expect(frames[0]!.subarray(-53)).toEqual(Buffer.from(bytes));
  });

  it("connects once for all meters, says every status, and offline when it stops", async () => {
    const { port, received } = await acknowledging();
    const { uplink: rig, states } = uplink(port);
    rig.start();
    await until(() => received.length === 4 && states().length === 2, "online");
    void rig.stop();
    await until(() => received.at(-1)![0] === 0xe0, "DISCONNECT");
    expect(states()).toEqual(["connecting", "connected"]);
    const connect = received[0]!.toString("latin1");
    for (const text of ["meter-rig.lab-1", "meter-rig/lab-1/rig/status", "offline"]) {
      expect(connect).toContain(text);
    }
    const said = received.slice(1, -1).map((packet) => packet.toString("latin1").replace(/[^ -~]/g, ""));
    for (const [index, [topic, text]] of [
      ["main/status", "online"],
      ["neighbour/status", "online"],
      ["rig/status", "online"],
      ["main/status", "offline"],
      ["neighbour/status", "offline"],
      ["rig/status", "offline"],
    ].entries()) {
      expect(said[index]).toContain(`meter-rig/lab-1/${topic}`);
      expect(said[index]).toContain(text);
      expect(received[index + 1]![0]! & 1, "retained").toBe(1);
    }
    // CONNECT 101 with this password, statuses 37, 42 and 38 (MQTT 3.1.1, 3.1 and 3.3): a quarter of a second of the line.
    const bytes = received.slice(0, 4).reduce((sum, packet) => sum + packet.length, 0);
    expect(bytes).toBe(218);
  });

  it("has one frame in flight, and takes the meters' frames in the order they came", async () => {
    const ids: Buffer[] = [];
    const { port, received } = await bareBroker((type, messageId) => {
      if (type === 3 && received.length > 4) ids.push(Buffer.from(messageId));
      else if (type === 3) return puback(messageId);
      return undefined;
    });
    const sockets: Socket[] = [];
    const { uplink: rig } = uplink(port, {
      openStream: async (signal) => {
        const socket = (await openTcpStream("127.0.0.1", port, signal)) as Socket;
        sockets.push(socket);
        return socket;
      },
    });
    const done: string[] = [];
    const send = (meter: string, number: number) =>
      void rig.send(frame(meter, number), never).then(() => done.push(`${meter} ${number}`));
    send("main", 1);
    send("neighbour", 2);
    send("main", 3);
    rig.start();
    for (const count of [1, 2, 3]) {
      await until(() => ids.length === count, `frame ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 20)); // a second one would come now
      expect(ids).toHaveLength(count);
      sockets[0]!.emit("data", puback(ids[count - 1]!));
      await until(() => done.length === count, "acknowledged");
    }
    expect(done).toEqual(["main 1", "neighbour 2", "main 3"]);
  });

  it("waits for a connection, connects again after 1 s, 2 s, 4 s, and says down once", async () => {
    const first = await broker();
    await first.stop();
    const frames: string[] = [];
    const { uplink: rig, clock, states, events } = uplink(first.port);
    rig.start();
    await until(() => states().includes("down"), "down");
    expect(events.at(-1)).toMatchObject({
      detail: expect.stringMatching(
        `^cannot connect to 127.0.0.1:${first.port}: .*check that the broker runs`,
      ),
    });
    let sent = false;
    void rig.send(frame("main"), never).then(() => {
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

  it("spreads its pauses over the half before 1 s, 2 s, 4 s ... 60 s", async () => {
    const triedAtMs: number[] = [];
    const { uplink: rig, clock } = uplink(0, {
      random: () => 0.5,
      openStream: async () => {
        triedAtMs.push(clock.steadyMs());
        throw new Error("no way");
      },
    });
    rig.start();
    await clock.advance(200_000);
    const pauses = triedAtMs.slice(1).map((atMs, index) => atMs - triedAtMs[index]!);
    expect(pauses.slice(0, 8)).toEqual([750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000]);
  });

  it("begins with 1 s again after a connection that lasted 10 s, and not after a shorter one", async () => {
    const { port } = await acknowledging();
    const streams: Duplex[] = [];
    const {
      uplink: rig,
      clock,
      states,
    } = uplink(port, {
      openStream: async (signal) => {
        streams.push(await openTcpStream("127.0.0.1", port, signal));
        return streams.at(-1)!;
      },
    });
    rig.start();
    const lives = [
      [0, 1000],
      [9999, 2000],
      [10_000, 1000],
      [0, 2000],
    ] as const;
    for (const [index, [lastsMs, pauseMs]] of lives.entries()) {
      await until(() => streams.length === index + 1, "a stream");
      await rig.send(frame("main"), never);
      await clock.advance(lastsMs);
      streams[index]!.destroy();
      await until(() => states().at(-1) === "down" && clock.armedTimers === 1, "the pause");
      await clock.advance(pauseMs - 1);
      expect(streams).toHaveLength(index + 1);
      await clock.advance(1);
    }
  });

  it("fails the frame in flight when the connection is lost, and does not send it again by itself", async () => {
    const { port, received } = await bareBroker(() => undefined);
    const sockets: Duplex[] = [];
    const { uplink: rig, clock } = uplink(port, {
      openStream: async (signal) => {
        sockets.push(await openTcpStream("127.0.0.1", port, signal));
        return sockets.at(-1)!;
      },
    });
    rig.start();
    const send = rig.send(frame("main"), never);
    const frames = () => received.filter((packet) => packet.includes("main/frame")).length;
    await until(() => frames() === 1, "the frame");
    sockets[0]!.destroy();
    await expect(send).rejects.toMatchObject({ code: "uplink/lost" });
    await clock.advance(1000);
    await until(
      () =>
        received.filter((packet) => packet.includes("rig/status") && packet.includes("online")).length === 2,
      "connected again",
    );
    expect(frames()).toBe(1);
  });

  it("gives a connection up that does not acknowledge a frame within 40 s", async () => {
    const { port, received } = await bareBroker((type, messageId) =>
      type === 3 && received.length <= 4 && messageId.length === 2 ? puback(messageId) : undefined,
    );
    const { uplink: rig, clock, states } = uplink(port);
    rig.start();
    await until(() => states().includes("connected"), "connected");
    await until(() => clock.armedTimers === 1, "online is acknowledged, the keepalive left");
    const send = rig.send(frame("main"), never);
    send.catch(() => undefined); // looked at below
    await until(() => received.length === 5, "the frame");
    await clock.advance(39_999);
    expect(states().at(-1)).toBe("connected");
    await clock.advance(1);
    await expect(send).rejects.toMatchObject({ code: "uplink/timeout" });
    await until(() => states().at(-1) === "down", "down");
  });

  it("gives a broker up that does not answer CONNECT within 60 s", async () => {
    const silent = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const { uplink: rig, clock, states, events } = uplink(0, { openStream: async () => silent });
    rig.start();
    await clock.advance(59_999);
    expect(states()).toEqual(["connecting"]);
    await clock.advance(1);
    await until(() => states().at(-1) === "down", "down");
    expect(events.at(-1)).toMatchObject({
      detail: expect.stringContaining("the broker did not answer CONNECT within 60000 ms"),
    });
  });

  it("asks for a sign of life after 60 s by the clock, and gives up 30 s later without one", async () => {
    const { port, received } = await acknowledging();
    const { uplink: rig, clock, states } = uplink(port);
    rig.start();
    await until(() => clock.armedTimers === 1 && received.length === 4, "online is acknowledged");
    await clock.advance(59_999);
    expect(received).toHaveLength(4);
    await clock.advance(1);
    await until(() => received.length === 5, "PINGREQ");
    expect(received[4]).toEqual(Buffer.from([0xc0, 0]));
    await clock.advance(29_999);
    expect(states().at(-1)).toBe("connected");
    await clock.advance(1);
    await until(() => states().at(-1) === "down", "down");
  });

  it("rejects with the signal's reason, waiting for its turn, for a connection or for the acknowledgement", async () => {
    const { port, received } = await bareBroker(() => undefined);
    const { uplink: rig } = uplink(port);
    const reason = new Error("enough");
    const aborted = async (send: (signal: AbortSignal) => Promise<void>) => {
      const abort = new AbortController();
      const sent = send(abort.signal);
      abort.abort(reason);
      await expect(sent).rejects.toBe(reason);
    };
    const waiting = new AbortController();
    const first = rig.send(frame("main", 1), waiting.signal);
    await aborted((signal) => rig.send(frame("neighbour", 2), signal));
    waiting.abort(reason);
    await expect(first).rejects.toBe(reason);
    rig.start();
    const inFlight = new AbortController();
    const second = rig.send(frame("main", 3), inFlight.signal);
    await until(() => received.some((packet) => packet.includes("main/frame")), "the frame");
    expect(received.filter((packet) => packet.includes("/frame"))).toHaveLength(1);
    inFlight.abort(reason);
    await expect(second).rejects.toBe(reason);
    await expect(rig.send(frame("main", 4), inFlight.signal)).rejects.toBe(reason);
  });

  it("says once that the password was refused, and what to check", async () => {
    const { port } = await broker();
    const { uplink: rig, clock, events } = uplink(port, { password: "wrong" });
    rig.start();
    for (const delayMs of [1000, 2000, 4000]) {
      await until(() => clock.armedTimers === 1 && events.length === 2, "the attempt failed");
      await clock.advance(delayMs);
    }
    await until(() => clock.armedTimers === 1, "the last attempt failed");
    expect(events).toEqual([
      { event: "uplink", state: "connecting", detail: "the broker" },
      {
        event: "uplink",
        state: "down",
        detail:
          "the broker refused the user name or the password: check broker.username and broker.passwordFile",
      },
    ]);
    expect(JSON.stringify(events)).not.toContain("wrong");
  });

  it("survives a stream that cannot be opened, breaks at once, or speaks no MQTT, and says why", async () => {
    const faults: [string, () => Promise<Duplex>][] = [
      ["modem is busy", () => Promise.reject(new Error("modem is busy"))],
      [
        "PDP gone: wait",
        () => Promise.resolve(breaking(new ModemError("modem/pdp", "PDP gone", { hint: "wait" }))),
      ],
      ["no code", () => Promise.resolve(breaking(new Error("no code")))],
      [
        "no connection to the broker",
        async () => {
          const modem = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
          modem.push(Buffer.from("+CME ERROR: 4\r\n"));
          return modem;
        },
      ],
    ];
    for (const [why, openStream] of faults) {
      const { uplink: rig, clock, states, events } = uplink(0, { openStream });
      rig.start();
      await until(() => states().includes("down") && clock.armedTimers === 1, `down: ${why}`);
      expect(events.at(-1)).toMatchObject({ detail: expect.stringContaining(why) });
      await rig.stop();
      expect(clock.armedTimers).toBe(0);
    }
  });

  it("gives up a stream that is still being opened when it stops", async () => {
    let late: (stream: Duplex) => void = () => undefined;
    for (const openStream of [
      (signal: AbortSignal) =>
        new Promise<Duplex>((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
      () =>
        new Promise<Duplex>((resolve) => {
          late = resolve;
        }),
    ]) {
      const { uplink: rig, clock, states } = uplink(0, { openStream });
      rig.start();
      await clock.advance(600_000);
      const stopped = rig.stop();
      const stream = breaking(new Error("unused"));
      late(stream);
      await stopped;
      expect([clock.armedTimers, states()]).toEqual([0, ["connecting"]]);
    }
  });

  it("stops within 5 s of a broker that has gone silent, leaving no timer", async () => {
    const { port } = await bareBroker(() => undefined);
    const { uplink: rig, clock, states } = uplink(port);
    rig.start();
    await until(() => states().includes("connected"), "connected");
    const startMs = clock.steadyMs();
    await stopWith(clock, rig);
    expect(clock.steadyMs() - startMs).toBeLessThanOrEqual(5500);
    expect(clock.armedTimers).toBe(0);
  });
});

describe("a TCP stream", () => {
  it("is connected when it is there", async () => {
    const { port, received } = await bareBroker(() => undefined);
    const stream = await openTcpStream("127.0.0.1", port, never);
    onTestFinished(() => void stream.destroy());
    stream.write(Buffer.from([0xc0, 0]));
    await until(() => received.length === 1, "what was written");
  });

  it("names host and port and what to check when nothing listens or nobody knows the name", async () => {
    const gone = await broker();
    await gone.stop();
    await expect(openTcpStream("127.0.0.1", gone.port, never)).rejects.toMatchObject({
      code: "uplink/unreachable",
      message: expect.stringContaining(`cannot connect to 127.0.0.1:${gone.port}`),
      hint: "nothing listens there: check that the broker runs, and broker.port",
    });
    await expect(openTcpStream("broker.invalid", 1883, never)).rejects.toMatchObject({
      code: "uplink/unreachable",
      message: expect.stringContaining("cannot connect to broker.invalid:1883"),
    });
  });

  it("is given up with the signal's reason", async () => {
    const reason = new Error("enough");
    await expect(openTcpStream("127.0.0.1", 9, AbortSignal.abort(reason))).rejects.toBe(reason);
    const { port } = await bareBroker(() => undefined);
    const abort = new AbortController();
    const opening = openTcpStream("127.0.0.1", port, abort.signal);
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });
});

/** Takes what is written and breaks at the first read. */
function breaking(fault: Error): Duplex {
  return new Duplex({
    read() {
      this.destroy(fault);
    },
    write: (_chunk, _encoding, done) => done(),
  });
}
