/**
 * The embedded MQTT broker: aedes on a TCP server, for one site, one user and its password.
 * A frame is handed to the intake before its PUBACK is written, so that what is acknowledged is stored: aedes writes the PUBACK
 * between authorizePublish and its `published` hook (aedes 1.2, lib/handlers/publish.js), so the former is the place.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from "aedes";
import { describeError, PortError } from "../core/errors.js";
import { trace } from "../core/log.js";
import { formatTopic, parseTopic, RIG } from "../core/topics.js";
import { PacketSize } from "./packet-size.js";
import { meterStatuses } from "./rig-status.js";

export const BROKER_USER = "rig";
/** CONNECT with its will is the largest packet of ours, about 200 bytes; commands and answers are small too. */
const MAX_PACKET_BYTES = 4096;
const MAX_CONNECTIONS = 512;
const CONNECT_LIMIT_MS = 30_000;
/** One frozen subscriber must not hold up the others for longer. */
const DRAIN_LIMIT_MS = 15_000;
/** Source: MQTT 3.1.1, table 3.1: bad user name or password. */
const BAD_CREDENTIALS = 4;

const log = trace("rig:centre:broker");

export interface BrokerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly site: string;
  /** Ids of the meters whose status follows the rig's. */
  readonly meters: readonly string[];
  readonly password: string;
  /**
   * Takes a frame before it is acknowledged. If it throws, there is no PUBACK and the connection is closed, which is the only
   * "no" of MQTT 3.1.1: the sender keeps the frame and comes again.
   */
  readonly accept: (topic: string, payload: Uint8Array) => void;
}

export interface Broker {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** @throws PortError "broker/taken" or "broker/unreachable" */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { site, meters, accept } = options;
  const aedes = await Aedes.createBroker({
    connectTimeout: CONNECT_LIMIT_MS,
    drainTimeout: DRAIN_LIMIT_MS,
    authenticate: (_client, username, password, done) => {
      if (username === BROKER_USER && samePassword(password, options.password)) done(null, true);
      else done(badCredentials(), false);
    },
    authorizePublish: (client, packet, done) => {
      try {
        publishTo(site, packet, accept);
        done(null);
      } catch (error) {
        log("refused of %s: %s", client?.id, describeError(error));
        done(error as Error);
      }
    },
    authorizeSubscribe: (_client, subscription, done) => {
      done(null, subscription.topic.startsWith(`meter-rig/${site}/`) ? subscription : null);
    },
  });
  // Without a listener an error of one client would end the process.
  aedes.on("clientError", (client: Client, error: Error) => log("%s: %s", client.id, error.message));
  aedes.on("connectionError", (_client: Client, error: Error) => log("unknown client: %s", error.message));

  aedes.subscribe(
    formatTopic({ site, meter: RIG, kind: "status" }),
    ({ topic, payload }, done) => {
      for (const status of meterStatuses(site, meters, topic, Buffer.from(payload))) {
        aedes.publish({ cmd: "publish", dup: false, qos: 1, retain: true, ...status }, (error) => {
          if (error) log("%s: %s", status.topic, error.message);
        });
      }
      done();
    },
    () => log("listens for the rig's status"),
  );

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    aedes.handle(socket);
    // After aedes has begun to read: chunks pass here on their way to its parser.
    const size = new PacketSize(MAX_PACKET_BYTES);
    socket.on("data", (chunk: Buffer) => {
      if (size.accept(chunk)) return;
      log("a packet of more than %d bytes from %s: closed", MAX_PACKET_BYTES, socket.remoteAddress);
      socket.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const closeAedes = () => new Promise<void>((resolve) => aedes.close(resolve));
  try {
    await listen(server, options);
  } catch (error) {
    await closeAedes();
    throw error;
  }
  const address = server.address();
  return {
    host: options.host,
    port: typeof address === "object" && address !== null ? address.port : options.port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await closeAedes();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function publishTo(site: string, packet: PublishPacket, accept: BrokerOptions["accept"]): void {
  const topic = parseTopic(packet.topic);
  if (topic === undefined || topic.site !== site) {
    throw new Error(`${packet.topic} is no topic of site ${site}`);
  }
  if (packet.retain && topic.kind !== "status") throw new Error(`${packet.topic} is not retained`);
  if (topic.kind === "frame") accept(packet.topic, Buffer.from(packet.payload));
}

function samePassword(given: Readonly<Buffer> | undefined, password: string): boolean {
  const digest = (text: string | Readonly<Buffer>) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given ?? ""), digest(password));
}

function badCredentials(): AuthenticateError {
  return Object.assign(new Error("bad user name or password"), { returnCode: BAD_CREDENTIALS });
}

function listen(server: Server, { host, port }: BrokerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE";
      const where = `${host}:${port}`;
      reject(
        new PortError(
          taken ? "broker/taken" : "broker/unreachable",
          taken
            ? `cannot open the broker on ${where}: the port is taken by another program`
            : `cannot open the broker on ${where}: ${cause.message}`,
          { cause, hint: "change broker.host and broker.listen" },
        ),
      );
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      server.on("error", (error) => log("server: %s", error.message));
      resolve();
    });
  });
}
