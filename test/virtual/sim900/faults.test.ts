import { describe, expect, it } from "vitest";
import type { ModemFault } from "../../../rig/virtual/modem-command.js";
import { benchOfEachTest } from "./terminal.js";

const bench = benchOfEachTest();

describe("faults of the virtual SIM900", () => {
  it.each(["ciicr-fails", "wrong-apn"] as const)(
    "%s ends CIICR in +PDP: DEACT and ERROR, until none",
    async (name) => {
      bench.fault(name);
      await bench.terminal.ask("ATE0");
      await bench.terminal.ask('AT+CSTT="internet"');
      expect(await bench.terminal.ask("AT+CIICR")).toBe("\r\n+PDP: DEACT\r\n\r\nERROR\r\n");
      expect(await bench.state()).toBe("PDP DEACT");
      expect(await bench.terminal.ask('AT+CSTT="internet"')).toBe("\r\nERROR\r\n");
      await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
      bench.fault("none");
      await bench.terminal.bringUp();
    },
  );

  it("wrong-apn refuses the name in use when it is put, and no other", async () => {
    await bench.terminal.bringUp();
    bench.fault("wrong-apn");
    await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    await bench.terminal.ask('AT+CSTT="Internet"');
    expect(await bench.terminal.ask("AT+CIICR")).toBe("\r\n+PDP: DEACT\r\n\r\nERROR\r\n");
    await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    await bench.terminal.ask('AT+CSTT="other"');
    expect(await bench.terminal.ask("AT+CIICR")).toBe("\r\nOK\r\n");
    bench.fault("wrong-apn");
    await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    await bench.terminal.ask('AT+CSTT="other"');
    expect(await bench.terminal.ask("AT+CIICR")).toContain("ERROR");
    bench.fault("none");
    await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    await bench.terminal.bringUp();
  });

  it("ciicr-fails refuses every name", async () => {
    await bench.terminal.bringUp();
    bench.fault("ciicr-fails");
    await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    await bench.terminal.ask('AT+CSTT="other"');
    expect(await bench.terminal.ask("AT+CIICR")).toContain("ERROR");
  });

  const FAILED = "\r\nOK\r\n\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n";

  it("connect-fail fails after 20 s or, about one in three, 75 to 95 s, until none", async () => {
    await bench.terminal.bringUp();
    bench.fault("connect-fail");
    const tookMs: number[] = [];
    for (let attempt = 0; attempt < 60; attempt++) {
      const startMs = bench.terminal.clock.steadyMs();
      expect(await bench.start("FAIL\r\n", 97_000)).toBe(FAILED);
      tookMs.push(bench.terminal.clock.steadyMs() - startMs);
    }
    const late = tookMs.filter((ms) => ms >= 75_000 && ms < 95_500);
    expect(tookMs.filter((ms) => ms >= 20_000 && ms < 20_500)).toHaveLength(60 - late.length);
    expect(late.length).toBeGreaterThan(10);
    expect(late.length).toBeLessThan(30);
    // Some of them after the 80 s that a host may wait.
    expect(Math.max(...late)).toBeGreaterThan(85_000);
    bench.fault("none");
    await bench.start();
  });

  it("connect-fail says CONNECT FAIL after all where the host gave a late attempt up with CIPSHUT", async () => {
    const SHUT = "\r\nSHUT OK\r\n";
    const SIGNAL = "\r\n+CSQ: 20,0\r\n\r\nOK\r\n";
    let late = 0;
    for (let attempt = 0; attempt < 30; attempt++) {
      await bench.terminal.bringUp();
      bench.fault("connect-fail");
      await bench.start("\r\nOK\r\n");
      await bench.terminal.pass(19_000);
      expect(bench.terminal.heard()).toBe("");
      const shut = await bench.terminal.ask("AT+CIPSHUT", /SHUT OK\r\n/);
      const answers = shut + (await bench.terminal.ask("AT+CSQ"));
      if (answers === `${SHUT}\r\nSTATE: IP INITIAL\r\n\r\nCONNECT FAIL\r\n${SIGNAL}`) late++;
      else expect(answers).toBe(SHUT + SIGNAL);
    }
    expect(late).toBeGreaterThan(4);
    expect(late).toBeLessThan(18);
  });

  it("send-fail spoils one send, and its bytes do not arrive", async () => {
    await bench.connect();
    bench.fault("send-fail");
    expect(await bench.send("lost", "FAIL\r\n")).toBe("\r\nSEND FAIL\r\n");
    expect(await bench.state()).toBe("CONNECT OK");
    expect(await bench.send("kept", "OK\r\n")).toBe("\r\nSEND OK\r\n");
    expect(bench.peer.received).toBe("kept");
  });

  it("prompt-lost takes one prompt away, and the module waits for the bytes all the same", async () => {
    await bench.connect();
    bench.fault("prompt-lost");
    bench.terminal.type("AT+CIPSEND=5\r");
    await bench.terminal.pass(5000);
    expect(bench.terminal.heard()).toBe("");
    bench.terminal.type("AT\rAT");
    expect(await bench.terminal.hear("OK\r\n")).toBe("\r\nSEND OK\r\n");
    expect(await bench.send("next", "SEND OK\r\n")).toBe("\r\nSEND OK\r\n");
  });

  it("closed-lost closes at once without CLOSED, which CIPSTATUS knows", async () => {
    await bench.connect();
    bench.fault("closed-lost");
    await bench.terminal.pass(5000);
    expect(bench.terminal.heard()).toBe("");
    expect(await bench.state()).toBe("TCP CLOSED");
    expect(await bench.terminal.ask("AT+CIPSEND=1")).toBe("\r\nERROR\r\n");
  });

  it("closed-lost without a connection waits for the next close", async () => {
    bench.fault("closed-lost");
    await bench.connect();
    bench.peer.socket.end();
    await bench.terminal.pass(5000);
    expect(bench.terminal.heard()).toBe("");
    expect(await bench.state()).toBe("TCP CLOSED");
  });

  it("urc-lost keeps one +CIPRXGET: 1 back, and the bytes are there", async () => {
    await bench.connect("AT+CIPRXGET=1");
    bench.fault("urc-lost");
    bench.peer.socket.write("quiet");
    await bench.terminal.pass(2000);
    expect(bench.terminal.heard()).toBe("");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,100")).toBe("\r\n+CIPRXGET: 2,5,0\r\nquiet\r\nOK\r\n");
    bench.peer.socket.write("loud");
    await bench.terminal.hear("+CIPRXGET: 1\r\n");
  });

  it("urc-inside puts something unasked into the next five answers", async () => {
    await bench.connect("AT+CIPRXGET=1");
    bench.peer.socket.write("abc");
    await bench.terminal.hear("+CIPRXGET: 1\r\n");
    bench.fault("urc-inside");
    expect(await bench.terminal.ask("AT+CSQ")).toBe("\r\n+CSQ: 20,0\r\n\r\nDST: 0\r\n\r\nOK\r\n");
    expect(await bench.terminal.ask("AT+CIPRXGET=2,100")).toBe(
      "\r\n+CIPRXGET: 2,3,0\r\nabc\r\nRING\r\n\r\nOK\r\n",
    );
    expect(await bench.terminal.ask("AT+CIPSTATUS", "CONNECT OK\r\n")).toBe(
      "\r\nOK\r\n\r\nUNDER-VOLTAGE WARNNING\r\n\r\nSTATE: CONNECT OK\r\n",
    );
    expect(await bench.send("x", "SEND OK\r\n")).toBe("\r\nDST: 0\r\n\r\nSEND OK\r\n");
    expect(await bench.terminal.ask("AT+NONSENSE", "ERROR\r\n")).toBe("\r\nRING\r\n\r\nERROR\r\n");
    expect(await bench.terminal.ask("AT+CSQ")).toBe("\r\n+CSQ: 20,0\r\n\r\nOK\r\n");
  });

  it("pdp-deact takes the bearer with every connection, and no CLOSED", async () => {
    await bench.connect();
    bench.fault("pdp-deact");
    await bench.terminal.pass(2000);
    expect(bench.terminal.heard()).toBe("\r\n+PDP: DEACT\r\n");
    expect(await bench.state()).toBe("PDP DEACT");
    expect(await bench.terminal.ask("AT+CIFSR")).toBe("\r\nERROR\r\n");
    await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    bench.fault("pdp-deact");
    await bench.terminal.pass(1000);
    expect(bench.terminal.heard()).toBe("");
  });

  it.each([
    ["a CIICR", async () => bench.terminal.type('AT+CSTT="x";+CIICR\r')],
    [
      "a half-typed send",
      async () => {
        await bench.connect();
        await bench.terminal.ask("AT+CIPSEND=100", "> ");
        bench.terminal.type("x");
      },
    ],
    ["a half-typed command", async () => bench.terminal.type("AT+CIPST")],
    [
      "a message",
      async () => {
        await bench.terminal.ask("AT+CMGF=1");
        await bench.terminal.ask('AT+CMGS="+491"', "> ");
      },
    ],
  ])("brown-out in the middle of %s leads to RDY and a fresh module", async (_name, begin) => {
    await begin();
    await bench.terminal.pass(300);
    bench.terminal.heard();
    bench.fault("brown-out");
    expect((await bench.terminal.hear("RDY\r\n")).slice(9)).toBe("\r\nRDY\r\n");
    expect(await bench.terminal.ask("AT")).toContain("\r\nOK\r\n");
    await bench.terminal.hear("Call Ready\r\n", 20_000);
    expect(await bench.state()).toBe("IP INITIAL");
    await bench.connect();
  });

  it("blackhole swallows bytes both ways while the connection looks open, and the module gives up after 645 s", async () => {
    await bench.connect("AT+CIPRXGET=1");
    bench.fault("blackhole");
    bench.peer.socket.write("unheard");
    await bench.terminal.ask("AT+CIPSEND=5", "> ");
    bench.terminal.type("hello");
    await bench.terminal.pass(600_000);
    expect(bench.terminal.heard()).toBe("");
    expect(bench.peer.received).toBe("");
    expect(await bench.terminal.hear("FAIL\r\n", 46_000)).toBe("\r\nCLOSED\r\n\r\nSEND FAIL\r\n");
    expect(await bench.state()).toBe("TCP CLOSED");
  });

  it("blackhole shows CONNECT OK, hides the peer's close, and lets a new connection hang for 75 s", async () => {
    await bench.connect();
    bench.fault("blackhole");
    bench.peer.socket.end();
    await bench.terminal.pass(60_000);
    expect(await bench.state()).toBe("CONNECT OK");
    await bench.terminal.ask("AT+CIPCLOSE=1", "CLOSE OK\r\n");
    await bench.start("\r\nOK\r\n");
    await bench.terminal.pass(74_000);
    expect(await bench.state()).toBe("TCP CONNECTING");
    expect(await bench.terminal.hear("FAIL\r\n", 2000)).toBe("\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n");
    bench.fault("none");
    await bench.start("CONNECT OK\r\n");
    expect(await bench.send("again", "OK\r\n")).toBe("\r\nSEND OK\r\n");
  });

  it("blackhole keeps the peer from hearing of a close until it ends", async () => {
    await bench.connect();
    let closed = false;
    bench.peer.socket.on("close", () => {
      closed = true;
    });
    bench.fault("blackhole");
    await bench.terminal.ask("AT+CIPCLOSE=1", "CLOSE OK\r\n");
    await bench.terminal.pass(1000);
    expect(closed).toBe(false);
    bench.fault("none");
    for (let turn = 0; turn < 50 && !closed; turn++) await bench.terminal.pass(1);
    expect(closed).toBe(true);
  });

  it("names the fault that it does not know, and those it does", () => {
    expect(() => bench.fault("rust" as ModemFault)).toThrow(/no-sim, pin, .*, blackhole or none, not rust/);
  });
});
