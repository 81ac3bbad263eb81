import fc from "fast-check";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { StorageError } from "../../rig/core/errors.js";
import { quantise } from "../../rig/seal/frame.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { centreBench } from "../support/centre-bench.js";
import { lampReport } from "../support/reports.js";

describe("the intake", () => {
  it("stores a report and says what the meter said, as its frame rounded it", () => {
    const { intake, main, topic, clock, received, store } = centreBench();
    const report = lampReport({
      sequence: 7,
      currentA: 0.4348149,
      flags: ["clipped"],
      endMs: clock.nowMs() - 1234,
    });
    expect(intake.accept(topic, main.seal(report))).toBe("stored");
    const { endMs, ...fields } = quantise(report);
    expect(received()).toEqual([
      {
        event: "received",
        meter: "main",
        via: null,
        delayed: false,
        measuredAt: "2026-05-31T23:59:58.766Z",
        ...fields,
      },
    ]);
    expect(store.latest("main")).toEqual({
      ...fields,
      endMs,
      meter: "main",
      via: null,
      delayed: false,
      receivedMs: clock.nowMs(),
    });
  });

  it("tells after a start of the reports that were stored and not told of, and of no other", () => {
    const { intake, frame, topic, received, store } = centreBench();
    intake.accept(topic, frame(1));
    // As after a kill between the store's commit and the event: stored, not told of.
    const { receivedMs: _, ...told } = store.latest("main")!;
    store.insert({ ...told, receivedMs: 0, sequence: 2, start: 2, digest: new Uint8Array(32) });
    intake.announceMissed();
    intake.announceMissed();
    expect(received().map((event) => "sequence" in event && event.sequence)).toEqual([1, 2]);
  });

  it("marks a report delayed from 30 s after its interval's end on, with reports every 10 s", () => {
    const { intake, main, topic, clock, received } = centreBench();
    for (const [index, ageMs] of [0, 30_000, 30_001, 86_400_000].entries()) {
      intake.accept(topic, main.seal(lampReport({ sequence: index + 1, endMs: clock.nowMs() - ageMs })));
    }
    expect(received().map((event) => "delayed" in event && event.delayed)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it("stores a backlog after live reports with its own times, delayed, and shows no energy that falls", () => {
    const { intake, main, directory, topic, clock, alerts, received, store } = centreBench();
    // Reports 1 to 60 of an hour without a way, then a restart of the rig, then live ones from 61 on.
    const nowMs = clock.nowMs();
    const report = (sequence: number) =>
      lampReport({ sequence, energyWh: sequence / 4, endMs: nowMs - (61 - sequence) * 60_000 });
    const backlog = Array.from({ length: 60 }, (_none, index) => main.seal(report(index + 1)));
    const restarted = Sealer.open(directory, "main").sealer;
    const live = [61, 62].map((sequence) => restarted.seal({ ...report(sequence), endMs: nowMs - 500 }));
    const arrivals = [live[0]!, ...backlog.slice(0, 20), live[1]!, ...backlog.slice(20)];
    let shownWh = 0;
    let highest = 0;
    for (const [index, bytes] of arrivals.entries()) {
      expect(intake.accept(topic, bytes)).toBe("stored");
      // The acknowledgement got lost: it comes again directly after.
      if (index % 7 === 0) expect(intake.accept(topic, bytes)).toBe("redelivered");
      expect(store.latest("main")!.energyWh).toBeGreaterThanOrEqual(shownWh);
      shownWh = store.latest("main")!.energyWh;
      expect(store.lastEnergyWh("main")).toBe(shownWh);
      expect(store.lastSequence("main")).toBeGreaterThanOrEqual(highest);
      highest = store.lastSequence("main");
    }
    expect([shownWh, highest]).toEqual([15.5, 62]);
    expect(received().map((event) => "sequence" in event && [event.sequence, event.delayed])).toEqual([
      [61, false],
      ...Array.from({ length: 20 }, (_none, index) => [index + 1, true]),
      [62, false],
      ...Array.from({ length: 40 }, (_none, index) => [index + 21, true]),
    ]);
    const shown = store.range("main", 0, 8e15, 100);
    expect(shown.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 62 }, (_none, index) => 62 - index),
    );
    for (const { sequence, endMs, receivedMs } of shown) {
      expect(receivedMs).toBe(nowMs);
      if (sequence <= 60) expect(endMs).toBe(nowMs - (61 - sequence) * 60_000);
    }
    expect(intake.counters).toMatchObject({ stored: 62, redelivered: 9, replays: 0 });
    expect(alerts()).toEqual([]);
  });

  it("takes a redelivery of the last frame without storing, event or alert, and counts it", () => {
    const { intake, topic, frame, events } = centreBench();
    const bytes = frame(1);
    expect([1, 2, 3].map(() => intake.accept(topic, bytes))).toEqual([
      "stored",
      "redelivered",
      "redelivered",
    ]);
    expect(events).toHaveLength(1);
    expect(intake.counters).toMatchObject({ stored: 1, redelivered: 2, replays: 0 });
  });

  it("refuses a replay: an earlier frame again, or another content under a sequence", () => {
    const { intake, topic, frame, directory, alerts, store } = centreBench();
    const first = frame(1);
    intake.accept(topic, first);
    intake.accept(topic, frame(10));
    expect(intake.accept(topic, first)).toBe("refused");
    const restarted = Sealer.open(directory, "main").sealer;
    expect(intake.accept(topic, restarted.seal(lampReport({ sequence: 10, currentA: 3 })))).toBe("refused");
    expect(intake.accept(topic, restarted.seal(lampReport({ sequence: 8 })))).toBe("stored");
    expect(intake.counters).toMatchObject({ stored: 3, replays: 2 });
    expect(alerts()).toMatchObject([{ kind: "replay", meter: "main" }]); // the others within its 10 s
    expect(
      store
        .range("main", 0, 8e15, 10)
        .map(({ sequence }) => sequence)
        .sort(),
    ).toEqual([1, 10, 8]);
  });

  it("stores what is sealed in an older start, as after a key was made anew, and says so once", () => {
    const { intake, topic, main, directory, alerts, clock, received } = centreBench();
    const older = main.seal(lampReport({ sequence: 11, endMs: clock.nowMs() }));
    const alsoOlder = main.seal(lampReport({ sequence: 12, endMs: clock.nowMs() }));
    const restarted = Sealer.open(directory, "main").sealer;
    intake.accept(topic, restarted.seal(lampReport({ sequence: 10, endMs: clock.nowMs() })));
    expect([older, alsoOlder].map((bytes) => intake.accept(topic, bytes))).toEqual(["stored", "stored"]);
    expect(received().map((event) => "sequence" in event && event.sequence)).toEqual([10, 11, 12]);
    expect(intake.counters).toMatchObject({ stored: 3, replays: 0 });
    expect(alerts()).toEqual([
      { event: "alert", kind: "replay", meter: "main", text: expect.stringMatching(/^report 11 .*stored/) },
    ]);
  });

  it("refuses a changed frame as a bad seal, and foreign topics and lengths as bad frames", () => {
    const { intake, topic, frame, alerts, store } = centreBench();
    const changed = frame(1);
    changed[20]! ^= 1;
    expect(intake.accept(topic, changed)).toBe("refused");
    for (const [other, bytes] of [
      ["meter-rig/lab-1/neighbour/frame", frame(2)],
      ["meter-rig/lab-1/stranger/frame", frame(2)],
      ["meter-rig/lab-2/main/frame", frame(2)],
      ["meter-rig/lab-1/main/status", frame(2)],
      [topic, frame(2).subarray(1)],
      [topic, new Uint8Array()],
    ] as const) {
      expect(intake.accept(other, bytes), other).toBe("refused");
    }
    expect(intake.counters).toMatchObject({ stored: 0, badSeals: 1, malformed: 6 });
    expect(alerts().map((event) => "kind" in event && [event.kind, event.meter])).toEqual([
      ["bad-seal", "main"],
      ["bad-frame", "neighbour"],
      ["bad-frame", null],
      ["bad-frame", "main"],
    ]);
    expect(store.lastSequence("main")).toBe(0);
  });

  it("raises one alert of a kind and meter in 10 s, and then one with the number of the rest", async () => {
    const { intake, topic, alerts, clock } = centreBench();
    for (let count = 0; count < 500; count += 1) intake.accept(topic, new Uint8Array(count % 50));
    expect(alerts()).toHaveLength(1);
    await clock.advance(10_000);
    expect(alerts()).toHaveLength(2);
    expect(alerts()[1]).toMatchObject({ text: expect.stringMatching(/^499 more within 10 s/) });
    await clock.advance(10_000);
    intake.accept(topic, new Uint8Array());
    expect(alerts()).toHaveLength(3);
  });

  it("throws when the store cannot keep the report, alerts, and stores it at the next try", () => {
    const { intake, topic, frame, store, alerts, received } = centreBench();
    const bytes = frame(1);
    const release = holdDatabase(store.file);
    expect(() => intake.accept(topic, bytes)).toThrow(StorageError);
    expect([received().length, alerts().length]).toEqual([0, 1]);
    expect(alerts()[0]).toMatchObject({ kind: "storage", meter: "main" });
    release();
    expect(intake.accept(topic, bytes)).toBe("stored");
  });

  it("refuses whatever bytes come, on whatever topic, and stores none of them", () => {
    const { intake, store } = centreBench();
    const topics = fc.oneof(
      fc.string(),
      fc.constantFrom("meter-rig/lab-1/main/frame", "meter-rig/lab-1/neighbour/frame"),
    );
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ minLength: 53, maxLength: 53 }).map((bytes) => {
        bytes.set([0x11, 1]);
        return bytes;
      }),
    );
    fc.assert(
      fc.property(topics, frames, (topic, bytes) => {
        expect(intake.accept(topic, bytes)).toBe("refused");
      }),
    );
    expect(store.range(null, 0, 8e15, 10)).toEqual([]);
  });
});

/** Another program writes to the database and does not finish. @returns ends it */
function holdDatabase(file: string): () => void {
  const other = new Database(file);
  other.exec("BEGIN IMMEDIATE");
  return () => {
    other.exec("ROLLBACK");
    other.close();
  };
}
