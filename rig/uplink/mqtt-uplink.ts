/**
 * A meter's own way to the broker: MQTT over whatever stream it is given, connected again and again with growing pauses.
 * It keeps nothing: a frame that is not acknowledged fails and stays in its journal.
 */
import type { Duplex } from "node:stream";
import type { Carrier, SealedFrame } from "../core/carrier.js";
import type { Clock } from "../core/clock.js";
import { describeError, UplinkError } from "../core/errors.js";
import type { EmitEvent, UplinkEvent } from "../core/events.js";
import { trace } from "../core/log.js";
import { formatTopic } from "../core/topics.js";
import { MqttConnection } from "./mqtt-connection.js";

const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 60_000;
const ACKNOWLEDGE_WITHIN_MS = 20_000;
/** How long a clean stop may take to say "offline". */
const GOODBYE_LIMIT_MS = 2000;

const log = trace("rig:uplink:mqtt");

export interface MqttUplinkOptions {
  readonly site: string;
  readonly meter: string;
  /** What to call the broker in messages: "the broker at 127.0.0.1:1883". */
  readonly broker: string;
  /** A new stream for each connection; it may throw. */
  readonly openStream: () => Duplex;
  readonly username?: string;
  readonly password?: string;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

export class MqttUplink implements Carrier {
  readonly #options: MqttUplinkOptions;
  readonly #statusTopic: string;
  #connection: MqttConnection | undefined;
  #ready: MqttConnection | undefined;
  readonly #onReady = new Set<(connection: MqttConnection) => void>();
  #failures = 0;
  #cancelRetry: () => void = () => undefined;
  #stopped = false;
  #said = "";

  constructor(options: MqttUplinkOptions) {
    this.#options = options;
    this.#statusTopic = formatTopic({ site: options.site, meter: options.meter, kind: "status" });
  }

  start(): void {
    this.#say("connecting", this.#options.broker);
    this.#connect();
  }

  async send(frame: SealedFrame, signal: AbortSignal): Promise<void> {
    const connection = this.#ready ?? (await this.#nextConnection(signal));
    const topic = formatTopic({ site: this.#options.site, meter: frame.meter, kind: "frame" });
    await connection.publish(topic, frame.bytes, false, signal);
  }

  /** Says "offline" and ends the connection; resolves within about 4 s whatever the broker does. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry();
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#ready !== undefined) {
      await this.#within(this.#publishStatus(connection, "offline"));
      await this.#within(connection.end());
    }
    connection.destroy();
    await connection.closed;
  }

  #connect(): void {
    const { site, meter, broker, username, password, clock } = this.#options;
    let stream: Duplex;
    try {
      stream = this.#options.openStream();
    } catch (error) {
      this.#retry(
        new UplinkError("uplink/lost", `no connection to ${broker}: ${describeError(error)}`, {
          cause: error,
        }),
      );
      return;
    }
    const connection = new MqttConnection(stream, {
      clientId: `meter-rig.${site}.${meter}`,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      statusTopic: this.#statusTopic,
      broker,
      clock,
      acknowledgeWithinMs: ACKNOWLEDGE_WITHIN_MS,
    });
    this.#connection = connection;
    connection.opened.then(
      () => this.#opened(connection),
      (reason) => log("%s: not connected: %s", meter, describeError(reason)),
    );
    void connection.closed.then((reason) => {
      this.#connection = undefined;
      this.#ready = undefined;
      this.#retry(reason);
    });
  }

  #opened(connection: MqttConnection): void {
    if (this.#stopped) return;
    this.#ready = connection;
    this.#say("connected", this.#options.broker);
    this.#publishStatus(connection, "online").then(
      () => {
        // Only now is it a connection that works: one that opens and breaks at once must not be tried every second.
        this.#failures = 0;
      },
      (reason) => log("%s: status not delivered: %s", this.#options.meter, describeError(reason)),
    );
    for (const proceed of [...this.#onReady]) proceed(connection);
  }

  #publishStatus(connection: MqttConnection, status: "online" | "offline"): Promise<void> {
    return connection.publish(this.#statusTopic, Buffer.from(status), true, new AbortController().signal);
  }

  #retry(reason: UplinkError): void {
    if (this.#stopped) return;
    this.#say("down", describeError(reason));
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LAST_PAUSE_MS);
    this.#failures += 1;
    this.#cancelRetry = this.#options.clock.after(pauseMs, () => this.#connect());
  }

  #nextConnection(signal: AbortSignal): Promise<MqttConnection> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const clear = () => {
        this.#onReady.delete(proceed);
        signal.removeEventListener("abort", onAbort);
      };
      const proceed = (connection: MqttConnection) => {
        clear();
        resolve(connection);
      };
      const onAbort = () => {
        clear();
        reject(signal.reason);
      };
      this.#onReady.add(proceed);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Waits for the work, but not longer than a goodbye may take, and whatever becomes of it. */
  #within(work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(GOODBYE_LIMIT_MS, resolve);
      const settle = (reason?: unknown) => {
        if (reason !== undefined) log("%s: goodbye: %s", this.#options.meter, describeError(reason));
        cancel();
        resolve();
      };
      work.then(() => settle(), settle);
    });
  }

  /** Says a change once: attempts that fail like the one before are not news. */
  #say(state: UplinkEvent["state"], detail: string): void {
    const said = `${state} ${detail}`;
    if (said === this.#said) return;
    this.#said = said;
    this.#options.emit({ event: "uplink", state, detail });
  }
}
