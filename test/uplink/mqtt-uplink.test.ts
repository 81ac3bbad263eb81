import { describe, expect, it } from "vitest";
import { until } from "../support/until.js";
import { acknowledging, bareBroker, frame, never, puback, stopWith, uplink } from "./uplink-bench.js";

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
    const { uplink: rig, streams } = uplink(port);
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
      streams[0]!.emit("data", puback(ids[count - 1]!));
      await until(() => done.length === count, "acknowledged");
    }
    expect(done).toEqual(["main 1", "neighbour 2", "main 3"]);
  });

  it("fails the frame in flight when the connection is lost, and does not send it again by itself", async () => {
    const { port, received } = await bareBroker(() => undefined);
    const { uplink: rig, clock, streams } = uplink(port);
    rig.start();
    const send = rig.send(frame("main"), never);
    const frames = () => received.filter((packet) => packet.includes("main/frame")).length;
    await until(() => frames() === 1, "the frame");
    streams[0]!.destroy();
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
