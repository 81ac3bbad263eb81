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

async function connect(...before: string[]): Promise<void> {
  await terminal.bringUp(...before);
  await terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${peer.port}`, "CONNECT OK\r\n");
}

const received = (text: string) => until(() => peer.received === text, `${text} at the peer`);

describe("sending through the virtual SIM900", () => {
  it("takes 1379 bytes at a time, less than the size, and refuses 1380 and 0", async () => {
    await connect();
    expect(await terminal.ask("AT+CIPSEND=1380")).toBe("\r\nERROR\r\n");
    expect(await terminal.ask("AT+CIPSEND=0")).toBe("\r\nERROR\r\n");
    await terminal.ask("AT+CIPSEND=1379", "> ");
    const startMs = terminal.clock.steadyMs();
    terminal.type("x".repeat(1379));
    await terminal.hear("SEND OK\r\n");
    // 1379 bytes take 1436 ms at 9600 baud.
    expect(terminal.clock.steadyMs() - startMs).toBeGreaterThan(1436 + 300);
    await received("x".repeat(1379));
  });

  it("without a length ends at Ctrl-Z and is given up at ESC", async () => {
    await connect();
    await terminal.ask("AT+CIPSEND", "> ");
    terminal.type("never\x1b");
    expect(await terminal.hear("OK\r\n")).toBe("\r\nOK\r\n");
    await terminal.ask("AT+CIPSEND", "> ");
    terminal.type("two\r\nlines\x1a");
    expect(await terminal.hear("OK\r\n")).toBe("\r\nSEND OK\r\n");
    await received("two\r\nlines");
    await terminal.ask("AT+CIPSEND", "> ");
    terminal.type("x".repeat(1381));
    expect(await terminal.hear("R\r\n")).toBe("\r\nERROR\r\n");
  });

  it("echoes the payload with ATE1", async () => {
    await connect();
    await terminal.ask("ATE1");
    expect(await terminal.ask("AT+CIPSEND=2", "> ")).toBe("AT+CIPSEND=2\r\r\n> ");
    terminal.type("hi");
    expect(await terminal.hear("SEND OK\r\n")).toBe("hi\r\nSEND OK\r\n");
  });

  it("accepts at once with CIPQSEND=1 and counts what the peer has", async () => {
    await connect("AT+CIPQSEND=1");
    await terminal.ask("AT+CIPSEND=5", "> ");
    terminal.type("hello");
    expect(await terminal.hear(":5\r\n", 100)).toBe("\r\nDATA ACCEPT:5\r\n");
    expect(await terminal.ask("AT+CIPACK")).toBe("\r\n+CIPACK: 5, 0, 5\r\n\r\nOK\r\n");
    await terminal.pass(1000);
    expect(await terminal.ask("AT+CIPACK")).toBe("\r\n+CIPACK: 5, 5, 0\r\n\r\nOK\r\n");
    await received("hello");
  });

  it.each([
    [0, "\r\nSEND OK\r\n"],
    [2, ""],
  ])("shows no prompt with CIPSPRT=%i, and says %j after", async (value, said) => {
    await connect(`AT+CIPSPRT=${value}`);
    terminal.type("AT+CIPSEND=2\r");
    await terminal.pass(100);
    expect(terminal.heard()).toBe("");
    terminal.type("hi");
    await terminal.pass(1000);
    expect(terminal.heard()).toBe(said);
    await received("hi");
  });

  it("ends in SEND FAIL when the peer closes while the bytes are typed", async () => {
    await connect();
    await terminal.ask("AT+CIPSEND=100", "> ");
    terminal.type("half");
    peer.socket.resetAndDestroy();
    expect(await terminal.hear("FAIL\r\n")).toBe("\r\nCLOSED\r\n\r\nSEND FAIL\r\n");
    expect(await terminal.ask("AT")).toBe("\r\nOK\r\n");
  });

  it("brings a bearer up by itself from IP INITIAL, and says ALREADY CONNECT to a second start", async () => {
    await terminal.ask("ATE0");
    const start = `AT+CIPSTART="TCP","127.0.0.1","${peer.port}"`;
    expect(await terminal.ask(start, "CONNECT OK\r\n")).toBe("\r\nOK\r\n\r\nCONNECT OK\r\n");
    expect(await terminal.ask(start, "CONNECT\r\n")).toBe("\r\nALREADY CONNECT\r\n");
  });

  it("fails to a port that nobody listens at, within two seconds", async () => {
    const { port } = peer;
    await terminal.bringUp();
    await peer.stop();
    expect(await terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${port}`, "FAIL\r\n", 2000)).toBe(
      "\r\nOK\r\n\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n",
    );
    peer = await Peer.listen();
  });

  it("closes quickly at once, and an attempt without CONNECT FAIL", async () => {
    await connect();
    expect(await terminal.ask("AT+CIPCLOSE=1", "CLOSE OK\r\n", 200)).toBe("\r\nCLOSE OK\r\n");
    await terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${peer.port}`);
    expect(await terminal.ask("AT+CIPCLOSE", "CLOSE OK\r\n", 200)).toBe("\r\nCLOSE OK\r\n");
    await terminal.pass(3000);
    expect(terminal.heard()).toBe("");
    expect(peer.sockets).toHaveLength(1);
    const start = `AT+CIPSTART="TCP","127.0.0.1",${peer.port}`;
    await terminal.ask(start);
    await terminal.ask("AT+CIPCLOSE", "CLOSE OK\r\n");
    expect(await terminal.ask(start, "CONNECT OK\r\n")).toBe("\r\nOK\r\n\r\nCONNECT OK\r\n");
    await terminal.pass(3000);
    expect(terminal.heard()).toBe("");
    expect(peer.sockets).toHaveLength(2);
  });

  it.each([
    '"UDP","127.0.0.1",5',
    '"TCP","127.0.0.1",0',
    '"TCP","127.0.0.1",65536',
    '"TCP","a b;c",5',
    '"TCP"',
    '"TCP',
  ])("refuses AT+CIPSTART=%s", async (args) => {
    await terminal.bringUp();
    expect(await terminal.ask(`AT+CIPSTART=${args}`)).toBe("\r\nERROR\r\n");
  });

  it("looks names up, after its OK", async () => {
    await terminal.bringUp();
    expect(await terminal.ask('AT+CDNSGIP="127.0.0.1"', '"\r\n')).toBe(
      '\r\nOK\r\n\r\n+CDNSGIP: 1,"127.0.0.1","127.0.0.1"\r\n',
    );
    expect(await terminal.ask('AT+CDNSGIP="elsewhere.example"', "10\r\n")).toBe(
      "\r\nOK\r\n\r\n+CDNSGIP: 0,10\r\n",
    );
  });
});

describe("the transparent mode of the virtual SIM900", () => {
  beforeEach(async () => {
    await terminal.bringUp("AT+CIPMODE=1");
    expect(await terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${peer.port}`, "CONNECT\r\n")).toBe(
      "\r\nOK\r\n\r\nCONNECT\r\n",
    );
  });

  it("passes bytes both ways, commands among them", async () => {
    terminal.type("AT\r\x1a\x1b+++");
    peer.socket.write("back");
    expect(await terminal.hear("back")).toBe("back");
    await terminal.pass(1000);
    await received("AT\r\x1a\x1b+++");
  });

  it("is left by +++ with 1000 ms of silence before and 500 ms after, and entered again by ATO", async () => {
    await terminal.pass(1100);
    terminal.type("+++");
    expect(await terminal.hear("OK\r\n")).toBe("\r\nOK\r\n");
    peer.socket.write("kept");
    expect(await terminal.ask("AT+CIPSTATUS", "CONNECT OK\r\n")).toBe("\r\nOK\r\n\r\nSTATE: CONNECT OK\r\n");
    await terminal.pass(1000);
    expect(await terminal.ask("ATO", "kept")).toBe("\r\nCONNECT\r\nkept");
    terminal.type("on");
    await terminal.pass(500);
    await received("on");
  });

  it("keeps pluses that come too late, or are followed too soon", async () => {
    await terminal.pass(1100);
    terminal.type("+");
    await terminal.pass(600);
    terminal.type("++");
    await terminal.pass(1100);
    terminal.type("+++");
    await terminal.pass(300);
    terminal.type("x");
    await terminal.pass(1000);
    expect(terminal.heard()).toBe("");
    await received("++++++x");
  });

  it("ends when the peer closes", async () => {
    peer.socket.end("bye");
    expect(await terminal.hear("CLOSED\r\n")).toBe("bye\r\nCLOSED\r\n");
    expect(await terminal.ask("AT")).toBe("\r\nOK\r\n");
    expect(await terminal.ask("ATO", "CARRIER\r\n")).toBe("\r\nNO CARRIER\r\n");
  });
});
