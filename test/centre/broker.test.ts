import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import path from "node:path";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { describe, expect, it, onTestFinished } from "vitest";
import { BROKER_USER, startBroker } from "../../rig/centre/broker.js";
import { openBrokerPassword } from "../../rig/centre/broker-password.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { until } from "../support/until.js";

const PASSWORD = "correct horse battery staple";

async function broker(accept: (topic: string, payload: Uint8Array) => void = () => undefined) {
  const started = await startBroker({
    host: "127.0.0.1",
    port: 0,
    site: "lab-1",
    meters: ["main", "neighbour"],
    password: PASSWORD,
    accept,
  });
  onTestFinished(() => started.stop());
  return started;
}

async function client(port: number, options: IClientOptions = {}): Promise<MqttClient> {
  const connected = await connectAsync({
    host: "127.0.0.1",
    port,
    username: BROKER_USER,
    password: PASSWORD,
    reconnectPeriod: 0,
    ...options,
  });
  connected.on("error", () => undefined); // the tests look at the connection's end
  onTestFinished(async () => {
    connected.stream.destroy();
  });
  return connected;
}

describe("the embedded broker", () => {
  it("lets in the user rig with the password, and nobody else", async () => {
    const { port } = await broker();
    expect((await client(port)).connected).toBe(true);
    for (const wrong of [{ password: "wrong" }, { username: "Rig" }, { username: "", password: "" }]) {
      await expect(client(port, wrong)).rejects.toThrow(/Bad username or password/);
    }
  });

  it("acknowledges a frame after it was accepted", async () => {
    const order: string[] = [];
    const { port } = await broker((topic, payload) =>
      order.push(`accepted ${topic} ${Buffer.from(payload).toString("hex")}`),
    );
    const rig = await client(port);
    await rig.publishAsync("meter-rig/lab-1/main/frame", Buffer.from([1, 2, 3]), { qos: 1 });
    order.push("acknowledged");
    expect(order).toEqual(["accepted meter-rig/lab-1/main/frame 010203", "acknowledged"]);
  });

  it("does not acknowledge a frame that is not accepted, closes, and takes it at the next try", async () => {
    let full = true;
    const { port } = await broker(() => {
      if (full) throw new Error("disk full");
    });
    const rig = await client(port);
    let acknowledged = 0;
    const publish = (from: MqttClient) =>
      from.publish("meter-rig/lab-1/main/frame", Buffer.from([1]), { qos: 1 }, (error) => {
        if (!error) acknowledged += 1;
      });
    publish(rig);
    await until(() => !rig.connected, "the broker closes");
    expect(acknowledged).toBe(0);
    full = false;
    publish(await client(port));
    await until(() => acknowledged === 1, "the acknowledgement");
  });

  it.each([
    ["another site", "meter-rig/lab-2/main/frame", false],
    ["no topic of ours", "meter-rig/lab-1/main/frame/more", false],
    ["the broker's own topics", "$SYS/broker", false],
    ["a retained frame", "meter-rig/lab-1/main/frame", true],
  ])("closes the connection of who publishes to %s", async (_what, topic, retain) => {
    let accepted = 0;
    const { port } = await broker(() => {
      accepted += 1;
    });
    const rig = await client(port);
    rig.publish(topic, Buffer.from([1]), { qos: 1, retain });
    await until(() => !rig.connected, "the broker closes");
    expect(accepted).toBe(0);
  });

  it("keeps statuses and refuses subscriptions outside the site", async () => {
    const { port } = await broker();
    const rig = await client(port);
    await rig.publishAsync("meter-rig/lab-1/main/status", "online", { qos: 1, retain: true });
    const seen: string[] = [];
    rig.on("message", (topic, payload) => seen.push(`${topic} ${payload}`));
    await rig.subscribeAsync("meter-rig/lab-1/+/status", { qos: 1 });
    await until(() => seen.length === 1, "the retained status");
    expect(seen).toEqual(["meter-rig/lab-1/main/status online"]);
    await expect(rig.subscribeAsync("#")).rejects.toThrow();
    await expect(rig.subscribeAsync("meter-rig/lab-2/#")).rejects.toThrow();
  });

  it("lets the meters' statuses follow the rig's: its last will, its return, its goodbye", async () => {
    const { port } = await broker();
    const status = (meter: string) => `meter-rig/lab-1/${meter}/status`;
    const said: string[] = [];
    const watcher = await client(port);
    watcher.on("message", (topic, payload) => said.push(`${topic.split("/")[2]} ${payload}`));
    await watcher.subscribeAsync("meter-rig/lab-1/+/status", { qos: 1 });
    const connect = () =>
      client(port, {
        clientId: "meter-rig.lab-1",
        clean: false,
        will: { topic: status("rig"), payload: Buffer.from("offline"), qos: 1, retain: true },
      });
    const all = (text: string) => [`rig ${text}`, `main ${text}`, `neighbour ${text}`];
    const next = async (text: string) => {
      await until(() => said.length === 3, text);
      expect(said.splice(0)).toEqual(all(text));
    };
    const first = await connect();
    await first.publishAsync(status("rig"), "online", { qos: 1, retain: true });
    await next("online");
    first.stream.destroy();
    await next("offline");
    const second = await connect();
    await second.publishAsync(status("rig"), "online", { qos: 1, retain: true });
    await next("online");
    // The broker finds the old connection only when the new one comes: its last will must not have the last word.
    const third = await connect();
    await third.publishAsync(status("rig"), "online", { qos: 1, retain: true });
    await until(() => said.length === 6, "the last will, and online");
    expect(said.splice(0)).toEqual([...all("offline"), ...all("online")]);
    await third.publishAsync(status("rig"), "gibberish", { qos: 1, retain: true });
    await third.publishAsync(status("main"), "offline", { qos: 1, retain: true });
    await until(() => said.length === 2, "what is no status of the rig");
    expect(said.splice(0)).toEqual(["rig gibberish", "main offline"]);
    const late = await client(port);
    late.on("message", (topic, payload) => said.push(`late ${topic.split("/")[2]} ${payload}`));
    await late.subscribeAsync("meter-rig/lab-1/neighbour/status", { qos: 1 });
    await until(() => said.length === 1, "the retained status");
    expect(said).toEqual(["late neighbour online"]);
  });

  it("closes on a packet of more than 4096 bytes after its header, and on bytes that are no MQTT", async () => {
    const { port } = await broker();
    for (const bytes of [
      [0x30, 0xff, 0xff, 0xff, 0x7f],
      [0xff, 0x00, 0x01],
      [...Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ]) {
      let closed = false;
      const socket = createConnection({ host: "127.0.0.1", port }, () =>
        socket.write(Uint8Array.from(bytes)),
      );
      socket.on("error", () => undefined); // a reset is as good as an end
      socket.on("close", () => {
        closed = true;
      });
      socket.resume();
      await until(() => closed, `closed after ${bytes}`);
    }
  });

  it("names the port that is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    await expect(
      startBroker({
        host: "127.0.0.1",
        port,
        site: "lab-1",
        meters: ["main", "neighbour"],
        password: PASSWORD,
        accept: () => undefined,
      }),
    ).rejects.toMatchObject({ code: "broker/taken", message: expect.stringContaining(`127.0.0.1:${port}`) });
  });
});

