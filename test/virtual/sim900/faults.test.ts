import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ModemFault } from "../../../rig/virtual/modem-command.js";
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

const fault = (name: ModemFault | "none") => terminal.modem.command({ verb: "fault", what: "modem", name });
const start = (ending: string, limitMs?: number) =>
  terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${peer.port}`, ending, limitMs);
const state = async () =>
  /STATE: ([A-Z ]+)/.exec(await terminal.ask("AT+CIPSTATUS", /STATE: [A-Z ]+\r\n$/))![1];

async function connect(...before: string[]): Promise<void> {
  await terminal.bringUp(...before);
  await start("CONNECT OK\r\n");
}

async function send(text: string, ending: string, limitMs?: number): Promise<string> {
  await terminal.ask(`AT+CIPSEND=${text.length}`, "> ");
  terminal.type(text);
  return terminal.hear(ending, limitMs);
}

describe("faults of the virtual SIM900", () => {
  it.each(["ciicr-fails", "wrong-apn"] as const)(
    "%s ends CIICR in +PDP: DEACT and ERROR, until none",
    async (name) => {
      fault(name);
      await terminal.ask("ATE0");
      await terminal.ask('AT+CSTT="internet"');
      expect(await terminal.ask("AT+CIICR")).toBe("\r\n+PDP: DEACT\r\n\r\nERROR\r\n");
      expect(await state()).toBe("PDP DEACT");
      expect(await terminal.ask('AT+CSTT="internet"')).toBe("\r\nERROR\r\n");
      await terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
      fault("none");
      await terminal.bringUp();
    },
  );

  it("connect-fail fails after 20 s, until none", async () => {
    await terminal.bringUp();
    fault("connect-fail");
    const startMs = terminal.clock.steadyMs();
    expect(await start("FAIL\r\n", 25_000)).toBe("\r\nOK\r\n\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n");
    expect(terminal.clock.steadyMs() - startMs).toBeGreaterThan(20_000);
    fault("none");
    await start("CONNECT OK\r\n");
  });

  it("send-fail spoils one send, and its bytes do not arrive", async () => {
    await connect();
    fault("send-fail");
    expect(await send("lost", "FAIL\r\n")).toBe("\r\nSEND FAIL\r\n");
    expect(await state()).toBe("CONNECT OK");
    expect(await send("kept", "OK\r\n")).toBe("\r\nSEND OK\r\n");
    expect(peer.received).toBe("kept");
  });

  it("prompt-lost takes one prompt away, and the module waits for the bytes all the same", async () => {
    await connect();
    fault("prompt-lost");
    terminal.type("AT+CIPSEND=5\r");
    await terminal.pass(5000);
    expect(terminal.heard()).toBe("");
    terminal.type("AT\rAT");
    expect(await terminal.hear("OK\r\n")).toBe("\r\nSEND OK\r\n");
    expect(await send("next", "SEND OK\r\n")).toBe("\r\nSEND OK\r\n");
  });

  it("closed-lost closes at once without CLOSED, which CIPSTATUS knows", async () => {
    await connect();
    fault("closed-lost");
    await terminal.pass(5000);
    expect(terminal.heard()).toBe("");
    expect(await state()).toBe("TCP CLOSED");
    expect(await terminal.ask("AT+CIPSEND=1")).toBe("\r\nERROR\r\n");
  });

  it("closed-lost without a connection waits for the next close", async () => {
    fault("closed-lost");
    await connect();
    peer.socket.end();
    await terminal.pass(5000);
    expect(terminal.heard()).toBe("");
    expect(await state()).toBe("TCP CLOSED");
  });

  it("urc-lost keeps one +CIPRXGET: 1 back, and the bytes are there", async () => {
    await connect("AT+CIPRXGET=1");
    fault("urc-lost");
    peer.socket.write("quiet");
    await terminal.pass(2000);
    expect(terminal.heard()).toBe("");
    expect(await terminal.ask("AT+CIPRXGET=2,100")).toBe("\r\n+CIPRXGET: 2,5,0\r\nquiet\r\nOK\r\n");
    peer.socket.write("loud");
    await terminal.hear("+CIPRXGET: 1\r\n");
  });

  it("urc-inside puts something unasked into the next five answers", async () => {
    await connect("AT+CIPRXGET=1");
    peer.socket.write("abc");
    await terminal.hear("+CIPRXGET: 1\r\n");
    fault("urc-inside");
    expect(await terminal.ask("AT+CSQ")).toBe("\r\n+CSQ: 20,0\r\n\r\nDST: 0\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT+CIPRXGET=2,100")).toBe("\r\n+CIPRXGET: 2,3,0\r\nabc\r\nRING\r\n\r\nOK\r\n");
    expect(await terminal.ask("AT+CIPSTATUS", "CONNECT OK\r\n")).toBe(
      "\r\nOK\r\n\r\nUNDER-VOLTAGE WARNNING\r\n\r\nSTATE: CONNECT OK\r\n",
    );
    expect(await send("x", "SEND OK\r\n")).toBe("\r\nDST: 0\r\n\r\nSEND OK\r\n");
    expect(await terminal.ask("AT+NONSENSE", "ERROR\r\n")).toBe("\r\nRING\r\n\r\nERROR\r\n");
    expect(await terminal.ask("AT+CSQ")).toBe("\r\n+CSQ: 20,0\r\n\r\nOK\r\n");
  });

  it("pdp-deact takes the bearer with every connection, and no CLOSED", async () => {
    await connect();
    fault("pdp-deact");
    await terminal.pass(2000);
    expect(terminal.heard()).toBe("\r\n+PDP: DEACT\r\n");
    expect(await state()).toBe("PDP DEACT");
    expect(await terminal.ask("AT+CIFSR")).toBe("\r\nERROR\r\n");
    await terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    fault("pdp-deact");
    await terminal.pass(1000);
    expect(terminal.heard()).toBe("");
  });

  it.each([
    ["a CIICR", async () => terminal.type('AT+CSTT="x";+CIICR\r')],
    [
      "a half-typed send",
      async () => {
        await connect();
        await terminal.ask("AT+CIPSEND=100", "> ");
        terminal.type("x");
      },
    ],
    ["a half-typed command", async () => terminal.type("AT+CIPST")],
    [
      "a message",
      async () => {
        await terminal.ask("AT+CMGF=1");
        await terminal.ask('AT+CMGS="+491"', "> ");
      },
    ],
  ])("brown-out in the middle of %s leads to RDY and a fresh module", async (_name, begin) => {
    await begin();
    await terminal.pass(300);
    terminal.heard();
    fault("brown-out");
    expect((await terminal.hear("RDY\r\n")).slice(9)).toBe("\r\nRDY\r\n");
    expect(await terminal.ask("AT")).toContain("\r\nOK\r\n");
    await terminal.hear("Call Ready\r\n", 20_000);
    expect(await state()).toBe("IP INITIAL");
    await connect();
  });

  it("blackhole swallows bytes both ways while the connection looks open, and the module gives up after 645 s", async () => {
    await connect("AT+CIPRXGET=1");
    fault("blackhole");
    peer.socket.write("unheard");
    await terminal.ask("AT+CIPSEND=5", "> ");
    terminal.type("hello");
    await terminal.pass(600_000);
    expect(terminal.heard()).toBe("");
    expect(peer.received).toBe("");
    expect(await terminal.hear("FAIL\r\n", 46_000)).toBe("\r\nCLOSED\r\n\r\nSEND FAIL\r\n");
    expect(await state()).toBe("TCP CLOSED");
  });

  it("blackhole shows CONNECT OK, hides the peer's close, and lets a new connection hang for 75 s", async () => {
    await connect();
    fault("blackhole");
    peer.socket.end();
    await terminal.pass(60_000);
    expect(await state()).toBe("CONNECT OK");
    await terminal.ask("AT+CIPCLOSE=1", "CLOSE OK\r\n");
    await start("\r\nOK\r\n");
    await terminal.pass(74_000);
    expect(await state()).toBe("TCP CONNECTING");
    expect(await terminal.hear("FAIL\r\n", 2000)).toBe("\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n");
    fault("none");
    await start("CONNECT OK\r\n");
    expect(await send("again", "OK\r\n")).toBe("\r\nSEND OK\r\n");
  });

  it("blackhole keeps the peer from hearing of a close until it ends", async () => {
    await connect();
    let closed = false;
    peer.socket.on("close", () => {
      closed = true;
    });
    fault("blackhole");
    await terminal.ask("AT+CIPCLOSE=1", "CLOSE OK\r\n");
    await terminal.pass(1000);
    expect(closed).toBe(false);
    fault("none");
    for (let turn = 0; turn < 50 && !closed; turn++) await terminal.pass(1);
    expect(closed).toBe(true);
  });

  it("names the fault that it does not know, and those it does", () => {
    expect(() => fault("rust" as ModemFault)).toThrow(/no-sim, pin, .*, blackhole or none, not rust/);
  });
});
