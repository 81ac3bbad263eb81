/** Against a real server on the loopback: the contract of SerialLine. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../rig/core/clock.js";
import { describeError, PortError } from "../../rig/core/errors.js";
import { parseTcpAddress, type TcpAddress } from "../../rig/core/tcp-address.js";
import { AtChannel } from "../../rig/modem/at-channel.js";
import { TcpLine } from "../../rig/modem/tcp-line.js";
import { until } from "../support/until.js";

const servers: Server[] = [];
const accepted: Socket[] = [];

async function serve(): Promise<TcpAddress> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    accepted.push(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { host: "127.0.0.1", port: (server.address() as { port: number }).port };
}

afterEach(async () => {
  for (const socket of accepted.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** What the stream says of its end, in order. */
function ending(stream: Duplex): string[] {
  const said: string[] = [];
  stream.on("error", (error) => said.push(error instanceof PortError ? error.code : error.message));
  stream.on("close", () => said.push("close"));
  stream.resume();
  return said;
}

describe("a modem behind a device server", () => {
  it("passes all 256 byte values both ways", async () => {
    const line = new TcpLine(await serve());
    const stream = await line.open(9600);
    await until(() => accepted.length === 1, "the server accepts");
    accepted[0]!.pipe(accepted[0]!);
    const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    const received: Buffer[] = [];
    stream.on("data", (bytes: Buffer) => received.push(bytes));
    stream.write(all);
    await until(() => Buffer.concat(received).length === 256, "256 bytes come back");
    expect(Buffer.concat(received)).toEqual(all);
    stream.destroy();
    await once(stream, "close");
  });

  it.each([
    ["ends the connection", (socket: Socket) => void socket.end()],
    ["resets the connection", (socket: Socket) => void socket.resetAndDestroy()],
  ])("is lost, then closed once, when the server %s", async (_what, end) => {
    const line = new TcpLine(await serve());
    const stream = await line.open(9600);
    const said = ending(stream);
    await until(() => accepted.length === 1, "the server accepts");
    end(accepted[0]!);
    await until(() => said.includes("close"), "the stream closes");
    expect(said).toEqual(["port/lost", "close"]);
  });

  it("closes without an error when it is closed here, and opens again afterwards", async () => {
    const line = new TcpLine(await serve());
    for (let times = 0; times < 2; times += 1) {
      const stream = await line.open(9600);
      const said = ending(stream);
      stream.destroy();
      await until(() => said.includes("close"), "the stream closes");
      expect(said).toEqual(["close"]);
    }
  });

  it("is open only once at a time", async () => {
    const line = new TcpLine(await serve());
    const stream = await line.open(9600);
    await expect(line.open(9600)).rejects.toMatchObject({ code: "port/busy" });
    stream.destroy();
    await once(stream, "close");
  });

  it("names the server that refuses, and what to do", async () => {
    const address = await serve();
    await new Promise((resolve) => servers.pop()!.close(resolve));
    const line = new TcpLine(address);
    await expect(line.open(9600)).rejects.toMatchObject({
      code: "port/refused",
      message: `tcp://127.0.0.1:${address.port} refuses the connection`,
      hint: expect.stringContaining("device server"),
    });
    // Nothing is left in use by the failure.
    await expect(line.open(9600)).rejects.toMatchObject({ code: "port/refused" });
  });

  it("gives up a connection that takes 5 s", async () => {
    const delaysMs: number[] = [];
    // Time that passes before any byte of a handshake does.
    const hasty: Clock = {
      nowMs: () => 0,
      steadyMs: () => 0,
      every: () => () => undefined,
      after: (delayMs, action) => {
        delaysMs.push(delayMs);
        queueMicrotask(action);
        return () => undefined;
      },
    };
    const address = await serve();
    await expect(new TcpLine(address, hasty).open(9600)).rejects.toMatchObject({
      code: "port/timeout",
      message: `tcp://127.0.0.1:${address.port} did not answer within 5000 ms`,
    });
    expect(delaysMs).toEqual([5000]);
  });

  it("rejects with the reason of a signal, before and while it connects", async () => {
    const line = new TcpLine(await serve());
    await expect(line.open(9600, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    const ending = new AbortController();
    const opening = line.open(9600, ending.signal);
    ending.abort(new Error("stopped"));
    await expect(opening).rejects.toThrow("stopped");
    const stream = await line.open(9600);
    stream.destroy();
    await once(stream, "close");
  });

  it("has the name that the configuration calls it by", () => {
    for (const name of ["tcp://127.0.0.1:2323", "tcp://[::1]:65535", "tcp://bridge.lab:1"]) {
      expect(new TcpLine(parseTcpAddress(name)!).name).toBe(name);
    }
  });

  it("is said to be lost once, by what there is to look at: no cable", async () => {
    const line = new TcpLine(await serve());
    const options = { clock: systemClock, onUnsolicited: () => undefined, onTrace: () => undefined };
    const channel = new AtChannel(await line.open(9600), options);
    await until(() => accepted.length === 1, "the server accepts");
    accepted[0]!.destroy();
    const said = describeError(await channel.closed);
    expect(said).toMatch(
      /^the line to the modem was lost: tcp:\/\/127\.0\.0\.1:\d+ was lost: check the device server/,
    );
    expect(said).not.toContain("cable");
    expect(said.match(/again when it is back/g)).toHaveLength(1);
  });
});
