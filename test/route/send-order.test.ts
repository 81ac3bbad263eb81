import { appendFileSync, readFileSync, truncateSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Carrier, SealedFrame } from "../../rig/core/carrier.js";
import { Journal } from "../../rig/route/journal.js";
import { Router } from "../../rig/route/router.js";
import { SendOrder } from "../../rig/route/send-order.js";
import { ManualClock } from "../support/manual-clock.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** Two bytes of sequence. */
const frame = (sequence: number) => Uint8Array.of(sequence >> 8, sequence & 0xff);
const sequenceOf = (bytes: Uint8Array) => (bytes[0]! << 8) | bytes[1]!;

function meter(directory = temporaryDirectory()) {
  const { journal, notices } = Journal.open(directory, "main");
  const order = new SendOrder(journal);
  const submit = (count: number) => {
    for (let left = count; left > 0; left -= 1) order.submitted(journal.put(frame));
  };
  /** What goes next, `count` times, each acknowledged. */
  const send = (count: number) =>
    Array.from({ length: count }, () => {
      const next = order.next()!;
      order.acknowledged();
      journal.gone(next.sequence);
      return next.sequence;
    });
  let open = true;
  const close = () => {
    if (open) journal.close();
    open = false;
  };
  onTestFinished(close);
  return { directory, journal, notices, order, submit, send, close };
}

describe("the order of sending", () => {
  it("is that of the sequences while six or fewer wait", () => {
    const { submit, send, order } = meter();
    expect(order.next()).toBeUndefined();
    submit(5);
    expect(send(2)).toEqual([1, 2]);
    submit(3);
    expect(send(6)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(order.next()).toBeUndefined();
  });

  it("lets a new frame pass a backlog once, and then goes on with the oldest", () => {
    const { submit, send, order } = meter();
    submit(10);
    expect(send(1)).toEqual([10]); // the newest of a backlog that came at once
    expect(order.next()!.sequence).toBe(1);
    submit(1);
    expect(send(4)).toEqual([1, 11, 2, 3]);
    submit(1);
    expect(send(3)).toEqual([12, 4, 5]);
  });

  it("takes the newest of several, and lets one of the backlog go between two new ones", () => {
    const { submit, send, order } = meter();
    submit(20);
    expect(order.next()!.sequence).toBe(20);
    submit(3);
    const sent: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      sent.push(...send(1));
      submit(1); // as fast as they can be sent
    }
    expect(sent).toEqual([20, 1, 25, 2, 27, 3]);
  });

  it("stays with a frame until it is acknowledged, whatever is submitted", () => {
    const { submit, order } = meter();
    submit(9);
    const next = order.next();
    submit(9);
    expect([order.next(), order.next()]).toEqual([next, next]);
  });

  it("begins after a kill with the frame that was under way, the newest or the oldest", () => {
    const { directory, submit, order, close } = meter();
    submit(10);
    expect(order.next()!.sequence).toBe(10);
    close();
    const second = meter(directory);
    second.submit(1);
    expect(second.order.next()!.sequence).toBe(10);
    second.send(1);
    expect(second.order.next()!.sequence).toBe(11);
    second.send(1);
    expect(second.order.next()!.sequence).toBe(1);
    second.close();
    const third = meter(directory);
    third.submit(1);
    expect(third.send(3)).toEqual([1, 12, 2]);
    third.close();
    expect([second.notices, third.notices]).toEqual([[], []]);
  });

  it("begins with it although the journal was damaged or its last line end is missing", () => {
    const { directory, submit, order, journal, close } = meter();
    submit(10);
    expect(order.next()!.sequence).toBe(10);
    close();
    truncateSync(journal.file, readFileSync(journal.file).length - 1);
    const second = meter(directory);
    expect([second.notices, second.order.next()!.sequence]).toEqual([[], 10]);
    second.close();
    appendFileSync(journal.file, "garbage\n");
    const third = meter(directory);
    expect(third.notices).toHaveLength(1);
    expect([third.order.next()!.sequence, third.journal.nextSequence]).toEqual([10, 12]);
    third.close();
    const fourth = meter(directory);
    expect([fourth.notices, fourth.order.next()!.sequence]).toEqual([[], 10]);
  });
});

/** What becomes of the frame under way. `lost` never arrives; `unanswered` arrives, and its acknowledgement does not. */
type Act = { submit: number } | "acknowledged" | "unanswered" | "lost" | "killed" | "killed after arrival";

