import { describe, expect, it } from "vitest";
import { benchOfEachTest } from "./terminal.js";

const bench = benchOfEachTest();

describe("what the virtual SIM900 receives unasked", () => {
  it("is written as it is without a header", async () => {
    await bench.connect();
    bench.peer.socket.write("\x00raw\xff", "latin1");
    expect(await bench.terminal.hear("\xff")).toBe("\x00raw\xff");
  });

  it.each([
    ["AT+CIPHEAD=1", "\r\n+IPD,5:hello"],
    ["AT+CIPHEAD=1;+CIPSHOWTP=1", "\r\n+IPD,5,TCP:hello"],
  ])("has the header of %s", async (command, bytes) => {
    await bench.connect(command);
    bench.peer.socket.write("hello");
    expect(await bench.terminal.hear("hello")).toBe(bytes);
  });

  it("has the sender before it with CIPSRIP=1", async () => {
    await bench.connect("AT+CIPHEAD=1;+CIPSRIP=1");
    bench.peer.socket.write("hello");
    expect(await bench.terminal.hear("hello")).toBe(
      `\r\nRECV FROM:127.0.0.1:${bench.peer.port}\r\n\r\n+IPD,5:hello`,
    );
  });

  it("comes no faster than 960 bytes a second at 9600 baud", async () => {
    await bench.connect();
    bench.peer.socket.write(Buffer.alloc(4800, 0x55));
    await bench.terminal.hear("U");
    const startMs = bench.terminal.clock.steadyMs();
    await bench.terminal.pass(4500);
    const heard = bench.terminal.heard().length;
    expect(heard).toBeLessThanOrEqual(((bench.terminal.clock.steadyMs() - startMs + 15) * 960) / 1000);
    expect(heard).toBeGreaterThan(4200);
    await bench.terminal.hear(/U{300}/);
  });
});

describe("what the virtual SIM900 keeps until it is pulled", () => {
  it("is at most 8192 bytes, and the rest waits at the peer", async () => {
    await bench.connect("AT+CIPRXGET=1");
    bench.peer.socket.write(Buffer.alloc(100_000, 0x55));
    await bench.terminal.pass(3000);
    expect(bench.terminal.heard()).toBe("\r\n+CIPRXGET: 1\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=4")).toBe("\r\n+CIPRXGET: 4,8192\r\n\r\nOK\r\n");
    let pulled = 0;
    while (pulled < 100_000) {
      const answer = await bench.terminal.ask(
        "AT+CIPRXGET=2,1460",
        /^(\r\n\+CIPRXGET: 1\r\n)?\r\n\+CIPRXGET: 2.*\r\n(U|\r\n)[\s\S]*\r\nOK\r\n$/,
      );
      pulled += Number(/CIPRXGET: 2,(\d+)/.exec(answer)![1]);
      await bench.terminal.pass(300);
      bench.terminal.heard();
    }
    expect(pulled).toBe(100_000);
  });

  it("is told once, and again only after all was pulled", async () => {
    await bench.connect("AT+CIPRXGET=1");
    bench.peer.socket.write("one");
    await bench.terminal.hear("+CIPRXGET: 1\r\n");
    bench.peer.socket.write("two");
    await bench.terminal.pass(2000);
    expect(bench.terminal.heard()).toBe("");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,1460")).toBe("\r\n+CIPRXGET: 2,6,0\r\nonetwo\r\nOK\r\n");
    bench.peer.socket.write("three");
    expect(await bench.terminal.hear("1\r\n")).toBe("\r\n+CIPRXGET: 1\r\n");
  });

  it("cannot be switched while connected, nor pulled where it is pushed", async () => {
    await bench.connect();
    expect(await bench.terminal.ask("AT+CIPRXGET=1")).toBe("\r\nERROR\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,100")).toBe("\r\nERROR\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET?")).toBe("\r\n+CIPRXGET: 0\r\n\r\nOK\r\n");
  });

  it("gives 1 to 1460 bytes, and as hex 730", async () => {
    await bench.connect("AT+CIPRXGET=1");
    for (const wrong of ["2,0", "2,1461", "3,731", "2", "5", "2,x"]) {
      expect(await bench.terminal.ask(`AT+CIPRXGET=${wrong}`), wrong).toBe("\r\nERROR\r\n");
    }
  });
});

