/**
 * One MQTT 3.1.1 connection over one stream, from CONNECT to close; never reconnected, so that mqtt.js has nothing to send
 * again by itself: what was not acknowledged fails, and the journal offers it anew.
 */
import type { Duplex } from "node:stream";
import { MqttClient } from "mqtt";
import type { Clock } from "../core/clock.js";
import { UplinkError } from "../core/errors.js";

/** Opening a socket over GPRS alone may take most of it. */
const CONNECT_LIMIT_MS = 30_000;
/** Long beside the time that a queue of bytes needs at 960 B/s: mqtt.js counts from the write, not from the last byte. */
const KEEPALIVE_S = 60;
/** CONNACK return codes 4 and 5. Source: MQTT 3.1.1, table 3.1. */
const REFUSED_CODES = [4, 5];

export interface ConnectionOptions {
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** Retained "online" and "offline", the latter also as last will. */
  readonly statusTopic: string;
  /** What to call the broker in messages. */
  readonly broker: string;
  readonly clock: Clock;
  /** From PUBLISH to PUBACK; a connection that takes longer is given up. */
  readonly acknowledgeWithinMs: number;
}

export class MqttConnection {
  /** Resolves when the broker has accepted the connection; rejects with an UplinkError when it ends before. */
  readonly opened: Promise<void>;
  /** Resolves, with the reason, when the connection is no more. Never rejects. */
  readonly closed: Promise<UplinkError>;
  readonly #stream: Duplex;
  readonly #client: MqttClient;
  readonly #options: ConnectionOptions;
  readonly #inFlight = new Set<(reason: UplinkError) => void>();
  #fault: Error | undefined;
  #over: UplinkError | undefined;

  constructor(stream: Duplex, options: ConnectionOptions) {
    const { clientId, username, password, statusTopic } = options;
    this.#options = options;
    this.#stream = stream;
    this.#client = new MqttClient(() => stream, {
      clientId,
      clean: false,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      will: { topic: statusTopic, payload: Buffer.from("offline"), qos: 1, retain: true },
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_LIMIT_MS,
      reconnectPeriod: 0,
      queueQoSZero: false,
    });
    this.#client.on("error", (error) => {
      this.#fault ??= error;
      stream.destroy(); // mqtt.js itself would wait on after bytes that are no MQTT
    });
    this.closed = new Promise((resolve) => {
      this.#client.once("close", () => {
        this.#over = this.#describeEnd();
        for (const fail of [...this.#inFlight]) fail(this.#over);
        resolve(this.#over);
      });
    });
    this.opened = new Promise((resolve, reject) => {
      this.#client.once("connect", () => resolve());
      void this.closed.then(reject);
    });
  }

  /**
   * QoS 1, resolves on PUBACK.
   * @throws UplinkError "uplink/timeout" (the connection is then given up) or why the connection ended; the signal's reason
   */
  publish(topic: string, payload: Uint8Array, retain: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#over !== undefined) throw this.#over;
      const settle = (reason?: unknown) => {
        cancel();
        this.#inFlight.delete(settle);
        signal.removeEventListener("abort", onAbort);
        if (reason === undefined) resolve();
        else reject(reason);
      };
      const onAbort = () => settle(signal.reason);
      const { clock, acknowledgeWithinMs, broker } = this.#options;
      const cancel = clock.after(acknowledgeWithinMs, () => {
        this.destroy(
          new UplinkError("uplink/timeout", `${broker} did not acknowledge within ${acknowledgeWithinMs} ms`),
        );
      });
      this.#inFlight.add(settle);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#client.publish(topic, Buffer.from(payload), { qos: 1, retain }, (error) =>
        settle(error ?? undefined),
      );
    });
  }

  /** Says goodbye (DISCONNECT, so no last will) and resolves when the stream is closed. */
  async end(): Promise<void> {
    this.#client.end();
    await this.closed;
  }

  /** Drops the connection at once; the broker sends the last will. */
  destroy(reason?: UplinkError): void {
    this.#fault ??= reason;
    this.#stream.destroy(); // not client.end(true), which does nothing once end() has begun
  }

  #describeEnd(): UplinkError {
    const { broker } = this.#options;
    const fault = this.#fault as (Error & { code?: unknown }) | undefined;
    if (fault instanceof UplinkError) return fault;
    if (fault === undefined) return new UplinkError("uplink/lost", `${broker} closed the connection`);
    if (typeof fault.code === "number" && REFUSED_CODES.includes(fault.code)) {
      return new UplinkError("uplink/refused", `${broker} refused the user name or the password`, {
        cause: fault,
        hint: "check broker.username and broker.passwordFile",
      });
    }
    return new UplinkError("uplink/lost", `no connection to ${broker}: ${fault.message}`, {
      cause: fault,
      hint: "check that the broker runs and can be reached; nothing is lost meanwhile",
    });
  }
}