describe("the broker's password", () => {
  it("is made once, of 24 random bytes, in a file of mode 600", () => {
    const directory = temporaryDirectory();
    const { password } = openBrokerPassword(directory);
    expect(Buffer.from(password, "base64url")).toHaveLength(24);
    expect(openBrokerPassword(directory)).toEqual({ password, notices: [] });
    expect(openBrokerPassword(temporaryDirectory()).password).not.toBe(password);
    if (process.platform !== "win32")
      expect(statSync(path.join(directory, "broker.password")).mode & 0o777).toBe(0o600);
  });

  it.runIf(process.platform !== "win32")("that others could read is tightened, and it is said", () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, "broker.password");
    const { password } = openBrokerPassword(directory);
    chmodSync(file, 0o644);
    const again = openBrokerPassword(directory);
    expect(again.password).toBe(password);
    expect(again.notices).toEqual([expect.stringContaining(`${file} could be read by others (mode 644)`)]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("that is empty, cut off or changed in form is kept aside and named, and made anew at the next start", () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, "broker.password");
    const { password } = openBrokerPassword(directory);
    for (const [index, text] of [
      "",
      password.slice(0, 20),
      `${password}\n\n`,
      `${password.slice(1)}=\n`,
    ].entries()) {
      writeFileSync(file, text);
      expect(() => openBrokerPassword(directory)).toThrow(
        expect.objectContaining({
          code: "storage/damaged",
          message: `the password file ${file} is damaged; it is kept as ${file}.broken-${index + 1}`,
        }),
      );
      expect(readFileSync(`${file}.broken-${index + 1}`, "utf8")).toBe(text);
      expect(readdirSync(directory)).not.toContain("broker.password");
      expect(openBrokerPassword(directory).password).not.toBe(password);
    }
  });
});