/**
 * A rig that is killed and started, its line, and the centre's rule. Throws what must never be: a replay, a report that comes
 * twice, a new report behind more than one of the backlog.
 */
class World implements Carrier {
  readonly #directory = temporaryDirectory();
  readonly #clock = new ManualClock();
  readonly #stored = new Set<number>();
  #lastArrived = 0;
  #submitted = 0;
  #underWay: { sequence: number; live: boolean } | undefined;
  #settle: (fault?: Error) => void = () => undefined;
  /** The newest report that was submitted behind more than six, and how many of the backlog it has waited for. */
  #awaited: { sequence: number; behind: number } | undefined;
  #fault: Error | undefined;
  #journal!: Journal;
  #router!: Router;

  constructor() {
    this.#start();
  }

  send({ bytes }: SealedFrame, signal: AbortSignal): Promise<void> {
    const sequence = sequenceOf(bytes);
    if (this.#underWay?.sequence !== sequence) {
      this.#underWay = { sequence, live: sequence !== this.#journal.oldest()!.sequence };
      if (this.#awaited?.sequence === sequence) this.#awaited = undefined;
      else if (this.#awaited !== undefined && !this.#underWay.live) this.#awaited.behind += 1;
      if ((this.#awaited?.behind ?? 0) > 1) throw this.#fail(`${this.#awaited!.sequence} waits too long`);
    }
    return new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#settle = (fault) => {
        signal.removeEventListener("abort", onAbort);
        if (fault === undefined) resolve();
        else reject(fault);
      };
    });
  }

  async act(act: Act): Promise<void> {
    if (typeof act === "object") this.#submit(act.submit);
    else if (act === "killed" || act === "killed after arrival") {
      if (act !== "killed") this.#arrive();
      await this.#kill();
    } else if (this.#underWay !== undefined) {
      if (act !== "lost") this.#arrive();
      this.#settle(act === "acknowledged" ? undefined : new Error(act));
      if (act === "acknowledged") this.#underWay = undefined;
    }
    await this.#clock.advance(30_000); // the longest pause
    if (this.#fault !== undefined) throw this.#fault;
  }

  async finish(): Promise<void> {
    for (let left = this.#journal.waiting; left > 0; left -= 1) await this.act("acknowledged");
    expect([this.#journal.waiting, this.#stored.size]).toEqual([0, this.#submitted]);
    await this.#router.stop();
    this.#journal.close();
  }

  #fail(text: string): Error {
    this.#fault ??= new Error(text);
    return this.#fault;
  }

  #submit(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.#submitted = this.#router.submit("main", frame);
      if (this.#journal.waiting <= 6) continue;
      const behind = this.#underWay !== undefined && !this.#underWay.live ? 1 : 0;
      this.#awaited = { sequence: this.#submitted, behind };
    }
  }

  /** The rule of rig/centre/intake.ts. */
  #arrive(): void {
    if (this.#underWay === undefined) return;
    const { sequence } = this.#underWay;
    if (this.#stored.has(sequence) && this.#lastArrived !== sequence)
      throw this.#fail(`${sequence} is a replay`);
    this.#stored.add(sequence);
    this.#lastArrived = sequence;
  }

  #start(): void {
    this.#journal = Journal.open(this.#directory, "main").journal;
    this.#router = new Router([{ meter: "main", journal: this.#journal, carrier: this }], {
      clock: this.#clock,
      emit: () => undefined,
    });
    this.#router.start();
  }

  /** Stopping writes nothing, so it leaves the journal as a kill does. */
  async #kill(): Promise<void> {
    const before = readFileSync(this.#journal.file);
    await this.#router.stop();
    this.#journal.close();
    expect(readFileSync(this.#journal.file)).toEqual(before);
    this.#underWay = undefined;
    this.#awaited = undefined;
    this.#start();
  }
}

describe("the router with its journal", () => {
  it("never makes a replay, loses or repeats nothing, and lets no new report wait for more than one old one", async () => {
    const acts = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.record({ submit: fc.integer({ min: 1, max: 9 }) }) },
        { weight: 6, arbitrary: fc.constant("acknowledged" as const) },
        {
          weight: 4,
          arbitrary: fc.constantFrom("unanswered", "lost", "killed", "killed after arrival"),
        },
      ),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(acts, async (sequence: Act[]) => {
        const world = new World();
        for (const act of sequence) await world.act(act);
        await world.finish();
      }),
      { numRuns: 60 },
    );
  });
});
