import { afterEach, describe, expect, it } from "vitest";
import { Terminal } from "./terminal.js";

let terminal: Terminal;

const start = async (baudBps?: number) => {
  terminal = await new Terminal(baudBps === undefined ? {} : { baudBps }).open();
  return terminal;
};

afterEach(async () => {
  await terminal.stop();
  expect(terminal.clock.armedTimers).toBe(0);
});

describe("the line of the virtual SIM900", () => {
  it("echoes what is typed with the return, then answers", async () => {
    await start();
    expect(await terminal.ask("AT")).toBe("AT\r\r\nOK\r\n");
    expect(await terminal.ask("ATE0")).toBe("ATE0\r\r\nOK\r\n");
    expect(await terminal.ask("AT")).toBe("\r\nOK\r\n");
  });

  it("ignores a line feed after the return", async () => {
    await start();
    terminal.type("AT\r\nAT\r\n");
    expect(await terminal.hear("OK\r\n")).toBe("AT\r\r\nOK\r\n");
    terminal.type("\nAT\r\n");
    expect(await terminal.hear("OK\r\n")).toBe("AT\r\r\nOK\r\n");
  });

  it.each(["AT", "At", "aT", "at"])("takes %s for a prefix when its rate is known", async (prefix) => {
    await start();
    expect(await terminal.ask(prefix)).toBe(`${prefix}\r\r\nOK\r\n`);
    expect(await terminal.ask(`${prefix}+csq`)).toContain("\r\n+CSQ: 20,0\r\n");
    terminal.type(prefix.startsWith("a") ? "a/" : "A/");
    expect(await terminal.hear("OK\r\n")).toContain("\r\n+CSQ: 20,0\r\n");
    expect(await terminal.ask('at+cstt="Internet","",""')).toContain("\r\nOK\r\n");
    expect(await terminal.ask("at+cstt?")).toContain('"Internet"');
  });

  it("answers nothing that does not begin with AT", async () => {
    await start();
    terminal.type("help\r+CSQ\r");
    await terminal.pass(500);
    expect(terminal.heard()).toBe("help\r+CSQ\r");
  });

  it("takes names in either case, spaces, and several commands on a line", async () => {
    await start();
    await terminal.ask("ATE0");
    expect(await terminal.ask("AT+csq")).toBe("\r\n+CSQ: 20,0\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT + CMEE = 2 ; + CMEE ?")).toBe("\r\n+CMEE: 2\r\n\r\nOK\r\n");
    expect(await terminal.ask("ATV1Q0E0+CREG?;+CGATT?")).toBe(
      "\r\n+CREG: 0,1\r\n\r\n+CGATT: 1\r\n\r\nOK\r\n",
    );
  });

  it("ends a chain with the first error", async () => {
    await start();
    await terminal.ask("ATE0");
    expect(await terminal.ask("AT+CSQ;+NONSENSE;+CREG?")).toBe("\r\n+CSQ: 20,0\r\n\r\nERROR\r\n");
  });

  it("repeats the last line for A/ without a return", async () => {
    await start();
    await terminal.ask("ATE0");
    await terminal.ask("AT+CREG?");
    terminal.type("A/");
    expect(await terminal.hear("OK\r\n")).toBe("\r\n+CREG: 0,1\r\n\r\nOK\r\n");
  });

  it("takes 556 characters and refuses 557", async () => {
    await start();
    await terminal.ask("ATE0");
    const line = (length: number) => `AT${";".repeat(length - 2)}`;
    expect(await terminal.ask(line(556))).toBe("\r\nOK\r\n");
    expect(await terminal.ask(line(557))).toBe("\r\nERROR\r\n");
    expect(await terminal.ask(line(2000))).toBe("\r\nERROR\r\n");
    expect(await terminal.ask("AT")).toBe("\r\nOK\r\n");
  });

  it("answers in numbers with ATV0, and with no result code with ATQ1", async () => {
    await start();
    await terminal.ask("ATE0");
    expect(await terminal.ask("ATV0", "\r")).toBe("0\r");
    expect(await terminal.ask("AT+CSQ", "0\r")).toBe("+CSQ: 20,0\r\n0\r");
    expect(await terminal.ask("AT+NONSENSE", "\r")).toBe("4\r");
    terminal.type("ATV1Q1\rAT+CSQ\r");
    await terminal.pass(100);
    terminal.type("AT+CSQ\r");
    await terminal.pass(500);
    expect(terminal.heard()).toBe("\r\n+CSQ: 20,0\r\n");
  });

  it.each([
    [0, "\r\nERROR\r\n"],
    [1, "\r\n+CME ERROR: 3\r\n"],
    [2, "\r\n+CME ERROR: operation not allowed\r\n"],
  ])("says an error with AT+CMEE=%i as %j", async (level, said) => {
    await start();
    await terminal.ask(`ATE0+CMEE=${level}`);
    expect(await terminal.ask("AT+CIICR")).toBe(said);
  });

  it("takes 94 ms for a command of 90 bytes at 9600 baud, and 1.04 ms for a byte of the answer", async () => {
    await start();
    await terminal.ask("ATE0");
    const startMs = terminal.clock.steadyMs();
    await terminal.ask(`AT${";".repeat(87)}`);
    const tookMs = terminal.clock.steadyMs() - startMs;
    // 90 bytes in, 6 bytes out, and 8 to 30 ms of thought.
    expect(tookMs).toBeGreaterThanOrEqual(94 + 6 + 8 - 5);
    expect(tookMs).toBeLessThanOrEqual(94 + 6 + 30 + 10);
  });

  it("gives and gets garbage at another rate", async () => {
    await start();
    await terminal.close();
    await terminal.open(115_200);
    terminal.type("AT\r");
    await terminal.pass(1000);
    expect(terminal.heard()).not.toMatch(/[\x20-\x7e]/);
    await terminal.close();
    await terminal.open(9600);
    expect(await terminal.ask("AT")).toContain("OK");
  });

  it("changes its rate after the answer, and keeps it over a restart when stored", async () => {
    await start();
    expect(await terminal.ask("AT+IPR=19200")).toContain("\r\nOK\r\n");
    await terminal.pass(20);
    await terminal.close();
    await terminal.open(19_200);
    expect(await terminal.ask("AT+IPR?")).toContain("+IPR: 19200");
    expect(await terminal.ask("ATE0&W")).toContain("OK");
    terminal.modem.command({ verb: "fault", what: "modem", name: "brown-out" });
    expect(await terminal.hear("RDY\r\n")).toMatch(/\r\nRDY\r\n$/);
    expect(await terminal.ask("AT")).toContain("\r\nOK\r\n");
    expect(await terminal.ask("AT+IPR=12345")).toBe("\r\nERROR\r\n");
  });

  it("learns the rate from AT with autobaud, and says nothing unasked before", async () => {
    await start(0);
    terminal.modem.command({ verb: "modem", on: false });
    terminal.modem.command({ verb: "modem", on: true });
    await terminal.pass(4000);
    expect(terminal.heard()).not.toContain("RDY");
    await terminal.close();
    await terminal.open(38_400);
    terminal.type("at\r");
    await terminal.pass(200);
    expect(terminal.heard()).toBe("");
    expect(await terminal.ask("At")).toBe("At\r\r\nOK\r\n");
    expect(await terminal.ask("at")).toBe("at\r\r\nOK\r\n");
    await terminal.hear("Call Ready\r\n");
  });

  it("answers nothing while it works on a command, and loses what is typed then", async () => {
    await start();
    await terminal.ask("ATE0");
    terminal.type("AT+CIPSHUT\rAT+CSQ\r");
    expect(await terminal.hear("SHUT OK\r\n")).toBe("\r\nSHUT OK\r\n");
    await terminal.pass(500);
    expect(terminal.heard()).toBe("");
  });

  it("is opened once at a time, and refuses after the stop", async () => {
    await start();
    await expect(terminal.modem.line.open(9600)).rejects.toMatchObject({ code: "port/busy" });
    const aborted = AbortSignal.abort(new Error("enough"));
    await expect(terminal.modem.line.open(9600, aborted)).rejects.toThrow("enough");
    await terminal.stop();
    await expect(terminal.modem.line.open(9600)).rejects.toMatchObject({ code: "port/not-found" });
  });

  it("tells who it is", async () => {
    await start();
    await terminal.ask("ATE0");
    expect(await terminal.ask("ATI")).toBe("\r\nSIM900 R11.0\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT+GMR")).toMatch(/^\r\nRevision:1137B\d+SIM900\S+\r\n\r\nOK\r\n$/);
    expect(await terminal.ask("AT+GSN")).toMatch(/^\r\n\d{15}\r\n\r\nOK\r\n$/);
    expect(await terminal.ask("AT+COPS?")).toMatch(/^\r\n\+COPS: 0,0,"[^"]+"\r\n\r\nOK\r\n$/);
    expect(await terminal.ask("AT+CIPRXGET=?")).toContain("OK");
    expect(await terminal.ask("AT+IFC=0,0;+CSCLK=0;+CIURC=1;&D0;X4")).toBe("\r\nOK\r\n");
  });
  it("has a full battery at 4050 mV", async () => {
    await start();
    await terminal.ask("ATE0");
    expect(await terminal.ask("AT+CBC")).toBe("\r\n+CBC: 0,95,4050\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT+CBC=?")).toBe("\r\n+CBC: (0-2),(1-100),(voltage)\r\n\r\nOK\r\n");
  });
});
