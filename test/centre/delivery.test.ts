/** The thread from a meter's report to the centre's store, over real sockets, with what can break on the way. */

import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import Database from "libsql";
import { describe, expect, it, onTestFinished } from "vitest";
import { startBroker } from "../../rig/centre/broker.js";
import { type Centre, startCentre } from "../../rig/centre/centre.js";
import { systemClock } from "../../rig/core/clock.js";
import { parseConfig } from "../../rig/core/config-file.js";
import type { RigEvent } from "../../rig/core/events.js";
import { Journal } from "../../rig/route/journal.js";
import { Router } from "../../rig/route/router.js";
import { quantise } from "../../rig/seal/frame.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { MqttUplink } from "../../rig/uplink/mqtt-uplink.js";
import { openTcpStream } from "../../rig/uplink/tcp-stream.js";
import { centreBench } from "../support/centre-bench.js";
import { lampReport } from "../support/reports.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { until } from "../support/until.js";

const config = (extra = "") =>
  parseConfig(
    `site: lab-1\nmeters: [{ id: main }, { id: neighbour }]\ncentre: { web: { port: 0 } }\n${extra}`,
    "test.yaml",
  ).config;

async function centreIn(directory: string, extra = "") {
  const events: RigEvent[] = [];
  const centre = await startCentre({
    config: config(extra),
    dataDirectory: directory,
    clock: systemClock,
    emit: (event) => events.push(event),
  });
  let running = true;
  const stop = async () => {
    if (running) await centre.stop();
    running = false;
  };
  onTestFinished(stop);
  return { centre, events, stop };
}

/** What the rig has of its meters, from their sealers to the uplink that they share. */
function rigIn(directory: string, broker: Centre["broker"], meters = ["main"]) {
  const events: RigEvent[] = [];
  const emit = (event: RigEvent) => {
    events.push(event);
  };
  const { host, port, ...credentials } = broker;
  const uplink = new MqttUplink({
    ...credentials,
    site: "lab-1",
    meters,
    broker: `the broker at ${host}:${port}`,
    openStream: (signal) => openTcpStream(host, port, signal),
    clock: systemClock,
    random: () => 0,
    emit,
  });
  const sealers = new Map(meters.map((meter) => [meter, Sealer.open(directory, meter).sealer]));
  const journals = meters.map((meter) => Journal.open(directory, meter).journal);
  const legs = journals.map((journal) => ({ meter: journal.meter, journal, carrier: uplink }));
  const router = new Router(legs, { clock: systemClock, emit });
  uplink.start();
  router.start();
  let running = true;
  const stop = async () => {
    if (!running) return;
    running = false;
    await router.stop();
    await uplink.stop();
    for (const journal of journals) journal.close();
  };
  onTestFinished(stop);
  const submit = (currentA: number, meter = "main") =>
    router.submit(meter, (sequence) =>
      sealers.get(meter)!.seal(lampReport({ sequence, currentA, endMs: systemClock.nowMs() })),
    );
  return { events, submit, router, stop };
}

const sequences = (events: readonly RigEvent[], kind: "sent" | "received", meter: string) =>
  events.flatMap((event) => (event.event === kind && event.meter === meter ? [event.sequence] : []));

