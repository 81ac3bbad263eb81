import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { ModemError } from "../../rig/core/errors.js";
import type { MqttUplinkOptions } from "../../rig/uplink/mqtt-uplink.js";
import { until } from "../support/until.js";
import { acknowledging, breaking, broker, frame, never, uplink } from "./uplink-bench.js";

/** CONNACK with return code 5, not authorised. Source: MQTT 3.1.1, 3.2. */
const REFUSED = Buffer.from([0x20, 2, 0, 5]);

/** A stream that answers the first write. */
function answering(bytes: Buffer): Duplex {
  return new Duplex({
    read: () => undefined,
    write(_chunk, _encoding, done) {
      this.push(bytes);
      done();
    },
  });
}

describe("the uplink's connection", () => {
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
    const { uplink: rig, clock, states, streams } = uplink(port);
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
        code: "uplink/refused",
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

  it("takes a stream that is closed already for one that could not be opened", async () => {
    for (const [fault, says] of [
      [undefined, "no connection to the broker: it was closed as soon as it was open"],
      [new ModemError("modem/pdp", "PDP gone", { hint: "wait" }), "PDP gone: wait"],
    ] as const) {
      const {
        uplink: rig,
        clock,
        events,
      } = uplink(0, {
        openStream: async () => {
          const stream = breaking(new Error("unused"));
          stream.on("error", () => undefined);
          stream.destroy(fault);
          await new Promise((resolve) => stream.once("close", resolve));
          return stream;
        },
      });
      rig.start();
      await until(() => events.length === 2, "down");
      expect(events[1]).toMatchObject({ state: "down", detail: says });
      expect(clock.armedTimers, "the pause alone").toBe(1);
    }
  });

  it("adds no growing pauses to those of a stream that waits by itself, but for what the broker says", async () => {
    const pausesMs = async (changes: Partial<MqttUplinkOptions>) => {
      const triedAtMs: number[] = [];
      const openStream = changes.openStream!;
      const { uplink: rig, clock } = uplink(0, {
        ...changes,
        openStream: (signal) => {
          triedAtMs.push(clock.steadyMs());
          return openStream(signal);
        },
      });
      rig.start();
      for (let attempt = 1; attempt <= 4; attempt += 1) {
        await until(() => triedAtMs.length === attempt && clock.armedTimers === 1, "the pause");
        while (triedAtMs.length === attempt) await clock.advance(250);
      }
      return triedAtMs.slice(1, 5).map((atMs, index) => atMs - triedAtMs[index]!);
    };
    const openStream = async () => breaking(new ModemError("modem/pdp", "PDP gone"));
    expect(await pausesMs({ openStream })).toEqual([1000, 2000, 4000, 8000]);
    expect(await pausesMs({ openStream, openStreamWaits: true })).toEqual([1000, 1000, 1000, 1000]);
    const refused = { openStream: async () => answering(REFUSED), openStreamWaits: true };
    expect(await pausesMs(refused)).toEqual([1000, 2000, 4000, 8000]);
  });

  it("names the other rig of its site when the broker closes what it accepted within 10 s, three times in a row", async () => {
    const { port } = await acknowledging();
    const { uplink: rig, clock, states, events, streams } = uplink(port);
    rig.start();
    const codes: unknown[] = [];
    for (const [index, lastsMs] of [0, 9999, 10_000, 0, 0, 9999, 0, 10_000].entries()) {
      await until(() => streams.length === index + 1, "a stream");
      await rig.send(frame("main"), never);
      await clock.advance(lastsMs);
      streams[index]!.destroy();
      await until(() => states().at(-1) === "down" && clock.armedTimers === 1, "the pause");
      const last = events.at(-1);
      codes.push(last?.event === "uplink" ? last.code : last);
      if (last?.event === "uplink" && last.code === "uplink/thrown-off") {
        expect(last.detail).toBe(
          "the broker closed an accepted connection within 10 s, 3 times in a row or more: another rig of site lab-1 at this broker? every rig needs a site of its own",
        );
      }
      while (clock.armedTimers === 1 && streams.length === index + 1) await clock.advance(1000);
    }
    const [lost, thrownOff] = ["uplink/lost", "uplink/thrown-off"];
    expect(codes).toEqual([lost, lost, lost, lost, lost, thrownOff, thrownOff, lost]);
  });

  it("says so where there really are two rigs of one site at one broker", async () => {
    const { port } = await broker();
    const rigs = [uplink(port), uplink(port)];
    for (const { uplink: rig } of rigs) rig.start();
    const told = () =>
      rigs.some(({ events }) => JSON.stringify(events).includes("another rig of site lab-1"));
    await until(() => {
      for (const { clock, states } of rigs) if (states().at(-1) === "down") void clock.advance(1000);
      return told();
    }, "told");
  });
});
