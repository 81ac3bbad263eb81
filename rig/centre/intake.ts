/**
 * The centre's gate: sealed frame from MQTT -> opened, checked, stored -> `received`. What it refuses it counts and reports,
 * and lets MQTT acknowledge, so that it does not come back for ever; what it cannot store it throws, so that it does come back.
 *
 * Every (meter, sequence) is stored once. The same frame again is
 * - a redelivery, counted only, if it is the meter's last one that arrived: MQTT sends it again when the PUBACK was lost, and
 *   a meter sends nothing else before it has that PUBACK;
 * - a replay if others of the meter have arrived since.
 * A new one that was sealed in an older start than a lower sequence is stored too, with an alert: a key made anew counts its
 * starts from 1 again, and what its meter measures must not be lost for that.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../core/clock.js";
import { describeError, SealError, StorageError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import { trace } from "../core/log.js";
import { parseTopic } from "../core/topics.js";
import type { OpenedFrame, Opener } from "../seal/opener.js";
import type { Alerts } from "./alerts.js";
import type { Store } from "./store.js";
import type { StoredReport } from "./store-schema.js";

const log = trace("rig:centre:intake");

/** A report is delayed when it arrives later after its interval than two intervals, or than this. */
const LEAST_DELAY_MS = 30_000;

export interface IntakeOptions {
  readonly site: string;
  readonly openers: readonly Opener[];
  readonly store: Store;
  /** report.every of the configuration [ms]. */
  readonly reportEveryMs: number;
  readonly clock: Clock;
  readonly emit: EmitEvent;
  readonly alerts: Alerts;
}

export type IntakeOutcome = "stored" | "redelivered" | "refused";

export interface IntakeCounters {
  readonly stored: number;
  readonly redelivered: number;
  /** Bytes that are no frame, or of an unknown meter. */
  readonly malformed: number;
  /** Frames that do not open. */
  readonly badSeals: number;
  readonly replays: number;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #openers: ReadonlyMap<string, Opener>;
  readonly #counters = { stored: 0, redelivered: 0, malformed: 0, badSeals: 0, replays: 0 };

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#openers = new Map(options.openers.map((opener) => [opener.meter, opener]));
  }

  get counters(): IntakeCounters {
    return { ...this.#counters };
  }

  /**
   * Takes what was published. On disk when it returns "stored".
   * @throws StorageError: the report is not stored and must not be acknowledged
   */
  accept(topicText: string, payload: Uint8Array): IntakeOutcome {
    const topic = parseTopic(topicText);
    const opener = topic?.site === this.#options.site ? this.#openers.get(topic.meter) : undefined;
    if (topic?.kind !== "frame" || opener === undefined) {
      return this.#refuse(
        "malformed",
        "bad-frame",
        null,
        `a frame on ${topicText.slice(0, 80)}: there is no such meter`,
      );
    }
    let opened: OpenedFrame;
    try {
      opened = opener.open(payload);
    } catch (error) {
      const what = describeError(error);
      if (error instanceof SealError) return this.#refuse("badSeals", "bad-seal", topic.meter, what);
      return this.#refuse("malformed", "bad-frame", topic.meter, what);
    }
    return this.#store(topic.meter, opened, createHash("sha256").update(payload).digest());
  }

  #store(meter: string, { report, start }: OpenedFrame, digest: Uint8Array): IntakeOutcome {
    const { clock, store, reportEveryMs, alerts } = this.#options;
    const receivedMs = Math.round(clock.nowMs());
    const delayed = receivedMs - report.endMs > Math.max(2 * reportEveryMs, LEAST_DELAY_MS);
    const stored: StoredReport = { ...report, meter, via: null, delayed, receivedMs };
    try {
      const last = store.lastArrived(meter);
      const outcome = store.insert({ ...stored, start, digest });
      if (outcome === "stored" || outcome === "stored-rollback") {
        this.#counters.stored += 1;
        this.#announce(stored);
        if (outcome === "stored-rollback") alerts.raise("replay", meter, describeRollback(report.sequence));
        return "stored";
      }
      if (outcome === "duplicate" && last?.sequence === report.sequence) {
        this.#counters.redelivered += 1;
        return "redelivered";
      }
      return this.#refuse("replays", "replay", meter, describeReplay(report.sequence, outcome));
    } catch (error) {
      if (error instanceof StorageError) alerts.raise("storage", meter, describeError(error));
      throw error;
    }
  }

  /** Tells of reports that were stored just before a kill, so that whoever counts the events misses none. */
  announceMissed(): void {
    for (const report of this.#options.store.unannounced()) this.#tell(report);
    this.#options.store.markAnnounced();
  }

  #announce(report: StoredReport): void {
    this.#tell(report);
    try {
      this.#options.store.markAnnounced();
    } catch (error) {
      // It is stored, which is what counts; at worst it is told again after the next start.
      log("%s %d: %s", report.meter, report.sequence, describeError(error));
    }
  }

  #tell({ receivedMs: _, endMs, ...fields }: StoredReport): void {
    this.#options.emit({ event: "received", ...fields, measuredAt: new Date(endMs).toISOString() });
  }

  #refuse(counter: keyof IntakeCounters, kind: string, meter: string | null, text: string): "refused" {
    this.#counters[counter] += 1;
    this.#options.alerts.raise(kind, meter, text);
    return "refused";
  }
}

function describeReplay(sequence: number, outcome: "duplicate" | "conflict"): string {
  switch (outcome) {
    case "duplicate":
      return `report ${sequence} came again after later ones: refused`;
    case "conflict":
      return `another report came under sequence ${sequence}, which is stored already: refused; was an old data directory put back?`;
  }
}

function describeRollback(sequence: number): string {
  return `report ${sequence} was sealed in an older start than the reports before it: stored; was a new key made, or an old key file put back?`;
}
