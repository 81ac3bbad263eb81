import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { RigProcess } from "../support/rig-process.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const LIMIT_MS = 60_000;
const TWO_METERS = "meters:\n  - id: main\n  - id: neighbour\n";
const ANY_WEB_PORT = "centre: { web: { port: 0 } }\n";

let directory: string;
let data: string;
beforeEach(() => {
  directory = temporaryDirectory();
  data = path.join(directory, "data");
});

function configFile(text: string): string {
  const file = path.join(directory, "bench.yaml");
  writeFileSync(file, text);
  return file;
}

function start(text: string): RigProcess {
  return new RigProcess("--plain", "--config", configFile(text), "--data", data);
}

/** Runs until the first readings, then stops cleanly. */
async function runShortly(text = TWO_METERS + ANY_WEB_PORT): Promise<RigProcess> {
  const rig = start(text);
  await rig.until(
    "a reading of each meter",
    () => ["main", "neighbour"].every((meter) => rig.all("reading", meter).length > 0),
    LIMIT_MS,
  );
  rig.say("quit");
  expect(await rig.exit).toBe(0);
  return rig;
}

describe("a rig that is started wrongly says so in one line, exits with 2 and starts nothing:", {
  timeout: LIMIT_MS,
}, () => {
  it.each([
    ["an unknown command", ["dance"], "there is no command dance"],
    ["an unknown option", ["--fast"], "--fast"],
    [
      "a configuration that is not there",
      ["--config", "nowhere.yaml"],
      "nowhere.yaml: there is no such file",
    ],
  ])("%s", async (_, words, part) => {
    const rig = new RigProcess("--plain", "--data", data, ...words);
    expect(await rig.exit).toBe(2);
    expect(rig.stderr.trim().split("\n")).toHaveLength(1);
    expect(rig.stderr).toContain(part);
    expect(existsSync(data)).toBe(false);
  });

  it("a board's port that is not there, with file, line, key and value", async () => {
    const port = process.platform === "win32" ? "COM250" : "/dev/ttyACM250";
    const rig = start(`meters:\n  - id: main\n    board:\n      port: ${port}\n${ANY_WEB_PORT}`);
    expect(await rig.exit).toBe(2);
    expect(rig.stderr).toMatch(/bench\.yaml:4: meters\[0\]\.board\.port is ".*250": /);
    expect(rig.events).toEqual([]);
  });

  it("a web port that is taken, with file, line, key and value", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const rig = start(`${TWO_METERS}centre:\n  web:\n    port: ${port}\n`);
    expect(await rig.exit).toBe(2);
    expect(rig.stderr).toContain(`bench.yaml:6: centre.web.port is ${port}: `);
    expect(rig.stderr.trim().split("\n")).toHaveLength(1);
    expect(rig.events).toEqual([]);
    server.close();
  });

  it("a data directory that another rig holds, naming its process", async () => {
    const first = start(TWO_METERS + ANY_WEB_PORT);
    await first.until("a board event", () => first.all("board").length > 0, LIMIT_MS);
    const second = start(TWO_METERS + ANY_WEB_PORT);
    expect(await second.exit).toBe(2);
    expect(second.stderr).toMatch(/data is in use by another rig \(process \d+\)/);
    first.say("quit");
    expect(await first.exit).toBe(0);
  });
});

describe("files that are damaged", { timeout: 2 * LIMIT_MS }, () => {
  it("registers: the broken file is kept aside, the energy is no lower than before, and alerts say so", async () => {
    const before = await runShortly();
    const file = path.join(data, "registers", "main.json");
    const broken = readFileSync(file, "utf8").slice(0, 40);
    writeFileSync(file, broken);

    const after = await runShortly();
    expect(readFileSync(`${file}.broken-1`, "utf8")).toBe(broken);
    expect(after.all("alert", "main")[0]?.text).toContain(`${file}.broken-1`);
    const lastWh = before.all("reading", "main").at(-1)?.energyWh as number;
    expect(after.all("reading", "main")[0]?.energyWh).toBeGreaterThanOrEqual(lastWh);
  });

  it("registers that are gone: the energy goes on from what the centre has stored, and an alert says so", async () => {
    const before = await runShortly();
    rmSync(path.join(data, "registers"), { recursive: true });

    const after = await runShortly();
    const storedWh = before.all("received", "main").at(-1)?.energyWh as number;
    expect(after.all("alert", "main").map(({ text }) => text)).toEqual([
      expect.stringContaining(`they go on from ${storedWh} Wh`),
    ]);
    expect(after.all("reading", "main")[0]?.energyWh).toBeGreaterThanOrEqual(storedWh);
  });

  it("journal: the broken file is kept aside, sequences go on, and an alert says so", async () => {
    const before = await runShortly();
    const last = before.all("report", "main").at(-1)?.sequence as number;
    const file = path.join(data, "journal", "main.jsonl");
    writeFileSync(file, "garbage\n");

    const after = await runShortly();
    expect(readFileSync(`${file}.broken-1`, "utf8")).toBe("garbage\n");
    expect(after.all("alert", "main").map(({ text }) => text)).toEqual([
      expect.stringContaining(`${file}.broken-1`),
    ]);
    expect(after.all("received", "main")[0]?.sequence).toBe(last + 1);
  });

  it("key: the broken file is kept aside and nothing is started; the start after it makes a new key, says so, and its reports arrive", async () => {
    const before = await runShortly();
    const last = before.all("received", "main").at(-1)?.sequence as number;
    const file = path.join(data, "keys", "main.json");
    const broken = readFileSync(file, "utf8").slice(0, 40);
    writeFileSync(file, broken);

    const rig = start(TWO_METERS + ANY_WEB_PORT);
    expect(await rig.exit).toBe(1);
    expect(rig.stderr).toContain(`${file}.broken-1`);
    expect(readFileSync(`${file}.broken-1`, "utf8")).toBe(broken);
    expect(readdirSync(path.join(data, "keys"))).not.toContain("main.json");
    expect(rig.events).toEqual([]);

    const after = await runShortly();
    expect(after.all("alert").map(({ text }) => text)).toContainEqual(
      expect.stringContaining("a new key was made for meter main"),
    );
    expect(after.all("received", "main").map(({ sequence }) => sequence)).toContain(last + 1);
    expect(after.all("sent", "main").map(({ sequence }) => sequence)).toEqual(
      after.all("received", "main").map(({ sequence }) => sequence),
    );
  });
});

it("a verb that does not exist is refused with the list of those that do", {
  timeout: LIMIT_MS,
}, async () => {
  const rig = start(TWO_METERS + ANY_WEB_PORT);
  await rig.until("a board event", () => rig.all("board").length > 0, LIMIT_MS);
  rig.say("dance");
  rig.say("lamps main 7");
  rig.say("unplug nobody");
  rig.say("quit");
  expect(await rig.exit).toBe(0);
  const answers = rig.all("command").map(({ outcome, text }) => [outcome, text]);
  expect(answers).toEqual([
    ["refused", expect.stringContaining("lamps METER N")],
    ["refused", expect.stringContaining("0 to 4")],
    ["refused", expect.stringContaining("main, neighbour")],
    ["done", "stopping"],
  ]);
});