describe("delivery", () => {
  it("brings every report of two meters to the centre once, live first, with the values that were sealed", async () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main", "neighbour"]);
    const { centre, events } = await centreIn(directory);
    const rig = rigIn(directory, centre.broker, ["main", "neighbour"]);
    for (let count = 1; count <= 20; count += 1) {
      rig.submit(count / 7);
      rig.submit(count / 11, "neighbour");
    }
    expect(await rig.router.drain(5000)).toBe(true);
    const expected = [20, ...Array.from({ length: 19 }, (_none, index) => index + 1)];
    expect(sequences(rig.events, "sent", "main")).toEqual(expected);
    expect(sequences(events, "received", "main")).toEqual(expected);
    expect(sequences(events, "received", "neighbour")).toEqual(expected);
    const newest = events.find((event) => event.event === "received" && event.sequence === 20);
    expect(newest).toMatchObject({
      currentA: quantise(lampReport({ currentA: 20 / 7 })).currentA,
      via: null,
      delayed: false,
    });
    expect([centre.lastSequence("main"), centre.lastEnergyWh("main")]).toEqual([20, 12.345]);
    expect(centre.counters).toEqual({ stored: 40, redelivered: 0, malformed: 0, badSeals: 0, replays: 0 });
    const page = (await (await fetch(`${centre.web.url}api/reports?meter=main`)).json()) as {
      reports: unknown[];
    };
    expect(page.reports).toHaveLength(20);
  });

  it("stores once what was stored when its acknowledgement got lost, across a kill of the rig", async () => {
    const { directory, intake, store } = centreBench();
    const password = "p";
    let loseAcknowledgement = true;
    const broker = await startBroker({
      meters: ["main", "neighbour"],
      host: "127.0.0.1",
      port: 0,
      site: "lab-1",
      password,
      accept: (topic, payload) => {
        intake.accept(topic, payload);
        if (loseAcknowledgement) throw new Error("the line breaks before the PUBACK");
      },
    });
    onTestFinished(() => broker.stop());
    const access = { host: broker.host, port: broker.port, username: "rig", password };
    const first = rigIn(directory, access);
    expect(first.submit(1)).toBe(1);
    await until(() => store.lastSequence("main") === 1, "stored");
    expect(first.router.waiting("main")).toBe(1);
    await first.stop(); // nothing of its memory survives, as after a kill
    loseAcknowledgement = false;
    const second = rigIn(directory, access);
    expect(second.submit(2)).toBe(2);
    expect(await second.router.drain(5000)).toBe(true);
    expect(intake.counters).toEqual({ stored: 2, redelivered: 1, malformed: 0, badSeals: 0, replays: 0 });
    expect(store.range("main", 0, 8e15, 9).map(({ sequence }) => sequence)).toEqual([2, 1]);
  });

  it("waits out a store that cannot write: no acknowledgement before, no report lost, none twice", {
    timeout: 30_000,
  }, async () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main", "neighbour"]);
    const { centre, events } = await centreIn(directory);
    const main = rigIn(directory, centre.broker);
    const other = new Database(path.join(directory, "centre.db"));
    other.exec("BEGIN IMMEDIATE");
    main.submit(1);
    await until(
      () => events.some((event) => event.event === "alert" && event.kind === "storage"),
      "the alert",
    );
    expect(sequences(main.events, "sent", "main")).toEqual([]);
    other.exec("ROLLBACK");
    other.close();
    expect(await main.router.drain(10_000)).toBe(true);
    expect(sequences(events, "received", "main")).toEqual([1]);
  });

  it("delivers what waited when the centre comes back", { timeout: 30_000 }, async () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main", "neighbour"]);
    const first = await centreIn(directory);
    const main = rigIn(directory, first.centre.broker);
    main.submit(1);
    expect(await main.router.drain(5000)).toBe(true);
    await first.stop();
    main.submit(2);
    main.submit(3);
    await main.stop();
    const second = await centreIn(directory);
    const restarted = rigIn(directory, second.centre.broker);
    expect(restarted.submit(4)).toBe(4);
    expect(await restarted.router.drain(5000)).toBe(true);
    expect(sequences(second.events, "received", "main")).toEqual([2, 3, 4]);
    expect(second.centre.lastSequence("main")).toBe(4);
  });

  it("goes through a broker of one's own: the centre subscribes, and gets what came while it was away", {
    timeout: 30_000,
  }, async () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main", "neighbour"]);
    const password = "somebody's own";
    const broker = await startBroker({
      meters: ["main", "neighbour"],
      host: "127.0.0.1",
      port: 0,
      site: "lab-1",
      password,
      accept: () => undefined,
    });
    onTestFinished(() => broker.stop());
    writeFileSync(path.join(directory, "own.password"), `${password}\n`);
    const extra = `broker: { host: 127.0.0.1, port: ${broker.port}, username: rig, passwordFile: ${JSON.stringify(path.join(directory, "own.password"))} }`;
    const first = await centreIn(directory, extra);
    expect(first.centre.broker).toEqual({ host: "127.0.0.1", port: broker.port, username: "rig", password });
    const main = rigIn(directory, first.centre.broker);
    main.submit(1);
    // The subscription may begin after the first report: its session is there from the first report received on.
    for (let tries = 0; sequences(first.events, "received", "main").length === 0 && tries < 100; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (tries % 10 === 9) main.submit(1);
    }
    expect(await main.router.drain(5000)).toBe(true);
    const before = main.router.nextSequence("main") - 1;
    await first.stop();
    expect([main.submit(2), main.submit(3)]).toEqual([before + 1, before + 2]);
    expect(await main.router.drain(5000)).toBe(true);
    const second = await centreIn(directory, extra);
    await until(() => sequences(second.events, "received", "main").length === 2, "what came meanwhile");
    expect(sequences(second.events, "received", "main")).toEqual([before + 1, before + 2]);
    await second.stop();
    expect([...first.events, ...second.events].filter(({ event }) => event === "alert")).toEqual([]);
  });
});

describe("a centre that cannot start", () => {
  it("leaves nothing open: no key, the web port taken, a damaged broker password", async () => {
    const directory = temporaryDirectory();
    const start = (extra = "") => centreIn(directory, extra);
    await expect(start()).rejects.toMatchObject({ code: "seal/no-key" });
    makeMissingKeys(directory, ["main", "neighbour"]);

    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const taken = startCentre({
      config: parseConfig(`meters: [{ id: main }]\ncentre: { web: { port: ${port} } }`, "test.yaml").config,
      dataDirectory: directory,
      clock: systemClock,
      emit: () => undefined,
    });
    await expect(taken).rejects.toMatchObject({ code: "web/taken" });

    const password = path.join(directory, "broker.password");
    writeFileSync(password, "short");
    await expect(start()).rejects.toMatchObject({ code: "storage/damaged" });
    expect(readFileSync(`${password}.broken-1`, "utf8")).toBe("short");
    expect((await start()).centre.broker.username).toBe("rig");
  });

  it("keeps a damaged database aside, says so, and starts", async () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main", "neighbour"]);
    writeFileSync(path.join(directory, "centre.db"), "");
    const { events } = await centreIn(directory);
    expect(events).toEqual([
      { event: "alert", kind: "storage", meter: null, text: expect.stringContaining("centre.db.broken-1") },
    ]);
  });
});
