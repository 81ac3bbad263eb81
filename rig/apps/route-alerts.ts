/** Tells of a meter's route that is damaged or restored: an alert for everyone who watches, an SMS to each configured phone. */
import { type Clock, sleep } from "../core/clock.js";
import { describeError } from "../core/errors.js";
import type { EmitEvent, RigEvent, Route, RouteEvent } from "../core/events.js";
import { trace } from "../core/log.js";

const log = trace("rig:apps:route-alerts");

/** Pauses before an SMS is tried again; a modem that restarts and registers anew needs about a minute [ms]. */
const RETRY_PAUSES_MS = [10_000, 60_000, 300_000];

export interface RouteAlertsOptions {
  readonly numbers: readonly string[];
  /** Rejects when the message was not accepted by the network. */
  readonly sendSms: (number: string, text: string, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

export class RouteAlerts {
  readonly #options: RouteAlertsOptions;
  readonly #routes = new Map<string, Route>();
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: RouteAlertsOptions) {
    this.#options = options;
  }

  /** Takes every event of the rig and acts on changes of route; the first route of a meter is no change. */
  hear(event: RigEvent): void {
    if (event.event !== "route") return;
    const before = this.#routes.get(event.meter);
    this.#routes.set(event.meter, event.route);
    if (before === undefined || before === event.route || this.#stop.signal.aborted) return;
    const text = describeRoute(event);
    this.#options.emit({ event: "alert", kind: "route", meter: event.meter, text });
    for (const number of this.#options.numbers) this.#send(number, text);
  }

  /** Gives up what is not sent yet. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("the rig stops"));
    await Promise.all(this.#underWay);
  }

  #send(number: string, text: string): void {
    const sending = this.#trySend(number, text).finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  async #trySend(number: string, text: string): Promise<void> {
    const { clock, sendSms } = this.#options;
    const { signal } = this.#stop;
    for (const pauseMs of [...RETRY_PAUSES_MS, null]) {
      try {
        await sendSms(number, text, signal);
        return;
      } catch (error) {
        log("SMS to %s: %s", number, describeError(error));
        if (signal.aborted || pauseMs === null) return;
        await sleep(clock, pauseMs, signal).catch(() => undefined);
      }
    }
  }
}

function describeRoute({ meter, route, via, cause }: RouteEvent): string {
  switch (route) {
    case "direct":
      return `Meter ${meter}: route restored, its own cable carries again (${cause})`;
    case "bypassed":
      return `Meter ${meter}: route damaged (${cause}); its reports go sealed through ${via}`;
    case "barred":
      return `Meter ${meter}: route damaged (${cause}); its reports wait`;
  }
}
