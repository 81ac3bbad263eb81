import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Terminal } from "./terminal.js";

let terminal: Terminal;

beforeEach(async () => {
  terminal = await new Terminal().open();
});

afterEach(async () => {
  await terminal.stop();
  expect(terminal.clock.armedTimers).toBe(0);
});

const supply = (on: boolean) => terminal.modem.command({ verb: "modem", on });
const sim = (inserted: boolean) => terminal.modem.command({ verb: "sim", inserted });
const network = (up: boolean) => terminal.modem.command({ verb: "network", up });
const fault = (name: "pin" | "no-sim" | "brown-out" | "none") =>
  terminal.modem.command({ verb: "fault", what: "modem", name });

const BOOT = "\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n";

describe("the supply of the virtual SIM900", () => {
  it("has been on for long at the start: registered, attached, nothing unasked", async () => {
    await terminal.pass(10_000);
    expect(terminal.heard()).toBe("");
    await terminal.ask("ATE0");
    expect(await terminal.ask("AT+CPIN?")).toBe("\r\n+CPIN: READY\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT+CREG?;+CGREG?")).toBe("\r\n+CREG: 0,1\r\n\r\n+CGREG: 0,1\r\n\r\nOK\r\n");
  });

  it("is silent without supply, and boots by itself when it comes back", async () => {
    await terminal.ask("ATE0");
    supply(false);
    terminal.type("AT\r");
    await terminal.pass(5000);
    expect(terminal.heard()).toBe("");
    supply(true);
    const startMs = terminal.clock.steadyMs();
    const boot = await terminal.hear("Call Ready\r\n", 20_000);
    // Nine bytes for the download tool first, unreadable at 9600 baud.
    expect(boot.slice(9)).toBe(BOOT);
    expect(boot.slice(0, 9)).not.toMatch(/[\x20-\x7e]/);
    expect(terminal.clock.steadyMs() - startMs).toBeGreaterThan(7000);
    expect(await terminal.ask("AT+CREG?")).toBe("AT+CREG?\r\r\n+CREG: 0,1\r\n\r\nOK\r\n");
  });

  it("emits 00 49 49 49 49 FF FF FF FF at 115200 baud when it starts", async () => {
    await terminal.close();
    await terminal.open(115_200);
    fault("brown-out");
    await terminal.pass(1000);
    expect(terminal.heard()).toBe("\x00IIII\xff\xff\xff\xff");
  });

  it("answers CPIN? with SIM busy in the first second after RDY", async () => {
    fault("brown-out");
    await terminal.hear("RDY\r\n");
    expect(await terminal.ask("ATE0+CMEE=1;+CPIN?")).toContain("+CME ERROR: 14");
    await terminal.hear("+CPIN: READY\r\n");
    expect(await terminal.ask("AT+CPIN?")).toBe("\r\n+CPIN: READY\r\n\r\nOK\r\n");
  });

  it("forgets what a brown-out makes it forget", async () => {
    await terminal.ask("ATE0+CMEE=1;+CMGF=1");
    fault("brown-out");
    await terminal.hear("Call Ready\r\n", 20_000);
    expect(await terminal.ask("AT+CMEE?;+CMGF?")).toBe(
      "AT+CMEE?;+CMGF?\r\r\n+CMEE: 0\r\n\r\n+CMGF: 0\r\n\r\nOK\r\n",
    );
  });

  it("restarts for AT+CFUN=1,1 after its OK", async () => {
    await terminal.ask("ATE0");
    expect(await terminal.ask("AT+CFUN=1,1")).toBe("\r\nOK\r\n");
    expect((await terminal.hear("Call Ready\r\n", 20_000)).slice(9)).toBe(BOOT);
  });

  it("says NORMAL POWER DOWN for AT+CPOWD=1 and no OK, and is off", async () => {
    await terminal.ask("ATE0");
    expect(await terminal.ask("AT+CPOWD=1", "DOWN\r\n")).toBe("\r\nNORMAL POWER DOWN\r\n");
    await terminal.pass(2000);
    terminal.type("AT\r");
    await terminal.pass(5000);
    expect(terminal.heard()).toBe("");
  });

  it("goes off and on by PWRKEY low for more than a second, and not by half a second", async () => {
    const press = async (forMs: number) => {
      terminal.modem.powerKey(true);
      await terminal.pass(forMs);
      terminal.modem.powerKey(false);
    };
    await terminal.ask("ATE0");
    await press(500);
    expect(await terminal.ask("AT")).toBe("\r\nOK\r\n");
    await press(1200);
    expect(await terminal.hear("DOWN\r\n")).toBe("\r\nNORMAL POWER DOWN\r\n");
    await terminal.pass(3000);
    await press(1200);
    expect((await terminal.hear("Call Ready\r\n", 20_000)).slice(9)).toBe(BOOT);
  });

  it("says at boot that the SIM is not there before +CFUN: 1", async () => {
    sim(false);
    expect(await terminal.hear("INSERTED\r\n")).toBe("\r\n+CPIN: NOT INSERTED\r\n");
    fault("brown-out");
    expect((await terminal.hear("1\r\n")).slice(9)).toBe(
      "\r\nRDY\r\n\r\n+CPIN: NOT INSERTED\r\n\r\n+CFUN: 1\r\n",
    );
    await terminal.ask("ATE0+CMEE=1");
    expect(await terminal.ask("AT+CPIN?")).toBe("\r\n+CME ERROR: 10\r\n");
    expect(await terminal.ask("AT+CREG?")).toBe("\r\n+CREG: 0,0\r\n\r\nOK\r\n");
  });
});

