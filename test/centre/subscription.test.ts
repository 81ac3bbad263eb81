/** mqtt.js waits by the runner's timers, which the test steps; its sockets are real. */
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Alerts } from "../../rig/centre/alerts.js";
import { BROKER_USER, startBroker } from "../../rig/centre/broker.js";
import { startSubscription } from "../../rig/centre/subscription.js";
import { systemClock } from "../../rig/core/clock.js";
import type { RigEvent } from "../../rig/core/events.js";
import { makeCertificate } from "../support/certificates.js";
import { ManualClock } from "../support/manual-clock.js";

beforeEach(
  () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] }),
);
afterEach(() => void vi.useRealTimers());

/** Lets sockets go on, and the timers 1 ms each time, until it is true. */
async function reached(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition() && turns < 100_000; turns += 1)
    await new Promise((resolve) => setImmediate(() => resolve(vi.advanceTimersByTime(1))));
  expect(condition()).toBe(true);
}

describe("the subscription at another broker", () => {
  it("tells once that the broker is away, however often it tries, and once that it is back", async () => {
    const closing = createServer((socket) => {
      tries += 1;
      socket.destroy();
    });
    let tries = 0;
    await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve));
    const { port } = closing.address() as { port: number };
    const clock = new ManualClock();
    const events: RigEvent[] = [];
    const texts = () => events.map((event) => (event.event === "alert" ? `${event.kind} ${event.text}` : ""));
    const subscription = startSubscription({
      site: "lab-1",
      meters: ["main"],
      host: "127.0.0.1",
      port,
      username: "rig",
      password: "p",
      accept: () => undefined,
      clock: systemClock,
      alerts: new Alerts(clock, (event) => events.push(event)),
    });
    onTestFinished(() => subscription.stop());
    for (let count = 1; count <= 6; count += 1) {
      await reached(() => tries === count);
      await clock.advance(5000);
    }
    const where = `the broker at 127.0.0.1:${port}`;
    expect(texts()).toEqual([expect.stringContaining(`broker the centre has no connection to ${where}: `)]);

    await reached(() => tries === 7);
    await new Promise((resolve) => closing.close(resolve));
    const broker = await startBroker({
      meters: [],
      host: "127.0.0.1",
      port,
      site: "lab-1",
      password: "p",
      accept: () => undefined,
    });
    onTestFinished(() => broker.stop());
    await reached(() => events.length > 1);
    expect(texts().slice(1)).toEqual([`broker the centre is connected to ${where} again`]);
  });

  it("lets the meters' statuses follow the rig's, also what was said before it came", async () => {
    const access = { site: "lab-1", host: "127.0.0.1", password: "p", accept: () => undefined };
    const broker = await startBroker({ meters: [], ...access, port: 0 });
    onTestFinished(() => broker.stop());
    const login = { username: BROKER_USER, password: "p", reconnectPeriod: 0 };
    const other = await connectAsync({ host: broker.host, port: broker.port, ...login });
    onTestFinished(() => void other.stream.destroy());
    const said: string[] = [];
    other.on("message", (topic, payload) => said.push(`${topic} ${payload}`));
    await other.subscribeAsync(["meter-rig/lab-1/main/status", "meter-rig/lab-1/neighbour/status"], {
      qos: 1,
    });
    const rigSays = (text: string) =>
      other.publishAsync("meter-rig/lab-1/rig/status", text, { qos: 1, retain: true });
    await rigSays("online");
    const subscription = startSubscription({
      ...access,
      port: broker.port,
      username: BROKER_USER,
      meters: ["main", "neighbour"],
      clock: systemClock,
      alerts: new Alerts(new ManualClock(), () => undefined),
    });
    onTestFinished(() => subscription.stop());
    const follows = async (text: string) => {
      await reached(() => said.length === 2);
      expect(said.splice(0)).toEqual([
        `meter-rig/lab-1/main/status ${text}`,
        `meter-rig/lab-1/neighbour/status ${text}`,
      ]);
    };
    await follows("online");
    await rigSays("offline");
    await follows("offline");
  });

  it("speaks TLS where it is configured, and tells a stranger with a certificate of his own nothing", async () => {
    const authority = makeCertificate({ name: "lab authority", authority: true });
    const { cert, key } = makeCertificate({ name: "broker", hosts: ["127.0.0.1"], by: authority });
    const received: number[] = [];
    const server = createTlsServer({ cert, key }, (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (packet) => {
        received.push(packet[0]! >> 4); // 1: CONNECT
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    for (const [ca, said, packets] of [
      [undefined, "unable to verify the first certificate", []],
      [authority.cert, "it was closed", [1]],
    ] as const) {
      const texts: string[] = [];
      const alerts = new Alerts(new ManualClock(), (event) => texts.push("text" in event ? event.text : ""));
      const subscription = startSubscription({
        site: "lab-1",
        meters: [],
        host: "127.0.0.1",
        port,
        username: "rig",
        password: "p",
        tls: ca === undefined ? {} : { ca },
        accept: () => undefined,
        clock: systemClock,
        alerts,
      });
      onTestFinished(() => subscription.stop());
      await reached(() => texts.length === 1);
      expect(texts[0]).toContain(said);
      expect(received).toEqual(packets);
      await subscription.stop();
    }
  });
});
