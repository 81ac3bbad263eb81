/**
 * The rig's way to the broker: one MQTT connection for all meters, over whatever stream it is given, connected again and again.
 * It keeps nothing: a frame that is not acknowledged fails and stays in its journal. One frame is under way at a time, of
 * whichever meter came first, since a second one would only wait in the modem, whose line carries 960 B/s.
 *
 * Retained on connecting: "online" on every meter's status, then on the rig's own, which alone has the last will; when that
 * says "offline", the centre says it for the meters (rig/centre/rig-status.ts).
 */
import type { Duplex } from "node:stream";
import { unlessAborted } from "../core/abort.js";
import type { Carrier, SealedFrame } from "../core/carrier.js";
import { type Clock, sleep } from "../core/clock.js";
import { describeError, RigError, UplinkError } from "../core/errors.js";
import type { EmitEvent, UplinkEvent } from "../core/events.js";
import { trace } from "../core/log.js";
import { formatTopic, RIG } from "../core/topics.js";
import { MqttConnection } from "./mqtt-connection.js";

const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 60_000;
/** One that lasted so long has worked: the next pause is the first one again. */
const STEADY_MS = 10_000;
/** How long a clean stop may take to say "offline" and go. */
const GOODBYE_LIMIT_MS = 5000;

const log = trace("rig:uplink:mqtt");

export interface MqttUplinkOptions {
  readonly site: string;
  /** Ids of the rig's meters. */
  readonly meters: readonly string[];
  /** What to call the broker in messages: "the broker at 127.0.0.1:1883". */
  readonly broker: string;
  /** A new stream for each connection, connected. May take minutes; rejects, or with the signal's reason when that is aborted. */
  readonly openStream: (signal: AbortSignal) => Promise<Duplex>;
  readonly username?: string;
  readonly password?: string;
  readonly clock: Clock;
  /** From 0 up to 1, 1 left out; spreads the pauses, so that many rigs do not come back at once. */
  readonly random: () => number;
  readonly emit: EmitEvent;
}

export class MqttUplink implements Carrier {
  readonly #options: MqttUplinkOptions;
  readonly #rigStatus: string;
  readonly #stopping = new AbortController();
  #running = Promise.resolve();
  #connection: MqttConnection | undefined;
  /** Resolves with the connection that frames can go by. */
  #ready = deferred<MqttConnection>();
  #openedAtMs: number | undefined;
  /** Resolves when the last frame that was handed over is done with, whatever became of it. */
  #lastTurn = Promise.resolve();
  #said = "";

  constructor(options: MqttUplinkOptions) {
    this.#options = options;
    this.#rigStatus = formatTopic({ site: options.site, meter: RIG, kind: "status" });
  }

  start(): void {
    this.#say("connecting", this.#options.broker);
    this.#running = this.#run();
  }

  async send(frame: SealedFrame, signal: AbortSignal): Promise<void> {
    const before = this.#lastTurn;
    const turn = deferred<void>();
    this.#lastTurn = turn.promise;
    try {
      await unlessAborted(before, signal);
      const connection = await unlessAborted(this.#ready.promise, signal);
      const topic = formatTopic({ site: this.#options.site, meter: frame.meter, kind: "frame" });
      await connection.publish(topic, frame.bytes, false, signal);
    } finally {
      void before.then(turn.resolve);
    }
  }

  /** Says "offline" and ends the connection; resolves within about 5 s whatever the broker does. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the uplink was stopped"));
    const connection = this.#connection;
    if (connection !== undefined) {
      if (this.#openedAtMs !== undefined) await this.#goodbye(connection);
      connection.destroy();
    }
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock, random } = this.#options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const { reason, lastedMs } = await this.#connectOnce(signal);
      if (signal.aborted) return;
      this.#say("down", describeError(reason));
      if (lastedMs >= STEADY_MS) failures = 0;
      const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LAST_PAUSE_MS);
      await sleep(clock, longestMs * (1 - random() / 2), signal).catch(() => log("stopped in a pause"));
    }
  }

  /** One connection, from its stream to its end. */
  async #connectOnce(signal: AbortSignal): Promise<{ reason: RigError; lastedMs: number }> {
    const { site, broker, username, password, clock, openStream } = this.#options;
    let stream: Duplex;
    try {
      stream = await openStream(signal);
    } catch (cause) {
      const message = `no connection to ${broker}: ${describeError(cause)}`;
      const reason = cause instanceof RigError ? cause : new UplinkError("uplink/lost", message, { cause });
      return { reason, lastedMs: 0 };
    }
    if (signal.aborted) {
      stream.destroy();
      return { reason: new UplinkError("uplink/lost", "stopped"), lastedMs: 0 };
    }
    const connection = new MqttConnection(stream, {
      clientId: `meter-rig.${site}`,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      willTopic: this.#rigStatus,
      broker,
      clock,
    });
    this.#connection = connection;
    connection.opened.then(
      () => this.#opened(connection),
      (error) => log("not connected: %s", describeError(error)),
    );
    const reason = await connection.closed;
    const lastedMs = clock.steadyMs() - (this.#openedAtMs ?? clock.steadyMs());
    this.#connection = undefined;
    if (this.#openedAtMs !== undefined) this.#ready = deferred();
    this.#openedAtMs = undefined;
    return { reason, lastedMs };
  }

  #opened(connection: MqttConnection): void {
    if (this.#stopping.signal.aborted) return;
    this.#openedAtMs = this.#options.clock.steadyMs();
    this.#say("connected", this.#options.broker);
    this.#publishStatus(connection, "online").catch((error) =>
      log("status not delivered: %s", describeError(error)),
    );
    this.#ready.resolve(connection);
  }

  async #goodbye(connection: MqttConnection): Promise<void> {
    const done = new AbortController();
    const said = this.#publishStatus(connection, "offline").then(() => connection.end());
    const limit = sleep(this.#options.clock, GOODBYE_LIMIT_MS, done.signal);
    await Promise.race([said, limit]).catch((error) => log("goodbye: %s", describeError(error)));
    done.abort();
  }

  /** Resolves when the broker has the rig's own status, and with it those of the meters, which were written before it. */
  #publishStatus(connection: MqttConnection, status: "online" | "offline"): Promise<void> {
    const { site, meters } = this.#options;
    for (const meter of meters) connection.state(formatTopic({ site, meter, kind: "status" }), status);
    return connection.publish(this.#rigStatus, Buffer.from(status), true);
  }

  /** Says a change once: attempts that fail like the one before are not news. */
  #say(state: UplinkEvent["state"], detail: string): void {
    const said = `${state} ${detail}`;
    if (said === this.#said) return;
    this.#said = said;
    this.#options.emit({ event: "uplink", state, detail });
  }
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
