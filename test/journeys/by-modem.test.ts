import { spawn } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { projectFile } from "../../rig/core/project-root.js";
import { makeMissingKeys } from "../../rig/seal/key-file.js";
import { RigProcess, type SeenEvent } from "../support/rig-process.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const LIMIT_MS = 60_000;
const METERS = ["main", "neighbour"];
/** The paper's start-up, section 4.1, in its order, with the steps that it left out between them. */
const PAPERS_SEQUENCE = [
  "AT",
  "AT+CPIN?",
  "AT+CREG?",
  "AT+CGATT?",
  "AT+CIPSHUT",
  'AT+CSTT="airtelgprs.com"',
  "AT+CIICR",
  "AT+CIFSR",
  'AT+CIPSTART="TCP","127.0.0.1"',
  "AT+CIPSEND=",
];

function configIn(directory: string, modem: string): string {
  const file = path.join(directory, "bench.yaml");
  writeFileSync(
    file,
    `report: { every: 2s }\nmeters:\n  - { id: main, virtual: { lamps: 4 } }\n  - { id: neighbour }\nmodem: ${modem}\ncentre: { web: { port: 0 } }\n`,
  );
  return file;
}

/** A TCP port that nobody had a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const sequencesOf = (events: readonly SeenEvent[], meter: string) =>
  events
    .filter(({ event, meter: of }) => event === "received" && of === meter)
    .map(({ sequence }) => sequence as number)
    .sort((a, b) => a - b);

it("reports go out by the SIM900 in the paper's sequence, wait while the network is away, and arrive with their own time", {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const directory = temporaryDirectory();
  const config = configIn(directory, "{ port: virtual, apn: airtelgprs.com }");
  const rig = new RigProcess(
    "--plain",
    "--trace",
    "at",
    "--config",
    config,
    "--data",
    path.join(directory, "data"),
  );
  onTestFinished(() => rig.kill());
  const twoOfEach = () => METERS.every((meter) => rig.all("received", meter).length >= 2);
  await rig.until("two reports of each meter", twoOfEach, LIMIT_MS);

  const commands = rig
    .all("at")
    .filter(({ direction }) => direction === ">")
    .map(({ text }) => String(text));
  let from = 0;
  for (const command of PAPERS_SEQUENCE) {
    const at = commands.findIndex((text, index) => index >= from && text.startsWith(command));
    expect(at, `${command} after ${commands.slice(0, from).join(" ")}`).toBeGreaterThanOrEqual(from);
    from = at + 1;
  }
  expect(rig.all("modem").at(-1)).toMatchObject({ state: "online" });

  rig.say("network down");
  await rig.until("the modem notices", () => rig.all("modem").at(-1)?.state !== "online", LIMIT_MS);
  const madeBefore = rig.all("report", "main").length;
  await rig.until(
    "reports made meanwhile",
    () => rig.all("report", "main").length >= madeBefore + 3,
    LIMIT_MS,
  );
  rig.say("network up");
  const allThere = () => METERS.every((meter) => rig.all("report", meter).at(-1)?.waiting === 1);
  await rig.until("nothing waits but the newest", allThere, LIMIT_MS);
  rig.say("quit");
  expect(await rig.exit).toBe(0);
  expect(rig.stderr).toBe("");
  for (const meter of METERS) {
    const made = rig.all("report", meter);
    expect(sequencesOf(rig.events, meter)).toEqual(made.map(({ sequence }) => sequence));
    for (const report of rig.all("received", meter)) {
      expect(report.measuredAt).toBe(made.find(({ sequence }) => sequence === report.sequence)?.measuredAt);
    }
  }
});

it("a rig that is killed in the middle of a CIPSEND finds the modem waiting for the rest of it, fills it up, and delivers", {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const directory = temporaryDirectory();
  const data = path.join(directory, "data");
  const centreData = path.join(directory, "centre");
  makeMissingKeys(centreData, METERS);
  cpSync(path.join(centreData, "keys"), path.join(data, "keys"), { recursive: true });

  // Slow, so that there is time to kill: a report is on the line for 0.35 s. The centre lives on, so that the connection does.
  const baudBps = 2400;
  const brokerPort = await freePort();
  const modem = new RigProcess("virtual-modem", "--listen", "127.0.0.1:0", "--baud", String(baudBps));
  onTestFinished(() => modem.kill());
  await modem.until("the modem's address", () => modem.all("listening").length === 1);
  const address = modem.all("listening")[0]?.address;
  const meters =
    "report: { every: 5s }\nmeters:\n  - { id: main, virtual: { lamps: 4 } }\n  - { id: neighbour }\n";
  const centreConfig = path.join(directory, "centre.yaml");
  writeFileSync(centreConfig, `${meters}broker: { listen: ${brokerPort} }\ncentre: { web: { port: 0 } }\n`);
  const centre = new RigProcess("centre", "--config", centreConfig, "--data", centreData);
  onTestFinished(() => centre.kill());
  await centre.until("the centre", () => centre.all("centre").length === 1);
  const config = path.join(directory, "bench.yaml");
  const login = `username: rig, passwordFile: "${path.join(centreData, "broker.password")}"`;
  writeFileSync(
    config,
    `${meters}modem: { port: "${address}", baud: ${baudBps}, apn: airtelgprs.com }\nbroker: { port: ${brokerPort}, ${login} }\ncentre: { embedded: false }\n`,
  );
  const start = () => {
    const rig = new RigProcess("--plain", "--trace", "at", "--config", config, "--data", data);
    onTestFinished(() => rig.kill());
    return rig;
  };
  const payloads = (rig: RigProcess) =>
    rig.all("at").filter(({ direction, kind }) => direction === ">" && kind === "payload");

  const first = start();
  await first.until("a report sent", () => first.all("sent").length >= 1, LIMIT_MS);
  const before = payloads(first).length;
  await first.until("the next one on the line", () => payloads(first).length > before, LIMIT_MS);
  first.kill("SIGKILL");
  expect(await first.exit).toBe("SIGKILL");

  const second = start();
  const sentByBoth = () => METERS.every((meter) => second.all("sent", meter).length >= 2);
  await second.until("reports after the kill", sentByBoth, LIMIT_MS);
  second.say("quit");
  expect(await second.exit).toBe(0);
  const written = second.all("at").filter(({ direction }) => direction === ">");
  const filling = written.findIndex(
    ({ kind, text }) => kind === "payload" && /^(\\x0D)+$/.test(String(text)),
  );
  const setUp = written.findIndex(({ text }) => text === "AT+CIPSHUT");
  expect(filling).toBeGreaterThanOrEqual(0);
  expect(filling).toBeLessThan(setUp);
  for (const meter of METERS) {
    const sequences = sequencesOf(centre.events, meter);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    expect(sequences.at(-1)).toBe(second.all("report", meter).at(-1)?.sequence);
  }
  for (const program of [modem, centre]) {
    program.say("quit");
    program.kill("SIGTERM");
  }
  expect([await modem.exit, await centre.exit]).toEqual([0, 0]);
});

it("the AT terminal answers a script with what each answer means", { timeout: LIMIT_MS }, async () => {
  const main = projectFile(".build", "rig", "apps", "main.js");
  const run = `import(${JSON.stringify(main)}).then(({ main }) => main(process.argv.slice(1)))`;
  const child = spawn(process.execPath, ["-e", run, "--", "at", "--port", "virtual"]);
  onTestFinished(() => void child.kill());
  let output = "";
  child.stdout.on("data", (text: Buffer) => {
    output += text.toString("latin1");
  });
  child.stdin.end("ATE0\nAT+CSQ\nAT+CMEE=1\nAT+CIPSEND=3\n");
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code).toBe(0);
  expect(output).toMatch(/\+CSQ: \d+,\d+.*dBm/);
  expect(output).toMatch(/ERROR.*not allowed/);
});
