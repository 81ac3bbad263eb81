/**
 * Takes every meter's sealed frames to the centre: journal -> send order -> carrier, one in flight for each meter.
 * A frame leaves the journal when the broker has acknowledged it, which it does after the centre has stored it.
 */
import type { Carrier } from "../core/carrier.js";
import { type Clock, sleep } from "../core/clock.js";
import { describeError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import { trace } from "../core/log.js";
import type { Journal } from "./journal.js";
import { SendOrder } from "./send-order.js";

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

const log = trace("rig:route:router");

/** One meter's way out. */
export interface Leg {
  readonly meter: string;
  readonly journal: Journal;
  /** The meter's own cable. */
  readonly carrier: Carrier;
}

export interface RouterOptions {
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

interface Way extends Leg {
  readonly order: SendOrder;
}

export class Router {
  readonly #legs: ReadonlyMap<string, Way>;
  readonly #clock: Clock;
  readonly #emit: EmitEvent;
  readonly #stop = new AbortController();
  readonly #wakers = new Map<string, () => void>();
  readonly #onProgress = new Set<() => void>();
  /** Meters whose journal took no acknowledgement the last time, which was said then. */
  readonly #unwritable = new Set<string>();
  #runs: Promise<void>[] = [];

  constructor(legs: readonly Leg[], { clock, emit }: RouterOptions) {
    this.#legs = new Map(legs.map((leg) => [leg.meter, { ...leg, order: new SendOrder(leg.journal) }]));
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Starts to send what waits. Says every meter's route. */
  start(): void {
    for (const leg of this.#legs.values()) {
      this.#emit({ event: "route", meter: leg.meter, route: "direct", via: null, cause: "start" });
      this.#runs.push(this.#run(leg));
    }
  }

  /**
   * Keeps a frame in the meter's journal and sends it when its turn comes (rig/route/send-order.ts).
   * @param frameFor makes the sealed frame of the sequence that it is given
   * @returns the sequence; the frame is on disk then
   * @throws what frameFor and Journal.put throw; no sequence was given out then
   */
  submit(meter: string, frameFor: (sequence: number) => Uint8Array): number {
    const { journal, order } = this.#leg(meter);
    const sequence = journal.put(frameFor);
    order.submitted(sequence);
    this.#wakers.get(meter)?.();
    return sequence;
  }

  /** The sequence that the meter's next frame will have. */
  nextSequence(meter: string): number {
    return this.#leg(meter).journal.nextSequence;
  }

  /** Frames of the meter that are not acknowledged. */
  waiting(meter: string): number {
    return this.#leg(meter).journal.waiting;
  }

  /** @returns true as soon as nothing waits any more; false if that takes longer than `timeoutMs`, or nothing is being sent */
  drain(timeoutMs: number): Promise<boolean> {
    const empty = () => [...this.#legs.values()].every(({ journal }) => journal.waiting === 0);
    if (empty()) return Promise.resolve(true);
    if (this.#runs.length === 0 || this.#stop.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (drained: boolean) => {
        cancel();
        this.#onProgress.delete(check);
        resolve(drained);
      };
      const check = () => {
        if (empty()) settle(true);
      };
      const cancel = this.#clock.after(timeoutMs, () => settle(false));
      this.#onProgress.add(check);
    });
  }

  /** Gives up what is in flight, which stays in its journal; nothing is sent after it resolves. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("the router was stopped"));
    await Promise.all(this.#runs);
  }

  #leg(meter: string): Way {
    const leg = this.#legs.get(meter);
    if (leg === undefined) throw new RangeError(`there is no meter ${meter}`);
    return leg;
  }

  async #run(leg: Way): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      const next = leg.order.next();
      try {
        if (next === undefined) {
          await this.#submission(leg.meter, signal);
          continue;
        }
        await leg.carrier.send({ meter: leg.meter, bytes: next.frame }, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        log("%s: %d was not acknowledged: %s", leg.meter, next?.sequence, describeError(error));
        await this.#pause(Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS));
        continue;
      }
      this.#acknowledge(leg, next.sequence);
    }
  }

  #acknowledge({ meter, journal, order }: Way, sequence: number): void {
    order.acknowledged();
    try {
      journal.gone(sequence);
      this.#unwritable.delete(meter);
    } catch (error) {
      if (!this.#unwritable.has(meter))
        this.#emit({ event: "alert", kind: "storage", meter, text: describeError(error) });
      this.#unwritable.add(meter);
    }
    this.#emit({ event: "sent", meter, sequence, via: null, waiting: journal.waiting });
    for (const check of [...this.#onProgress]) check();
  }

  /** Resolves at the meter's next submission, or when the router stops. */
  #submission(meter: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        this.#wakers.delete(meter);
        signal.removeEventListener("abort", settle);
        resolve();
      };
      this.#wakers.set(meter, settle);
      signal.addEventListener("abort", settle, { once: true });
    });
  }

  /** Resolves after `delayMs`, or when the router stops. */
  #pause(delayMs: number): Promise<void> {
    return sleep(this.#clock, delayMs, this.#stop.signal).catch((reason: unknown) => {
      if (!this.#stop.signal.aborted) throw reason;
    });
  }
}
