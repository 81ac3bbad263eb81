import { beforeEach, describe, expect, it } from "vitest";
import { until } from "../../support/until.js";
import { Peer } from "./peer.js";
import { benchOfEachTest } from "./terminal.js";

const bench = benchOfEachTest();

const received = (text: string) => until(() => bench.peer.received === text, `${text} at the peer`);

describe("sending through the virtual SIM900", () => {
  it("takes 1379 bytes at a time, less than the size, and refuses 1380 and 0", async () => {
    await bench.connect();
    expect(await bench.terminal.ask("AT+CIPSEND=1380")).toBe("\r\nERROR\r\n");
    expect(await bench.terminal.ask("AT+CIPSEND=0")).toBe("\r\nERROR\r\n");
    await bench.terminal.ask("AT+CIPSEND=1379", "> ");
    const startMs = bench.terminal.clock.steadyMs();
    bench.terminal.type("x".repeat(1379));
    await bench.terminal.hear("SEND OK\r\n");
    // 1379 bytes take 1436 ms at 9600 baud.
    expect(bench.terminal.clock.steadyMs() - startMs).toBeGreaterThan(1436 + 300);
    await received("x".repeat(1379));
  });

  it("without a length ends at Ctrl-Z and is given up at ESC", async () => {
    await bench.connect();
    await bench.terminal.ask("AT+CIPSEND", "> ");
    bench.terminal.type("never\x1b");
    expect(await bench.terminal.hear("OK\r\n")).toBe("\r\nOK\r\n");
    await bench.terminal.ask("AT+CIPSEND", "> ");
    bench.terminal.type("two\r\nlines\x1a");
    expect(await bench.terminal.hear("OK\r\n")).toBe("\r\nSEND OK\r\n");
    await received("two\r\nlines");
    await bench.terminal.ask("AT+CIPSEND", "> ");
    bench.terminal.type("x".repeat(1381));
    expect(await bench.terminal.hear("R\r\n")).toBe("\r\nERROR\r\n");
  });

  it("echoes the payload with ATE1", async () => {
    await bench.connect();
    await bench.terminal.ask("ATE1");
    expect(await bench.terminal.ask("AT+CIPSEND=2", "> ")).toBe("AT+CIPSEND=2\r\r\n> ");
    bench.terminal.type("hi");
    expect(await bench.terminal.hear("SEND OK\r\n")).toBe("hi\r\nSEND OK\r\n");
  });

  it("accepts at once with CIPQSEND=1 and counts what the peer has", async () => {
    await bench.connect("AT+CIPQSEND=1");
    await bench.terminal.ask("AT+CIPSEND=5", "> ");
    bench.terminal.type("hello");
    expect(await bench.terminal.hear(":5\r\n", 100)).toBe("\r\nDATA ACCEPT:5\r\n");
    expect(await bench.terminal.ask("AT+CIPACK")).toBe("\r\n+CIPACK: 5, 0, 5\r\n\r\nOK\r\n");
    await bench.terminal.pass(1000);
    expect(await bench.terminal.ask("AT+CIPACK")).toBe("\r\n+CIPACK: 5, 5, 0\r\n\r\nOK\r\n");
    await received("hello");
  });

  it.each([
    [0, "\r\nSEND OK\r\n"],
    [2, ""],
  ])("shows no prompt with CIPSPRT=%i, and says %j after", async (value, said) => {
    await bench.connect(`AT+CIPSPRT=${value}`);
    bench.terminal.type("AT+CIPSEND=2\r");
    await bench.terminal.pass(100);
    expect(bench.terminal.heard()).toBe("");
    bench.terminal.type("hi");
    await bench.terminal.pass(1000);
    expect(bench.terminal.heard()).toBe(said);
    await received("hi");
  });

  it("ends in SEND FAIL when the peer closes while the bytes are typed", async () => {
    await bench.connect();
    await bench.terminal.ask("AT+CIPSEND=100", "> ");
    bench.terminal.type("half");
    bench.peer.socket.resetAndDestroy();
    expect(await bench.terminal.hear("FAIL\r\n")).toBe("\r\nCLOSED\r\n\r\nSEND FAIL\r\n");
    expect(await bench.terminal.ask("AT")).toBe("\r\nOK\r\n");
  });

  it("brings a bearer up by itself from IP INITIAL, and says ALREADY CONNECT to a second start", async () => {
    await bench.terminal.ask("ATE0");
    const start = `AT+CIPSTART="TCP","127.0.0.1","${bench.peer.port}"`;
    expect(await bench.terminal.ask(start, "CONNECT OK\r\n")).toBe("\r\nOK\r\n\r\nCONNECT OK\r\n");
    expect(await bench.terminal.ask(start, "CONNECT\r\n")).toBe("\r\nALREADY CONNECT\r\n");
  });

  it("fails to a port that nobody listens at, within two seconds", async () => {
    const { port } = bench.peer;
    await bench.terminal.bringUp();
    await bench.peer.stop();
    expect(await bench.terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${port}`, "FAIL\r\n", 2000)).toBe(
      "\r\nOK\r\n\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n",
    );
    bench.peer = await Peer.listen();
  });

  it("closes quickly at once, and an attempt without CONNECT FAIL", async () => {
    await bench.connect();
    expect(await bench.terminal.ask("AT+CIPCLOSE=1", "CLOSE OK\r\n", 200)).toBe("\r\nCLOSE OK\r\n");
    await bench.terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${bench.peer.port}`);
    expect(await bench.terminal.ask("AT+CIPCLOSE", "CLOSE OK\r\n", 200)).toBe("\r\nCLOSE OK\r\n");
    await bench.terminal.pass(3000);
    expect(bench.terminal.heard()).toBe("");
    expect(bench.peer.sockets).toHaveLength(1);
    const start = `AT+CIPSTART="TCP","127.0.0.1",${bench.peer.port}`;
    await bench.terminal.ask(start);
    await bench.terminal.ask("AT+CIPCLOSE", "CLOSE OK\r\n");
    expect(await bench.terminal.ask(start, "CONNECT OK\r\n")).toBe("\r\nOK\r\n\r\nCONNECT OK\r\n");
    await bench.terminal.pass(3000);
    expect(bench.terminal.heard()).toBe("");
    expect(bench.peer.sockets).toHaveLength(2);
  });

  it.each([
    '"UDP","127.0.0.1",5',
    '"TCP","127.0.0.1",0',
    '"TCP","127.0.0.1",65536',
    '"TCP","a b;c",5',
    '"TCP"',
    '"TCP',
  ])("refuses AT+CIPSTART=%s", async (args) => {
    await bench.terminal.bringUp();
    expect(await bench.terminal.ask(`AT+CIPSTART=${args}`)).toBe("\r\nERROR\r\n");
  });

  it("looks names up, after its OK", async () => {
    await bench.terminal.bringUp();
    expect(await bench.terminal.ask('AT+CDNSGIP="127.0.0.1"', '"\r\n')).toBe(
      '\r\nOK\r\n\r\n+CDNSGIP: 1,"127.0.0.1","127.0.0.1"\r\n',
    );
    expect(await bench.terminal.ask('AT+CDNSGIP="elsewhere.example"', "10\r\n")).toBe(
      "\r\nOK\r\n\r\n+CDNSGIP: 0,10\r\n",
    );
  });

  it("remembers name servers, and says 0.0.0.0 for those it has none of", async () => {
    await bench.terminal.ask("ATE0");
    const servers = (primary: string, secondary: string) =>
      `\r\nPrimaryDns: ${primary}\r\nSecondaryDns: ${secondary}\r\n\r\nOK\r\n`;
    expect(await bench.terminal.ask("AT+CDNSCFG?")).toBe(servers("0.0.0.0", "0.0.0.0"));
    expect(await bench.terminal.ask('AT+CDNSCFG="8.8.8.8","8.8.4.4"')).toBe("\r\nOK\r\n");
    expect(await bench.terminal.ask("AT+CDNSCFG?")).toBe(servers("8.8.8.8", "8.8.4.4"));
    expect(await bench.terminal.ask("AT+CDNSCFG=9.9.9.9")).toBe("\r\nOK\r\n");
    expect(await bench.terminal.ask("AT+CDNSCFG?")).toBe(servers("9.9.9.9", "0.0.0.0"));
    for (const wrong of ['"8.8.8"', '"8.8.8.256"', '"dns.example"', ""])
      expect(await bench.terminal.ask(`AT+CDNSCFG=${wrong}`), wrong).toBe("\r\nERROR\r\n");
  });
});

