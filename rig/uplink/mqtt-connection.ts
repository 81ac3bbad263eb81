/**
 * One MQTT 3.1.1 connection over one stream, from CONNECT to close; never reconnected, so that mqtt.js has nothing to send
 * again by itself: what was not acknowledged fails, and the journal offers it anew.
 * Every limit fits a line of 960 B/s with GPRS round trips of several seconds, and runs by the injected clock.
 */
import type { Duplex } from "node:stream";
import { MqttClient } from "mqtt";
import type { Clock } from "../core/clock.js";
import { RigError, UplinkError } from "../core/errors.js";

/** From CONNECT to CONNACK. */
const CONNECT_LIMIT_MS = 60_000;
/** From PUBLISH to PUBACK; a connection that takes longer is given up. */
const ACKNOWLEDGE_LIMIT_MS = 40_000;
/** A ping after so long without a word, the end after half as long again; operators forget idle connections after minutes. */
const KEEPALIVE_S = 60;
/** The longest that a timer of Node takes: mqtt.js has a limit of its own, by the wall clock, which must not come first. */
const NEVER_MS = 2 ** 31 - 1;
/** CONNACK return codes 4 and 5. Source: MQTT 3.1.1, table 3.1. */
const REFUSED_CODES = [4, 5];

export interface ConnectionOptions {
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** The last will: "offline" on this topic, retained. */
  readonly willTopic: string;
  /** What to call the broker in messages. */
  readonly broker: string;
  readonly clock: Clock;
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

  /** @param stream open, and this connection's from now on; where it is closed already, nothing ever happens */
  constructor(stream: Duplex, options: ConnectionOptions) {
    const { clientId, username, password, willTopic, clock } = options;
    this.#options = options;
    this.#stream = stream;
    const cancelLimit = this.#limit("CONNECT", CONNECT_LIMIT_MS);
    // mqtt.js tells of errors that have a code alone.
    stream.on("error", (error) => {
      this.#fault ??= error;
    });
    this.#client = new MqttClient(() => stream, {
      clientId,
      clean: false,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      will: { topic: willTopic, payload: Buffer.from("offline"), qos: 1, retain: true },
      keepalive: KEEPALIVE_S,
      timerVariant: intervalsOf(clock),
      connectTimeout: NEVER_MS,
      reconnectPeriod: 0,
      queueQoSZero: false,
    });
    this.#client.on("error", (error) => {
      this.#fault ??= error;
      stream.destroy(); // mqtt.js itself would wait on after bytes that are no MQTT
    });
    this.closed = new Promise((resolve) => {
      this.#client.once("close", () => {
        cancelLimit();
        this.#over = this.#describeEnd();
        for (const fail of [...this.#inFlight]) fail(this.#over);
        resolve(this.#over);
      });
    });
    this.opened = new Promise((resolve, reject) => {
      this.#client.once("connect", () => {
        cancelLimit();
        resolve();
      });
      void this.closed.then(reject);
    });
  }

  /**
   * QoS 1, resolves on PUBACK.
   * @throws UplinkError "uplink/timeout" (the connection is then given up) or why the connection ended; the signal's reason
   */
  publish(topic: string, payload: Uint8Array, retain: boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#over !== undefined) throw this.#over;
      const settle = (reason?: unknown) => {
        cancelLimit();
        this.#inFlight.delete(settle);
        signal?.removeEventListener("abort", onAbort);
        if (reason === undefined) resolve();
        else reject(reason);
      };
      const onAbort = () => settle(signal?.reason);
      const cancelLimit = this.#limit(`PUBLISH on ${topic}`, ACKNOWLEDGE_LIMIT_MS);
      this.#inFlight.add(settle);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#client.publish(topic, Buffer.from(payload), { qos: 1, retain }, (error) =>
        settle(error ?? undefined),
      );
    });
  }

  /** QoS 0, retained: costs no round trip, and is lost with the connection alone. */
  state(topic: string, text: string): void {
    if (this.#over === undefined) this.#client.publish(topic, text, { qos: 0, retain: true });
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

  /** Gives the connection up when the broker has not answered `asked` within `limitMs`. @returns cancels it */
  #limit(asked: string, limitMs: number): () => void {
    const { clock, broker } = this.#options;
    return clock.after(limitMs, () => {
      const message = `${broker} did not answer ${asked} within ${limitMs} ms`;
      const hint = "check the way to it; nothing is lost meanwhile";
      this.destroy(new UplinkError("uplink/timeout", message, { hint }));
    });
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
    const hint =
      (fault instanceof RigError ? fault.hint : undefined) ??
      "check that the broker runs and can be reached; nothing is lost meanwhile";
    const message = `no connection to ${broker}: ${fault.message}`;
    return new UplinkError("uplink/lost", message, { cause: fault, hint });
  }
}

/** The keepalive's timers, by our clock. mqtt.js wants numbers, none of them 0. */
function intervalsOf(clock: Clock) {
  const armed = new Map<number, () => void>();
  let last = 0;
  return {
    set(action: () => void, periodMs: number): number {
      last += 1;
      armed.set(last, clock.every(periodMs, action));
      return last;
    },
    clear(id: number): void {
      armed.get(id)?.();
      armed.delete(id);
    },
  };
}
