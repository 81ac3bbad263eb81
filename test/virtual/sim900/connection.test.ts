import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../support/until.js";
import { Peer } from "./peer.js";
import { Terminal } from "./terminal.js";

let peer: Peer;
let terminal: Terminal;

beforeEach(async () => {
  peer = await Peer.listen();
  terminal = await new Terminal().open();
});

afterEach(async () => {
  await terminal.stop();
  expect(terminal.clock.armedTimers).toBe(0);
  await peer.stop();
});

const state = async () => (await terminal.ask("AT+CIPSTATUS", /STATE: [A-Z ]+\r\n$/)).replace(/\r\n$/, "");

async function connect(...before: string[]): Promise<void> {
  await terminal.bringUp(...before);
  expect(await terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${peer.port}`, "\r\nCONNECT OK\r\n")).toBe(
    "\r\nOK\r\n\r\nCONNECT OK\r\n",
  );
}

describe("one connection of the virtual SIM900", () => {
  it("goes through the states of the application note's figure 2, and says OK before STATE", async () => {
    await terminal.ask("ATE0");
    expect(await state()).toBe("\r\nOK\r\n\r\nSTATE: IP INITIAL");
    expect(await terminal.ask("AT+CIICR")).toBe("\r\nERROR\r\n");
    expect(await terminal.ask('AT+CSTT="internet","",""')).toBe("\r\nOK\r\n");
    expect(await state()).toContain("STATE: IP START");
    expect(await terminal.ask("AT+CIFSR")).toBe("\r\nERROR\r\n");
    expect(await terminal.ask("AT+CIICR")).toBe("\r\nOK\r\n");
    expect(await state()).toContain("STATE: IP GPRSACT");
    expect(await terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${peer.port}`)).toBe("\r\nERROR\r\n");
    expect(await terminal.ask("AT+CIFSR", /\d\r\n$/)).toMatch(/^\r\n\d+\.\d+\.\d+\.\d+\r\n$/);
    expect(await state()).toContain("STATE: IP STATUS");
    terminal.type(`AT+CIPSTART="TCP","127.0.0.1","${peer.port}"\r`);
    await terminal.hear("\r\nOK\r\n");
    expect(await state()).toContain("STATE: TCP CONNECTING");
    await terminal.hear("\r\nCONNECT OK\r\n");
    expect(await state()).toContain("STATE: CONNECT OK");
    expect(await terminal.ask("AT+CIPCLOSE", "\r\nCLOSE OK\r\n")).toBe("\r\nCLOSE OK\r\n");
    expect(await state()).toContain("STATE: TCP CLOSED");
    expect(await terminal.ask("AT+CIPSHUT", "\r\nSHUT OK\r\n")).toBe("\r\nSHUT OK\r\n");
    expect(await state()).toContain("STATE: IP INITIAL");
  });

  it("sends exactly the counted bytes after a prompt without line end, Ctrl-Z and ESC among them", async () => {
    await connect();
    expect(await terminal.ask("AT+CIPSEND?")).toBe("\r\n+CIPSEND: 1380\r\n\r\nOK\r\n");
    terminal.type("AT+CIPSEND=5\r");
    expect(await terminal.hear("> ")).toBe("\r\n> ");
    const typedMs = terminal.clock.steadyMs();
    terminal.type("\x1a\x00\x1b\r\xff");
    expect(await terminal.hear("SEND OK\r\n")).toBe("\r\nSEND OK\r\n");
    expect(peer.received).toBe("\x1a\x00\x1b\r\xff");
    // There and back, and no quicker.
    expect(terminal.clock.steadyMs() - typedMs).toBeGreaterThan(300);
    expect(terminal.clock.steadyMs() - typedMs).toBeLessThan(700);
  });

  it("is pulled: a report when something came, then given and left", async () => {
    await connect("AT+CIPRXGET=1");
    peer.socket.write("hello");
    expect(await terminal.hear("1\r\n")).toBe("\r\n+CIPRXGET: 1\r\n");
    expect(await terminal.ask("AT+CIPRXGET=4")).toBe("\r\n+CIPRXGET: 4,5\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT+CIPRXGET=2,3")).toBe("\r\n+CIPRXGET: 2,3,2\r\nhel\r\nOK\r\n");
    expect(await terminal.ask("AT+CIPRXGET=3,730")).toBe("\r\n+CIPRXGET: 3,2,0\r\n6C6F\r\nOK\r\n");
    expect(await terminal.ask("AT+CIPRXGET=2,1460")).toBe("\r\n+CIPRXGET: 2,0,0\r\n\r\nOK\r\n");
  });

  it("says CLOSED when the peer closes, and what came before can still be read", async () => {
    await connect("AT+CIPRXGET=1");
    peer.socket.end("bye");
    expect(await terminal.hear("CLOSED\r\n")).toBe("\r\n+CIPRXGET: 1\r\n\r\nCLOSED\r\n");
    expect(await state()).toContain("STATE: TCP CLOSED");
    expect(await terminal.ask("AT+CIPRXGET=2,100")).toBe("\r\n+CIPRXGET: 2,3,0\r\nbye\r\nOK\r\n");
    expect(await terminal.ask("AT+CIPRXGET=2,100")).toBe("\r\nERROR\r\n");
    expect(await terminal.ask("AT+CIPSEND=1")).toBe("\r\nERROR\r\n");
    await connectAgain();
  });

  it("fails to a host that may not be reached", async () => {
    await terminal.bringUp();
    expect(await terminal.ask('AT+CIPSTART="TCP","192.0.2.1",1883', "FAIL\r\n")).toBe(
      "\r\nOK\r\n\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n",
    );
  });

  it("keeps waiting for the rest of a send while its line is closed and opened again", async () => {
    await connect();
    await terminal.ask("AT+CIPSEND=10", "> ");
    terminal.type("01234");
    await terminal.pass(100);
    await terminal.close();
    await terminal.open();
    terminal.type("AT\rAT");
    expect(await terminal.hear("SEND OK\r\n")).toBe("\r\nSEND OK\r\n");
    await until(() => peer.received.length === 10, "ten bytes at the peer");
    expect(peer.received).toBe("01234AT\rAT");
    expect(await terminal.ask("AT")).toBe("\r\nOK\r\n");
  });

  async function connectAgain(): Promise<void> {
    expect(await terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${peer.port}`, "\r\nCONNECT OK\r\n")).toContain(
      "OK",
    );
    expect(peer.sockets).toHaveLength(2);
  }
});