describe("several connections of the virtual SIM900", () => {
  const start = (id: number) =>
    bench.terminal.ask(`AT+CIPSTART=${id},"TCP","127.0.0.1","${bench.peer.port}"`, `${id}, CONNECT OK\r\n`);

  it("are told apart by the number before every word", async () => {
    await bench.terminal.bringUp("AT+CIPMUX=1");
    expect(await start(0)).toBe("\r\nOK\r\n\r\n0, CONNECT OK\r\n");
    expect(await start(7)).toBe("\r\nOK\r\n\r\n7, CONNECT OK\r\n");
    expect(await bench.terminal.ask(`AT+CIPSTART=7,TCP,"127.0.0.1",${bench.peer.port}`, "CONNECT\r\n")).toBe(
      "\r\n7, ALREADY CONNECT\r\n",
    );
    await bench.terminal.ask("AT+CIPSEND=7,5", "> ");
    bench.terminal.type("seven");
    expect(await bench.terminal.hear("SEND OK\r\n")).toBe("\r\n7, SEND OK\r\n");
    bench.peer.sockets[0]!.write("zero");
    expect(await bench.terminal.hear("zero")).toBe("\r\n+RECEIVE,0,4:\r\nzero");
    const status = await bench.terminal.ask("AT+CIPSTATUS", /C: 7,[^\r]*\r\n$/);
    expect(status).toContain('\r\nOK\r\n\r\nSTATE: IP PROCESSING\r\n\r\nC: 0,0,"TCP","127.0.0.1"');
    expect(status).toContain(`C: 7,0,"TCP","127.0.0.1","${bench.peer.port}","CONNECTED"\r\n`);
    expect(status).toContain('C: 3,,"","","","INITIAL"\r\n');
    bench.peer.sockets[0]!.end();
    expect(await bench.terminal.hear("CLOSED\r\n")).toBe("\r\n0, CLOSED\r\n");
    expect(await bench.terminal.ask("AT+CIPCLOSE=7,1", "CLOSE OK\r\n")).toBe("\r\n7, CLOSE OK\r\n");
    expect(await bench.terminal.ask("AT+CIPCLOSE=7")).toBe("\r\nERROR\r\n");
  });

  it("are pulled by number", async () => {
    await bench.terminal.bringUp("AT+CIPMUX=1", "AT+CIPRXGET=1");
    await start(2);
    bench.peer.socket.write("abc");
    expect(await bench.terminal.hear("2\r\n")).toBe("\r\n+CIPRXGET: 1,2\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=4,2")).toBe("\r\n+CIPRXGET: 4,2,3\r\n\r\nOK\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,2,10")).toBe("\r\n+CIPRXGET: 2,2,3,0\r\nabc\r\nOK\r\n");
  });

  it("leave a send alone when another one closes", async () => {
    await bench.terminal.bringUp("AT+CIPMUX=1");
    await start(0);
    await start(1);
    await bench.terminal.ask("AT+CIPSEND=1,4", "> ");
    bench.peer.sockets[0]!.destroy();
    await bench.terminal.hear("0, CLOSED\r\n");
    bench.terminal.type("data");
    expect(await bench.terminal.hear("OK\r\n")).toBe("\r\n1, SEND OK\r\n");
  });

  it("want a bearer first, and cannot be switched with one", async () => {
    await bench.terminal.ask("ATE0");
    await bench.terminal.ask("AT+CIPMUX=1");
    expect(await bench.terminal.ask(`AT+CIPSTART=0,"TCP","127.0.0.1",${bench.peer.port}`)).toBe(
      "\r\nERROR\r\n",
    );
    await bench.terminal.bringUp();
    expect(await bench.terminal.ask("AT+CIPMUX=0")).toBe("\r\nERROR\r\n");
    expect(await bench.terminal.ask("AT+CIPMODE=1")).toBe("\r\nERROR\r\n");
  });
});
