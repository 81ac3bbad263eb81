import { describe, expect, it } from "vitest";
import { until } from "../../support/until.js";
import { benchOfEachTest } from "./terminal.js";

const bench = benchOfEachTest();

describe("one connection of the virtual SIM900", () => {
  it("goes through the states of the application note's figure 2, and says OK before STATE", async () => {
    await bench.terminal.ask("ATE0");
    expect(await bench.terminal.ask("AT+CIPSTATUS", "INITIAL\r\n")).toBe(
      "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n",
    );
    expect(await bench.terminal.ask("AT+CIICR")).toBe("\r\nERROR\r\n");
    expect(await bench.terminal.ask('AT+CSTT="internet","",""')).toBe("\r\nOK\r\n");
    expect(await bench.state()).toBe("IP START");
    expect(await bench.terminal.ask("AT+CIFSR")).toBe("\r\nERROR\r\n");
    expect(await bench.terminal.ask("AT+CIICR")).toBe("\r\nOK\r\n");
    expect(await bench.state()).toBe("IP GPRSACT");
    expect(await bench.terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${bench.peer.port}`)).toBe(
      "\r\nERROR\r\n",
    );
    expect(await bench.terminal.ask("AT+CIFSR", /\d\r\n$/)).toMatch(/^\r\n\d+\.\d+\.\d+\.\d+\r\n$/);
    expect(await bench.state()).toBe("IP STATUS");
    bench.terminal.type(`AT+CIPSTART="TCP","127.0.0.1","${bench.peer.port}"\r`);
    await bench.terminal.hear("\r\nOK\r\n");
    expect(await bench.state()).toBe("TCP CONNECTING");
    await bench.terminal.hear("\r\nCONNECT OK\r\n");
    expect(await bench.state()).toBe("CONNECT OK");
    expect(await bench.terminal.ask("AT+CIPCLOSE", "\r\nCLOSE OK\r\n")).toBe("\r\nCLOSE OK\r\n");
    expect(await bench.state()).toBe("TCP CLOSED");
    expect(await bench.terminal.ask("AT+CIPSHUT", "\r\nSHUT OK\r\n")).toBe("\r\nSHUT OK\r\n");
    expect(await bench.state()).toBe("IP INITIAL");
  });

  it("sends exactly the counted bytes after a prompt without line end, Ctrl-Z and ESC among them", async () => {
    await bench.connect();
    expect(await bench.terminal.ask("AT+CIPSEND?")).toBe("\r\n+CIPSEND: 1380\r\n\r\nOK\r\n");
    bench.terminal.type("AT+CIPSEND=5\r");
    expect(await bench.terminal.hear("> ")).toBe("\r\n> ");
    const typedMs = bench.terminal.clock.steadyMs();
    bench.terminal.type("\x1a\x00\x1b\r\xff");
    expect(await bench.terminal.hear("SEND OK\r\n")).toBe("\r\nSEND OK\r\n");
    expect(bench.peer.received).toBe("\x1a\x00\x1b\r\xff");
    // There and back, and no quicker.
    expect(bench.terminal.clock.steadyMs() - typedMs).toBeGreaterThan(300);
    expect(bench.terminal.clock.steadyMs() - typedMs).toBeLessThan(700);
  });

  it("is pulled: a report when something came, then given and left", async () => {
    await bench.connect("AT+CIPRXGET=1");
    bench.peer.socket.write("hello");
    expect(await bench.terminal.hear("1\r\n")).toBe("\r\n+CIPRXGET: 1\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=4")).toBe("\r\n+CIPRXGET: 4,5\r\n\r\nOK\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,3")).toBe("\r\n+CIPRXGET: 2,3,2\r\nhel\r\nOK\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=3,730")).toBe("\r\n+CIPRXGET: 3,2,0\r\n6C6F\r\nOK\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,1460")).toBe("\r\n+CIPRXGET: 2,0,0\r\n\r\nOK\r\n");
  });

  it("says CLOSED when the peer closes, and what came before can still be read", async () => {
    await bench.connect("AT+CIPRXGET=1");
    bench.peer.socket.end("bye");
    expect(await bench.terminal.hear("CLOSED\r\n")).toBe("\r\n+CIPRXGET: 1\r\n\r\nCLOSED\r\n");
    expect(await bench.state()).toBe("TCP CLOSED");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,100")).toBe("\r\n+CIPRXGET: 2,3,0\r\nbye\r\nOK\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,100")).toBe("\r\nERROR\r\n");
    expect(await bench.terminal.ask("AT+CIPSEND=1")).toBe("\r\nERROR\r\n");
    expect(await bench.start()).toContain("OK");
    expect(bench.peer.sockets).toHaveLength(2);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "hears of the peer's acknowledgement before its answer and its close (seed %i)",
    async (seed) => {
      await bench.begin({ seed });
      await bench.connect("AT+CIPRXGET=1");
      bench.peer.socket.once("data", () => bench.peer.socket.end("\x20\x02\x00\x04", "latin1"));
      expect(await bench.send("\x10\x0c", "CLOSED\r\n")).toBe(
        "\r\nSEND OK\r\n\r\n+CIPRXGET: 1\r\n\r\nCLOSED\r\n",
      );
      expect(await bench.terminal.ask("AT+CIPACK")).toBe("\r\n+CIPACK: 2, 2, 0\r\n\r\nOK\r\n");
    },
  );

  it("fails to a host that may not be reached", async () => {
    await bench.terminal.bringUp();
    expect(await bench.terminal.ask('AT+CIPSTART="TCP","192.0.2.1",1883', "FAIL\r\n")).toBe(
      "\r\nOK\r\n\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n",
    );
  });

  it("keeps waiting for the rest of a send while its line is closed and opened again", async () => {
    await bench.connect();
    await bench.terminal.ask("AT+CIPSEND=10", "> ");
    bench.terminal.type("01234");
    await bench.terminal.pass(100);
    await bench.terminal.close();
    await bench.terminal.open();
    bench.terminal.type("AT\rAT");
    expect(await bench.terminal.hear("SEND OK\r\n")).toBe("\r\nSEND OK\r\n");
    await until(() => bench.peer.received.length === 10, "ten bytes at the peer");
    expect(bench.peer.received).toBe("01234AT\rAT");
    expect(await bench.terminal.ask("AT")).toBe("\r\nOK\r\n");
  });
});
