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
/** So many accepted connections in a row, each lost before that, are more than chance. */
const THROWN_OFF_TIMES = 3;
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
  /**
   * Whether openStream itself waits longer and longer after streams that broke, as a modem's does: only what the broker says, or
   * leaves unsaid, makes the uplink's own pauses grow then.
   */
  readonly openStreamWaits?: boolean;
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
    const { clock, random, openStreamWaits = false } = this.#options;
    let failures = 0;
    let thrownOff = 0;
    while (!signal.aborted) {
      const { end, lastedMs } = await this.#connectOnce(signal);
      if (signal.aborted) return;
      const wasBrief = lastedMs !== null && lastedMs < STEADY_MS;
      thrownOff = wasBrief && isByBroker(end) ? thrownOff + 1 : 0;
      const reason = thrownOff >= THROWN_OFF_TIMES ? this.#alwaysThrownOff() : end;
      this.#say("down", describeError(reason), reason.code);
      const hasWorked = lastedMs !== null && !wasBrief;
      if (hasWorked || (openStreamWaits && isOfStream(reason))) failures = 0;
      const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LAST_PAUSE_MS);
      await sleep(clock, longestMs * (1 - random() / 2), signal).catch(() => log("stopped in a pause"));
      failures += 1;
    }
  }

  /** One connection, from its stream to its end. @returns how long ago it was accepted; null if it never was [ms] */
  async #connectOnce(signal: AbortSignal): Promise<{ end: RigError; lastedMs: number | null }> {
    const { site, broker, username, password, clock, openStream } = this.#options;
    let stream: Duplex;
    try {
      stream = await openStream(signal);
      stream.once("error", (error) => log("the stream: %s", describeError(error)));
      // Its `close` has passed, or is about to, and would be waited for in vain.
      if (stream.destroyed) throw stream.errored ?? new Error("it was closed as soon as it was open");
    } catch (cause) {
      const message = `no connection to ${broker}: ${describeError(cause)}`;
      const end = cause instanceof RigError ? cause : new UplinkError("uplink/lost", message, { cause });
      return { end, lastedMs: null };
    }
    if (signal.aborted) {
      stream.destroy();
      return { end: new UplinkError("uplink/lost", "stopped"), lastedMs: null };
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
    const end = await connection.closed;
    const lastedMs = this.#openedAtMs === undefined ? null : clock.steadyMs() - this.#openedAtMs;
    this.#connection = undefined;
    if (this.#openedAtMs !== undefined) this.#ready = deferred();
    this.#openedAtMs = undefined;
    return { end, lastedMs };
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

  #alwaysThrownOff(): UplinkError {
    const { site, broker } = this.#options;
    const within = `within ${STEADY_MS / 1000} s, ${THROWN_OFF_TIMES} times in a row or more`;
    return new UplinkError("uplink/thrown-off", `${broker} closed an accepted connection ${within}`, {
      hint: `another rig of site ${site} at this broker? every rig needs a site of its own`,
    });
  }

  /** Says a change once: attempts that fail like the one before are not news. */
  #say(state: UplinkEvent["state"], detail: string, code?: string): void {
    const said = `${state} ${detail}`;
    if (said === this.#said) return;
    this.#said = said;
    this.#options.emit({ event: "uplink", state, detail, ...(code === undefined ? {} : { code }) });
  }
}

/** Nothing but the end of what carries the bytes is known. */
function isOfStream(end: RigError): boolean {
  return !(end instanceof UplinkError) || end.code === "uplink/lost";
}

/** The other side has closed the stream, and what carries it knows nothing worse of itself. */
function isByBroker(end: RigError): boolean {
  return end instanceof UplinkError && end.code === "uplink/lost" && !(end.cause instanceof RigError);
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
