import { connect, createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { BROKER_USER, startBroker } from "../../rig/centre/broker.js";
import { ModemError } from "../../rig/core/errors.js";
import type { RigEvent } from "../../rig/core/events.js";
import { MqttUplink } from "../../rig/uplink/mqtt-uplink.js";
import { TlsLayer } from "../../rig/uplink/tls-layer.js";
import { type Certificate, makeCertificate } from "../support/certificates.js";
import { ManualClock } from "../support/manual-clock.js";
import { until } from "../support/until.js";

const authority = makeCertificate({ name: "lab authority", authority: true });
const good = makeCertificate({ name: "broker", hosts: ["localhost", "127.0.0.1"], by: authority });
const never = new AbortController().signal;

/** Listens on loopback until the test is over. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // the other end may just go
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

function tlsServer(
  certificate: Certificate,
  onSecure: (socket: TLSSocket) => void = (socket) => socket.resume(),
) {
  const server = createTlsServer({ key: certificate.key, cert: certificate.cert }, (socket) => {
    socket.on("error", () => undefined);
    onSecure(socket);
  });
  return listen(server);
}

/** A Duplex that is no socket, as a modem's is none, and counts what crosses it. */
async function modemLike(port: number) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise((resolve) => socket.once("connect", resolve));
  const written: number[] = [];
  const counted = { written, readBytes: 0 };
  const stream = new Duplex({
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.length);
      socket.write(chunk, done);
    },
    writev(chunks, done) {
      const whole = Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer));
      written.push(whole.length);
      socket.write(whole, done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk) => {
    counted.readBytes += chunk.length;
    if (!stream.push(chunk)) socket.pause();
  });
  socket.on("error", (error) => stream.destroy(error));
  socket.on("close", () => stream.destroy());
  onTestFinished(() => void stream.destroy());
  return { stream, counted };
}

function layer(changes: Partial<ConstructorParameters<typeof TlsLayer>[0]> = {}) {
  const clock = new ManualClock();
  const tls = new TlsLayer({
    host: "localhost",
    broker: "the broker",
    clock,
    ...changes,
  });
  return { tls, clock };
}

describe("TLS over a stream that is no socket", () => {
  it("carries a frame to the broker, its PUBLISH of 85 bytes as one write of 107", async () => {
    const frames: string[] = [];
    const broker = await startBroker({
      meters: ["main", "neighbour"],
      host: "127.0.0.1",
      port: 0,
      site: "lab-1",
      password: "p",
      accept: (topic, payload) => frames.push(`${topic} ${payload.length}`),
    });
    onTestFinished(() => broker.stop());
    const port = await tlsServer(good, (socket) => {
      const plain = connect({ port: broker.port, host: "127.0.0.1" });
      plain.on("error", () => socket.destroy());
      plain.on("close", () => socket.end());
      socket.on("close", () => plain.end());
      socket.pipe(plain).pipe(socket);
    });
    const { tls, clock } = layer({ ca: authority.cert });
    const events: RigEvent[] = [];
    let written: number[] = [];
    const uplink = new MqttUplink({
      site: "lab-1",
      meters: ["main"],
      broker: "the broker",
      openStream: async (signal) => {
        const { stream, counted } = await modemLike(port);
        written = counted.written;
        return tls.open(stream, signal);
      },
      username: BROKER_USER,
      password: "p",
      clock,
      random: () => 0,
      emit: (event) => events.push(event),
    });
    uplink.start();
    const send = () => uplink.send({ meter: "main", bytes: new Uint8Array(53) }, never);
    await send();
    const before = written.length;
    await send();
    expect(written.slice(before)).toEqual([107]);
    expect(frames).toEqual(Array(2).fill("meter-rig/lab-1/main/frame 53"));
    await uplink.stop();
    expect(events.map((event) => event.event === "uplink" && event.state)).toEqual([
      "connecting",
      "connected",
    ]);
    expect(clock.armedTimers).toBe(0);
  });

  it("takes up the last session, so that the next handshake brings no certificates", async () => {
    const port = await tlsServer(good, (socket) => socket.write("hello"));
    const { tls } = layer({ ca: authority.cert });
    const handshake = async () => {
      const { stream, counted } = await modemLike(port);
      const secure = (await tls.open(stream, never)) as TLSSocket;
      const { readBytes } = counted;
      await new Promise((resolve) => secure.once("data", resolve)); // tickets come before it
      const reused = secure.isSessionReused();
      secure.destroy();
      await until(() => stream.destroyed, "the stream goes with it");
      return { reused, readBytes };
    };
    const [first, second, third] = [await handshake(), await handshake(), await handshake()];
    expect([first.reused, second.reused, third.reused]).toEqual([false, true, true]);
    expect(second.readBytes).toBeLessThan(first.readBytes - 300);
  });

  it("takes a certificate for an address, and one that is configured itself", async () => {
    const self = makeCertificate({ name: "self", hosts: ["127.0.0.1"] });
    for (const [certificate, ca] of [
      [good, authority],
      [self, self],
    ] as const) {
      const port = await tlsServer(certificate);
      const { stream } = await modemLike(port);
      const { tls } = layer({ host: "127.0.0.1", ca: ca.cert });
      const secure = await tls.open(stream, never);
      expect((secure as TLSSocket).authorized).toBe(true);
      secure.destroy();
    }
  });

  it("ends with the error of what carries it", async () => {
    const port = await tlsServer(good);
    const { tls } = layer({ ca: authority.cert });
    const { stream } = await modemLike(port);
    const secure = await tls.open(stream, never);
    const errors: unknown[] = [];
    secure.on("error", (error) => errors.push(error));
    const fault = new ModemError("modem/lost", "the modem went");
    stream.destroy(fault);
    await new Promise((resolve) => secure.once("close", resolve));
    expect(errors).toEqual([fault]);
  });
});

