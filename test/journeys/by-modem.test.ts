import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { projectFile } from "../../rig/core/project-root.js";
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

it("a rig that is killed in the middle of a CIPSEND recovers the modem, which waits for the rest of it, and delivers", {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const directory = temporaryDirectory();
  const modem = new RigProcess("virtual-modem", "--listen", "127.0.0.1:0");
  onTestFinished(() => modem.kill());
  await modem.until("the modem's address", () => modem.all("listening").length === 1);
  const address = modem.all("listening")[0]?.address;
  const config = configIn(directory, `{ port: "${address}", apn: airtelgprs.com }`);
  const start = () => {
    const words = ["--plain", "--trace", "at", "--config", config, "--data", path.join(directory, "data")];
    const rig = new RigProcess(...words);
    onTestFinished(() => rig.kill());
    return rig;
  };
  const seen: SeenEvent[] = [];
  const inSend = ({ direction, kind }: SeenEvent) => direction === ">" && kind === "payload";

  const first = start();
  await first.until("a report sent", () => first.all("sent").length >= 1, LIMIT_MS);
  const payloads = first.all("at").filter(inSend).length;
  await first.until(
    "the next payload on its way",
    () => first.all("at").filter(inSend).length > payloads,
    LIMIT_MS,
  );
  first.kill("SIGKILL");
  expect(await first.exit).toBe("SIGKILL");
  seen.push(...first.events);

  const second = start();
  const enough = () => METERS.every((meter) => second.all("received", meter).length >= 2);
  await second.until("reports after the kill", enough, LIMIT_MS);
  second.say("quit");
  expect(await second.exit).toBe(0);
  seen.push(...second.events);
  for (const meter of METERS) {
    const sequences = sequencesOf(seen, meter);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  }
  modem.say("quit");
  expect(await modem.exit).toBe(0);
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
