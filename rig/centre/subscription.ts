/**
 * The centre at a broker that is not its own: an MQTT subscription with a session that outlives the connection, so that what is
 * published meanwhile waits at the broker. A frame is acknowledged to the broker after the intake has stored it.
 */
import { createConnection, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { MqttClient } from "mqtt";
import { type Clock, sleep } from "../core/clock.js";
import { describeError } from "../core/errors.js";
import { trace } from "../core/log.js";
import { formatTopic, parseTopic, RIG } from "../core/topics.js";
import type { Alerts } from "./alerts.js";
import { meterStatuses } from "./rig-status.js";

const RECONNECT_MS = 5000;
const CONNECT_LIMIT_MS = 30_000;
const KEEPALIVE_S = 60;
const GOODBYE_LIMIT_MS = 2000;

const log = trace("rig:centre:subscription");

export interface SubscriptionOptions {
  readonly site: string;
  /** Ids of the meters whose status follows the rig's. */
  readonly meters: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  /** Where the broker speaks TLS; ca: certificates of authorities to trust instead of the well-known ones, PEM. */
  readonly tls?: { readonly ca?: string };
  /** Takes a frame; if it throws, the connection is dropped, so that the broker delivers it again. */
  readonly accept: (topic: string, payload: Uint8Array) => void;
  readonly clock: Clock;
  readonly alerts: Alerts;
}

export interface Subscription {
  stop(): Promise<void>;
}

/** Connects, and connects again for ever; an unreachable broker is no error, but an alert when it goes and one when it is back. */
export function startSubscription(options: SubscriptionOptions): Subscription {
  const { site, meters, host, port, username, password, accept, alerts, clock } = options;
  const openStream = () =>
    options.tls === undefined
      ? createConnection({ host, port, noDelay: true })
      : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...options.tls });
  const client = new MqttClient(openStream, {
    clientId: `meter-rig-centre.${site}`,
    clean: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    keepalive: KEEPALIVE_S,
    connectTimeout: CONNECT_LIMIT_MS,
    reconnectPeriod: RECONNECT_MS,
    reconnectOnConnackError: true,
    manualConnect: true, // so that nothing arrives before handleMessage is ours
  });
  const take = (topic: string, payload: Buffer) => {
    if (parseTopic(topic)?.kind !== "status") return accept(topic, payload);
    for (const status of meterStatuses(site, meters, topic, payload)) {
      client.publish(status.topic, status.payload, { qos: 1, retain: true });
    }
  };
  client.handleMessage = ({ topic, payload }, done) => {
    try {
      take(topic.toString(), Buffer.from(payload));
      done();
    } catch (error) {
      log("not stored: %s", describeError(error));
      done(error as Error); // no PUBACK; the broker delivers again at the next connection only
      dropped = true;
      client.stream.destroy();
    }
  };
  const where = `the broker at ${host}:${port}`;
  let away = false;
  /** The connection that ends was dropped by ourselves, which says nothing of the broker. */
  let dropped = false;
  const tell = (nowAway: boolean, text: string) => {
    if (nowAway === away || client.disconnecting) return;
    away = nowAway;
    alerts.raise("broker", null, text);
  };
  client.on("connect", () => {
    const rigStatus = formatTopic({ site, meter: RIG, kind: "status" });
    client.subscribe([`meter-rig/${site}/+/frame`, rigStatus], { qos: 1 }, (error) => {
      if (error === null) tell(false, `the centre is connected to ${where} again`);
      else tell(true, `the centre cannot subscribe at ${where}: ${error.message}`);
    });
  });
  client.on("error", ({ message }) => tell(true, `the centre has no connection to ${where}: ${message}`));
  client.on("close", () => {
    if (!dropped) tell(true, `the centre has no connection to ${where}: it was closed`);
    dropped = false;
  });
  client.connect();
  return {
    async stop() {
      const patience = new AbortController();
      const ended = client.endAsync().then(() => patience.abort(new Error("ended")));
      await sleep(clock, GOODBYE_LIMIT_MS, patience.signal).then(
        () => client.stream.destroy(),
        () => log("ended"),
      );
      await ended;
    },
  };
}