describe("SIM and coverage of the virtual SIM900", () => {
  it("loses its registration with the SIM and gets it back within four seconds", async () => {
    await terminal.ask("ATE0+CREG=1");
    sim(false);
    expect(await terminal.hear("0\r\n")).toBe("\r\n+CPIN: NOT INSERTED\r\n\r\n+CREG: 0\r\n");
    sim(true);
    expect(await terminal.hear("+CREG: 1\r\n", 4000)).toBe(
      "\r\n+CPIN: READY\r\n\r\n+CREG: 2\r\n\r\n+CREG: 1\r\n",
    );
    fault("no-sim");
    await terminal.hear("INSERTED\r\n\r\n+CREG: 0\r\n");
    fault("none");
    await terminal.hear("+CREG: 1\r\n", 4000);
  });

  it("loses registration, attach and bearer with the network, and registers again", async () => {
    await terminal.bringUp();
    await terminal.ask("AT+CREG=2;+CGREG=1");
    network(false);
    expect(await terminal.hear("DEACT\r\n")).toBe("\r\n+CREG: 2\r\n\r\n+CGREG: 2\r\n\r\n+PDP: DEACT\r\n");
    expect(await terminal.ask("AT+CSQ;+CGATT?;+COPS?")).toBe(
      "\r\n+CSQ: 99,0\r\n\r\n+CGATT: 0\r\n\r\n+COPS: 0\r\n\r\nOK\r\n",
    );
    expect(await terminal.ask("AT+CIPSTATUS", /STATE: .*\r\n/)).toContain("STATE: PDP DEACT");
    expect(await terminal.ask("AT+CGATT=1")).toBe("\r\nERROR\r\n");
    network(true);
    expect(await terminal.hear("+CGREG: 1\r\n")).toMatch(/^\r\n\+CREG: 1,"[0-9A-F]{4}","[0-9A-F]{4}"\r\n/);
    expect(await terminal.ask("AT+CREG?")).toMatch(/^\r\n\+CREG: 2,1,"[0-9A-F]{4}","[0-9A-F]{4}"\r\n/);
    expect(await terminal.ask("AT+CIICR")).toBe("\r\nERROR\r\n");
    await terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    await terminal.bringUp();
  });

  it("detaches and attaches on command", async () => {
    await terminal.bringUp();
    expect(await terminal.ask("AT+CGATT=0")).toBe("\r\n+PDP: DEACT\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT+CGATT=1;+CGATT?")).toBe("\r\n+CGATT: 1\r\n\r\nOK\r\n");
  });

  it("goes without radio with AT+CFUN=4, and registers again with AT+CFUN=1", async () => {
    await terminal.ask("ATE0");
    expect(await terminal.ask("AT+CFUN=4;+CFUN?;+CREG?")).toBe(
      "\r\n+CFUN: 4\r\n\r\n+CREG: 0,0\r\n\r\nOK\r\n",
    );
    expect(await terminal.ask("AT+CREG=1;+CFUN=1", "+CREG: 1\r\n")).toContain("+CREG: 2\r\n");
  });

  it("takes the same times again with the same seed, and others with another", async () => {
    const bringUpMs = async (seed: number) => {
      const other = await new Terminal({ seed }).open();
      await other.bringUp();
      await other.stop();
      return other.clock.steadyMs();
    };
    expect(await bringUpMs(7)).toBe(await bringUpMs(7));
    expect(new Set([await bringUpMs(7), await bringUpMs(8), await bringUpMs(9)]).size).toBeGreaterThan(1);
  });

  it("wants its PIN after the fault and takes 1234", async () => {
    fault("pin");
    expect((await terminal.hear("SIM PIN\r\n")).slice(9)).toBe(
      "\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: SIM PIN\r\n",
    );
    await terminal.ask("ATE0+CMEE=1");
    expect(await terminal.ask("AT+CPIN?;+CREG?")).toBe("\r\n+CPIN: SIM PIN\r\n\r\n+CREG: 0,0\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT+CGATT=1")).toBe("\r\n+CME ERROR: 11\r\n");
    expect(await terminal.ask('AT+CPIN="1234"')).toBe("\r\nOK\r\n");
    expect(await terminal.hear("Call Ready\r\n")).toBe("\r\n+CPIN: READY\r\n\r\nCall Ready\r\n");
    expect(await terminal.ask("AT+CREG?")).toContain("+CREG: 0,1");
  });

  it("is blocked by the third wrong PIN, also over a restart", async () => {
    fault("pin");
    await terminal.hear("SIM PIN\r\n");
    await terminal.ask("ATE0+CMEE=1");
    expect(await terminal.ask("AT+CPIN=1111")).toBe("\r\n+CME ERROR: 16\r\n");
    expect(await terminal.ask("AT+CPIN=1111")).toBe("\r\n+CME ERROR: 16\r\n");
    expect(await terminal.ask("AT+CPIN=1111")).toBe("\r\n+CME ERROR: 12\r\n");
    expect(await terminal.ask("AT+CPIN?")).toContain("+CPIN: SIM PUK");
    expect(await terminal.ask("AT+CPIN=1234")).toBe("\r\n+CME ERROR: 12\r\n");
    fault("brown-out");
    await terminal.hear("SIM PUK\r\n");
    fault("none");
    await terminal.hear("+CPIN: READY\r\n");
  });

  it("shows 1980 until the network has told its time", async () => {
    await terminal.ask("ATE0");
    expect(await terminal.ask("AT+CCLK?")).toMatch(/^\r\n\+CCLK: "80\/01\/06,00:00:0\d\+00"\r\n\r\nOK\r\n$/);
    terminal.type("AT+CLTS=1\r");
    expect(await terminal.hear("DST: 0\r\n")).toMatch(
      /^\r\nOK\r\n\r\n\*PSUTTZ: 2026,1,1,0,0,\d,"\+0",0\r\n\r\nDST: 0\r\n$/,
    );
    expect(await terminal.ask("AT+CCLK?")).toMatch(/"26\/01\/01,00:00:0\d\+00"/);
    network(false);
    network(true);
    expect(await terminal.hear("DST: 0\r\n")).toContain("*PSUTTZ: 2026,1,1,0,0,");
    expect(await terminal.ask('AT+CCLK="26/02/30,00:00:00+00"')).toBe("\r\nERROR\r\n");
    expect(await terminal.ask('AT+CCLK="30/06/01,12:00:00+08";+CCLK?')).toMatch(/"30\/06\/01,12:00:0\d\+08"/);
  });

  it("gives local time in the network's zone", async () => {
    await terminal.stop();
    terminal = await new Terminal({ zoneQuarterHours: 22 }).open();
    await terminal.ask("AT+CLTS=1");
    await terminal.hear("DST: 0\r\n");
    // Midnight UTC is half past five in the morning at +05:30.
    expect(await terminal.ask("AT+CCLK?")).toMatch(/"26\/01\/01,05:30:0\d\+22"/);
  });

  it("refuses what no telephone can do", () => {
    expect(() => terminal.modem.command({ verb: "sms", number: "alice", text: "hi" })).toThrow(/"alice"/);
    expect(() => new Terminal({ baudBps: 12_345 })).toThrow(
      /baudBps must be 0 \(autobaud\) or one of 1200, .* not 12345/,
    );
  });
});
