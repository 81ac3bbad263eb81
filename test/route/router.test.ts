import { describe, expect, it, onTestFinished } from "vitest";
import type { Carrier, SealedFrame } from "../../rig/core/carrier.js";
import type { RigEvent } from "../../rig/core/events.js";
import { Journal } from "../../rig/route/journal.js";
import { Router } from "../../rig/route/router.js";
import { ManualClock } from "../support/manual-clock.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** Holds each frame until the test says what becomes of it. */
class HeldCarrier implements Carrier {
  readonly frames: string[] = [];
  inFlight = 0;
  mostInFlight = 0;
  settle: (fault?: Error) => void = () => undefined;

  send({ meter, bytes }: SealedFrame, signal: AbortSignal): Promise<void> {
    this.frames.push(`${meter} ${bytes[0]}`);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    return new Promise<void>((resolve, reject) => {
      this.settle = (fault) => (fault === undefined ? resolve() : reject(fault));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }).finally(() => {
      this.inFlight -= 1;
    });
  }
}

const frame = (sequence: number) => Uint8Array.of(sequence);

function rig(meters = ["main"], directory = temporaryDirectory()) {
  const clock = new ManualClock();
  const events: RigEvent[] = [];
  const carriers = new Map(meters.map((meter) => [meter, new HeldCarrier()]));
  const journals = meters.map((meter) => Journal.open(directory, meter).journal);
  const legs = meters.map((meter, index) => ({
    meter,
    journal: journals[index]!,
    carrier: carriers.get(meter)!,
  }));
  const router = new Router(legs, { clock, emit: (event) => events.push(event) });
  const close = async () => {
    await router.stop();
    for (const journal of journals) journal.close();
  };
  return { directory, clock, events, router, close, carrier: (meter: string) => carriers.get(meter)! };
}

describe("the router", () => {
  it("sends oldest first, one at a time, and says sent when each is acknowledged", async () => {
    const { clock, events, router, close, carrier } = rig();
    onTestFinished(close);
    for (const expected of [1, 2, 3]) expect(router.submit("main", frame)).toBe(expected);
    router.start();
    for (let count = 0; count < 3; count += 1) {
      await clock.advance(0);
      carrier("main").settle();
    }
    await clock.advance(0);
    expect(carrier("main").frames).toEqual(["main 1", "main 2", "main 3"]);
    expect(carrier("main").mostInFlight).toBe(1);
    expect(events).toEqual([
      { event: "route", meter: "main", route: "direct", via: null, cause: "start" },
      { event: "sent", meter: "main", sequence: 1, via: null, waiting: 2 },
      { event: "sent", meter: "main", sequence: 2, via: null, waiting: 1 },
      { event: "sent", meter: "main", sequence: 3, via: null, waiting: 0 },
    ]);
  });

  it("offers a frame that was not acknowledged again after 1 s, 2 s, 4 s, at most every 30 s", async () => {
    const { clock, router, close, carrier } = rig();
    onTestFinished(close);
    router.submit("main", frame);
    router.start();
    const triedAtMs: number[] = [];
    for (let tries = 0; clock.steadyMs() < 120_000; ) {
      await clock.advance(0);
      if (carrier("main").frames.length > tries) {
        tries += 1;
        triedAtMs.push(clock.steadyMs());
        carrier("main").settle(new Error("connection lost"));
      }
      await clock.advance(500);
    }
    expect(triedAtMs.slice(0, 8)).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000]);
    expect(new Set(carrier("main").frames)).toEqual(new Set(["main 1"]));
  });

  it("keeps a meter going while another's carrier is stuck", async () => {
    const { clock, router, close, carrier } = rig(["main", "neighbour"]);
    onTestFinished(close);
    router.start();
    router.submit("main", frame);
    router.submit("neighbour", frame);
    await clock.advance(0);
    carrier("neighbour").settle();
    await clock.advance(0);
    expect([router.waiting("main"), router.waiting("neighbour")]).toEqual([1, 0]);
  });

  it("drains: true when all is acknowledged, false after the time given", async () => {
    const { clock, router, close, carrier } = rig();
    onTestFinished(close);
    router.start();
    expect(await router.drain(0)).toBe(true);
    router.submit("main", frame);
    const tooShort = router.drain(3000);
    await clock.advance(3000);
    expect(await tooShort).toBe(false);
    const enough = router.drain(3000);
    carrier("main").settle();
    expect(await enough).toBe(true);
    await clock.advance(0);
    expect(clock.armedTimers).toBe(0);
  });

  it("does not wait for a drain before the start or after the stop", async () => {
    const { router, close, clock } = rig();
    router.submit("main", frame);
    expect(await router.drain(3000)).toBe(false);
    router.start();
    await close();
    expect(await router.drain(3000)).toBe(false);
    expect(clock.armedTimers).toBe(0);
  });

  it("stops in the middle of a send, leaves the frame in the journal, and sends it after the next start", async () => {
    const first = rig();
    first.router.start();
    first.router.submit("main", frame);
    await first.clock.advance(0);
    expect(first.carrier("main").inFlight).toBe(1);
    await first.close();
    expect([first.carrier("main").inFlight, first.clock.armedTimers]).toEqual([0, 0]);
    const second = rig(["main"], first.directory);
    onTestFinished(second.close);
    second.router.start();
    await second.clock.advance(0);
    expect(second.carrier("main").frames).toEqual(["main 1"]);
    expect(second.router.submit("main", frame)).toBe(2);
  });

  it("refuses a meter it does not know", () => {
    const { router, close } = rig();
    onTestFinished(close);
    expect(() => router.submit("stranger", frame)).toThrow(RangeError);
  });
});