describe("the transparent mode of the virtual SIM900", () => {
  beforeEach(async () => {
    await bench.terminal.bringUp("AT+CIPMODE=1");
    expect(await bench.terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${bench.peer.port}`, "CONNECT\r\n")).toBe(
      "\r\nOK\r\n\r\nCONNECT\r\n",
    );
  });

  it("passes bytes both ways, commands among them", async () => {
    bench.terminal.type("AT\r\x1a\x1b+++");
    bench.peer.socket.write("back");
    expect(await bench.terminal.hear("back")).toBe("back");
    await bench.terminal.pass(1000);
    await received("AT\r\x1a\x1b+++");
  });

  it("is left by +++ with 1000 ms of silence before and 500 ms after, and entered again by ATO", async () => {
    await bench.terminal.pass(1100);
    bench.terminal.type("+++");
    expect(await bench.terminal.hear("OK\r\n")).toBe("\r\nOK\r\n");
    bench.peer.socket.write("kept");
    expect(await bench.terminal.ask("AT+CIPSTATUS", "CONNECT OK\r\n")).toBe(
      "\r\nOK\r\n\r\nSTATE: CONNECT OK\r\n",
    );
    await bench.terminal.pass(1000);
    expect(await bench.terminal.ask("ATO", "kept")).toBe("\r\nCONNECT\r\nkept");
    bench.terminal.type("on");
    await bench.terminal.pass(500);
    await received("on");
  });

  it("keeps pluses that come too late, or are followed too soon", async () => {
    await bench.terminal.pass(1100);
    bench.terminal.type("+");
    await bench.terminal.pass(600);
    bench.terminal.type("++");
    await bench.terminal.pass(1100);
    bench.terminal.type("+++");
    await bench.terminal.pass(300);
    bench.terminal.type("x");
    await bench.terminal.pass(1000);
    expect(bench.terminal.heard()).toBe("");
    await received("++++++x");
  });

  it("ends when the peer closes", async () => {
    bench.peer.socket.end("bye");
    expect(await bench.terminal.hear("CLOSED\r\n")).toBe("bye\r\nCLOSED\r\n");
    expect(await bench.terminal.ask("AT")).toBe("\r\nOK\r\n");
    expect(await bench.terminal.ask("ATO", "CARRIER\r\n")).toBe("\r\nNO CARRIER\r\n");
  });
});