describe("TLS that fails", () => {
  const expired = new Date(Date.UTC(2021, 0, 1));
  const untrusted: [
    what: string,
    certificate: Certificate,
    ca: string | undefined,
    says: RegExp,
    hint: RegExp,
  ][] = [
    ["signed by a stranger", good, undefined, /signed by an authority that is not trusted/, /broker\.caFile/],
    [
      "signed by itself",
      makeCertificate({ name: "self", hosts: ["localhost"] }),
      undefined,
      /the certificate of the broker is signed by itself/,
      /broker\.caFile/,
    ],
    [
      "expired",
      makeCertificate({ name: "old", hosts: ["localhost"], by: authority, notAfter: expired }),
      authority.cert,
      /has expired/,
      /renewed.*clock/,
    ],
    [
      "for another name",
      makeCertificate({ name: "other", hosts: ["other.example"], by: authority }),
      authority.cert,
      /is not for localhost .*other\.example/,
      /broker\.host/,
    ],
  ];
  it.each(untrusted)(
    "refuses a certificate that is %s, and says what to do",
    async (_what, certificate, ca, says, hint) => {
      let secured = 0;
      const port = await tlsServer(certificate, (socket) => {
        socket.on("data", () => {
          secured += 1;
        });
      });
      const { stream } = await modemLike(port);
      const { tls, clock } = layer(ca === undefined ? {} : { ca });
      await expect(tls.open(stream, never)).rejects.toMatchObject({
        code: "uplink/untrusted",
        message: expect.stringMatching(says),
        hint: expect.stringMatching(hint),
      });
      expect([stream.destroyed, clock.armedTimers, secured]).toEqual([true, 0, 0]);
    },
  );

  const plain: [string, (socket: Socket) => void][] = [
    ["hangs up", (socket) => socket.destroy()],
    ["hangs up on the first bytes, as an MQTT broker", (socket) => socket.once("data", () => socket.end())],
    ["answers in plain text", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["answers CONNACK", (socket) => socket.write(Buffer.from([0x20, 2, 0, 0, 0xd0, 0]))],
  ];
  it.each(plain)("says that there is no TLS at a port that %s", async (_what, answer) => {
    const { stream } = await modemLike(await listen(createServer(answer)));
    const { tls, clock } = layer({ ca: authority.cert });
    await expect(tls.open(stream, never)).rejects.toMatchObject({
      code: "uplink/no-tls",
      message: expect.stringContaining("the broker does not speak TLS"),
      hint: expect.stringContaining("8883"),
    });
    expect([stream.destroyed, clock.armedTimers]).toEqual([true, 0]);
  });

  it("gives up after 60 s of silence, at the signal, and when what carries it breaks", async () => {
    const port = await listen(createServer(() => undefined));
    const { tls, clock } = layer({ ca: authority.cert });
    const silent = await modemLike(port);
    const limited = tls.open(silent.stream, never);
    limited.catch(() => undefined); // looked at below
    await clock.advance(59_999);
    expect(silent.stream.destroyed).toBe(false);
    await clock.advance(1);
    await expect(limited).rejects.toMatchObject({ code: "uplink/timeout" });

    const reason = new Error("enough");
    const abort = new AbortController();
    const given = await modemLike(port);
    const aborted = tls.open(given.stream, abort.signal);
    abort.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    const late = await modemLike(port);
    await expect(tls.open(late.stream, abort.signal)).rejects.toBe(reason);

    const broken = await modemLike(port);
    const fault = new ModemError("modem/lost", "the modem went");
    const breaking = tls.open(broken.stream, never);
    broken.stream.destroy(fault);
    await expect(breaking).rejects.toBe(fault);
    for (const { stream } of [silent, given, late, broken]) expect(stream.destroyed).toBe(true);
    expect(clock.armedTimers).toBe(0);
  });
});
