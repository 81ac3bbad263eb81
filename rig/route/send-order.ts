/**
 * Which of a meter's waiting frames goes next. Oldest first, but live ones do not wait for days behind a backlog: where more
 * than a few wait, a newly submitted frame goes as soon as the one under way is done and one of the backlog has gone after the
 * last new one, so that either gets on however slow the line is. Of several submitted meanwhile it is the newest.
 *
 * A frame that was not acknowledged may have arrived all the same. Until it is acknowledged no other frame of the meter goes,
 * also after a restart: the centre takes the same frame again only directly after the first (rig/centre/intake.ts).
 */
import { describeError } from "../core/errors.js";
import { trace } from "../core/log.js";
import type { Journal, WaitingFrame } from "./journal.js";

/** So many go in order: they are through in seconds. */
const FEW = 6;

const log = trace("rig:route:send-order");

export class SendOrder {
  readonly #journal: Journal;
  #underWay: WaitingFrame | undefined;
  /** The newest frame that was submitted behind more than a few. */
  #live: number | undefined;
  #lastWasLive = false;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#underWay = journal.interrupted();
  }

  /** The journal has just taken this frame. */
  submitted(sequence: number): void {
    if (this.#journal.waiting > FEW) this.#live = sequence;
  }

  /** The frame to send, the same until it is acknowledged; undefined when none waits. */
  next(): WaitingFrame | undefined {
    if (this.#underWay === undefined) {
      const live = this.#lastWasLive ? undefined : this.#takeLive();
      this.#lastWasLive = live !== undefined;
      this.#underWay = live ?? this.#journal.oldest();
    }
    return this.#underWay;
  }

  /** The frame that `next` gave has arrived. */
  acknowledged(): void {
    this.#underWay = undefined;
  }

  #takeLive(): WaitingFrame | undefined {
    const sequence = this.#live;
    this.#live = undefined;
    // It may have gone in its turn by now.
    const live = sequence === undefined ? undefined : this.#journal.get(sequence);
    if (live === undefined || live.sequence === this.#journal.oldest()?.sequence) return undefined;
    try {
      this.#journal.noteSending(live.sequence);
      return live;
    } catch (error) {
      log("%s: %d waits for its turn: %s", this.#journal.meter, live.sequence, describeError(error));
      return undefined;
    }
  }
}
