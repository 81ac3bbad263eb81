/** The bring-up against transcripts as the documents and logs of public drivers print them, not against our own emulator. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { configSchema, type ModemConfig } from "../../rig/core/config.js";
import type { ModemError } from "../../rig/core/errors.js";
import type { SerialLine } from "../../rig/core/serial-line.js";
import { AtChannel } from "../../rig/modem/at-channel.js";
import type { AtPort, Unsolicited } from "../../rig/modem/at-command.js";
import { awaitNetwork } from "../../rig/modem/await-network.js";
import { Bell } from "../../rig/modem/bell.js";
import {
  askSendSize,
  type BringUpOptions,
  bringUpContext,
  connectSocket,
  setUpModem,
} from "../../rig/modem/bring-up.js";
import { PinMemory } from "../../rig/modem/pin-memory.js";
import { ManualClock } from "../support/manual-clock.js";
import { ScriptedModem, type Step } from "../support/scripted-modem.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const OK = "\r\nOK\r\n";
const ERROR = "\r\nERROR\r\n";
const ok = (command: string): Step => ({ expect: `${command}\r`, answer: OK });
const says = (command: string, line: string): Step => ({
  expect: `${command}\r`,
  answer: `\r\n${line}\r\n${OK}`,
});
const refuses = (command: string, number?: number): Step => ({
  expect: `${command}\r`,
  answer: number === undefined ? ERROR : `\r\n+CME ERROR: ${number}\r\n`,
});

class Bench {
  readonly clock = new ManualClock();
  readonly modem: ScriptedModem;
  readonly port: AtPort;
  readonly said: string[] = [];
  readonly heard: Unsolicited[] = [];
  readonly news = new Bell(this.clock);
  readonly abort = new AbortController();
  coverage: [number | null, string | null] = [null, null];

  constructor(...steps: readonly Step[]) {
    this.modem = new ScriptedModem(this.clock, steps);
    this.port = new AtChannel(this.modem.stream, {
      clock: this.clock,
      onUnsolicited: (said) => {
        this.heard.push(said);
        if (said.kind === "registration" || said.kind === "sim") this.news.ring();
      },
      onTrace: () => undefined,
    });
  }

  options(modem: Partial<ModemConfig> = {}, kind: SerialLine["kind"] = "serial"): BringUpOptions {
    const { modem: config } = configSchema.parse({
      meters: [{ id: "unused" }],
      modem: { port: "/dev/ttyUSB0", apn: "airtelgprs.com", ...modem },
    });
    return {
      ...{ port: this.port, config: config as ModemConfig, signal: this.abort.signal },
      line: { name: "the line", kind },
      say: (state, detail) => this.said.push(`${state}: ${detail}`),
    };
  }

  network(
    pin: string | null | (() => string | null) = null,
    pinMemory: PinMemory | null = null,
  ): Promise<void> {
    const { port, clock, abort, news } = this;
    return awaitNetwork({
      ...{ port, clock, pinMemory, signal: abort.signal },
      readPin: typeof pin === "function" ? pin : () => pin,
      say: (state, detail) => this.said.push(`${state}: ${detail}`),
      sayCoverage: (signal, operator) => {
        this.coverage = [signal, operator];
      },
      waitForNews: (limitMs) => news.wait(abort.signal, limitMs),
    });
  }

  /** Lets time pass until the work is done. */
  async finish<T>(work: Promise<T>, limitMs = 200_000): Promise<T> {
    let over = false;
    const settled = work.finally(() => {
      over = true;
    });
    settled.catch(() => undefined);
    const endMs = this.clock.steadyMs() + limitMs;
    while (!over && this.clock.steadyMs() < endMs) await this.clock.advance(100);
    if (!over) throw new Error(`not done within ${limitMs} ms: ${JSON.stringify(this.modem.unexpected)}`);
    expect(this.modem.unexpected).toBe("");
    return await settled;
  }
}

const REGISTERED: readonly Step[] = [
  says("AT+CREG?", "+CREG: 1,1"),
  says("AT+CSQ", "+CSQ: 20,0"),
  says("AT+COPS?", '+COPS: 0,0,"airtel"'),
];
const SEARCHING: readonly Step[] = [
  says("AT+CREG?", "+CREG: 1,2"),
  says("AT+CSQ", "+CSQ: 99,99"),
  says("AT+COPS?", "+COPS: 0"),
];
const READY = says("AT+CPIN?", "+CPIN: READY");
const CONTEXT: readonly Step[] = [
  { expect: "AT+CIPSHUT\r", answer: "\r\nSHUT OK\r\n" },
  ...[ok("AT+CIPMUX=0"), ok("AT+CIPMODE=0"), ok("AT+CIPRXGET=1"), ok("AT+CIPQSEND=0")],
];

describe("setting the module up", () => {
  it("switches echo off twice, fixes an autobauding rate, is heard at it and stores it", async () => {
    const bench = new Bench(
      { expect: "ATE0\r", answer: `ATE0\r${OK}` },
      ...[ok("ATE0"), ok("AT+CMEE=1"), ok("AT+IFC=0,0"), says("AT+IPR?", "+IPR: 0")],
      ...[
        ok("AT+IPR=9600"),
        ok("AT"),
        ok("AT&W"),
        ok("AT+CREG=1"),
        ok("AT+CLTS=1"),
        says("ATI", "SIM900 R11.0"),
      ],
    );
    expect(await bench.finish(setUpModem(bench.options()))).toBe("SIM900 R11.0");
    expect(bench.modem.done).toBe(true);
  });

  it("leaves a rate alone that is fixed already, and does without what old firmware refuses", async () => {
    const bench = new Bench(
      ...[refuses("ATE0"), ok("ATE0"), ok("AT+CMEE=1"), refuses("AT+IFC=0,0"), says("AT+IPR?", "+IPR: 9600")],
      ...[ok("AT+CREG=1"), refuses("AT+CLTS=1"), says("ATI", "SIM900 R11.0")],
    );
    expect(await bench.finish(setUpModem(bench.options()))).toBe("SIM900 R11.0");
    expect(bench.modem.done).toBe(true);
  });

  it("neither asks for the rate nor sets it where a device server has it: a modem at 19200 would be lost", async () => {
    const bench = new Bench(
      ...[ok("ATE0"), ok("ATE0"), ok("AT+CMEE=1"), ok("AT+IFC=0,0"), ok("AT+CREG=1"), ok("AT+CLTS=1")],
      says("ATI", "SIM900 R11.0"),
    );
    await bench.finish(setUpModem(bench.options({}, "tcp")));
    expect(bench.modem.written).not.toContain("IPR");
  });

  it("leaves another rate alone at which the modem is heard all the same", async () => {
    const bench = new Bench(
      ...[ok("ATE0"), ok("ATE0"), ok("AT+CMEE=1"), ok("AT+IFC=0,0"), says("AT+IPR?", "+IPR: 19200")],
      ...[ok("AT+CREG=1"), ok("AT+CLTS=1"), says("ATI", "SIM900 R11.0")],
    );
    await bench.finish(setUpModem(bench.options()));
    expect(bench.modem.done).toBe(true);
  });

  it("stores no rate at which the modem is not heard", async () => {
    const bench = new Bench(
      ...[ok("ATE0"), ok("ATE0"), ok("AT+CMEE=1"), ok("AT+IFC=0,0"), says("AT+IPR?", "+IPR: 0")],
      ...[ok("AT+IPR=9600"), { expect: "AT\r", answer: [] } as Step],
    );
    await expect(bench.finish(setUpModem(bench.options()))).rejects.toMatchObject({
      code: "modem/no-answer",
      message: expect.stringMatching(/AT\+IPR\? says 0.*silent at 9600 baud/),
    });
    expect(bench.modem.written).not.toContain("AT&W");
  });
});

describe("waiting for the SIM and the network", () => {
  it("passes where both are there, and knows signal and operator", async () => {
    const bench = new Bench(READY, ...REGISTERED);
    await bench.finish(bench.network());
    expect(bench.coverage).toEqual([20, "airtel"]);
    expect(bench.said).toEqual([]);
  });

  it("asks a busy SIM once a second, and takes RDY's followers in the middle of an answer", async () => {
    const bench = new Bench(
      ...[refuses("AT+CPIN?", 14), refuses("AT+CPIN?")],
      { expect: "AT+CPIN?\r", answer: `\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n${OK}` },
      ...REGISTERED,
    );
    await bench.finish(bench.network());
    expect(bench.clock.steadyMs()).toBeGreaterThanOrEqual(2000);
    expect(bench.modem.done).toBe(true);
  });

  it("waits for a SIM that is missing, and goes on when it is there", async () => {
    const bench = new Bench(
      refuses("AT+CPIN?", 10),
      says("AT+CPIN?", "+CPIN: NOT INSERTED"),
      READY,
      ...REGISTERED,
    );
    await bench.finish(bench.network());
    expect(bench.said[0]).toMatch(/^sim: .*no SIM.*: switch the modem off, put the SIM in/);
    // Looked at again every 10 s.
    expect(Math.round(bench.clock.steadyMs() / 1000)).toBe(20);
  });

  it("enters the PIN once and waits for the SIM to open", async () => {
    const directory = temporaryDirectory();
    const memory = new PinMemory(directory);
    const bench = new Bench(
      ...[says("AT+CPIN?", "+CPIN: SIM PIN"), ok("AT+CPIN=1234"), refuses("AT+CPIN?", 14), READY],
      ...REGISTERED,
    );
    await bench.finish(bench.network("1234", memory));
    expect(bench.modem.done).toBe(true);
    expect(existsSync(memory.file)).toBe(false);
  });

  it.each([
    ["refused (CME 16)", refuses("AT+CPIN=1234", 16)],
    ["cut off by a restart", { expect: "AT+CPIN=1234\r", answer: "\r\nRDY\r\n" } as Step],
  ])("never tries a PIN again that was %s, not even in the next run", async (_what, outcome) => {
    const directory = temporaryDirectory();
    const wanted = says("AT+CPIN?", "+CPIN: SIM PIN");
    const bench = new Bench(wanted, outcome, wanted, wanted, wanted);
    const memory = () => new PinMemory(directory);
    bench.network("1234", memory()).catch(() => undefined);
    await bench.clock.advance(25_000);
    const second = new Bench(wanted, wanted);
    second.network("1234", memory()).catch(() => undefined);
    await second.clock.advance(15_000);
    expect(bench.modem.written.match(/AT\+CPIN=1234/g)).toHaveLength(1);
    expect(second.modem.written).toBe("AT+CPIN?\rAT+CPIN?\r");
    expect(second.said[0]).toMatch(/did not take the PIN.*not tried again.*modem-pin\.json/);
    expect([...bench.said, ...second.said].join()).not.toContain("1234");
    bench.abort.abort(new Error("over"));
    second.abort.abort(new Error("over"));
  });

  it.each([
    ["+CPIN: SIM PIN", null, /^sim: the SIM wants its PIN, and no modem\.pinFile/],
    ["+CPIN: SIM PIN", "12 34", /^sim: .*modem\.pinFile holds none: a PIN is 4 to 8 digits/],
    ["+CPIN: SIM PUK", "1234", /^sim: the SIM is locked.*PUK.*phone/],
  ])("leaves %s with PIN %s to a person", async (state, pin, said) => {
    const memory = new PinMemory(temporaryDirectory());
    const bench = new Bench(says("AT+CPIN?", state));
    bench.network(pin, memory).catch(() => undefined);
    await bench.clock.advance(5000);
    expect(bench.said).toEqual([expect.stringMatching(said)]);
    expect(bench.modem.written).toBe("AT+CPIN?\r");
    bench.abort.abort(new Error("over"));
  });

  it("follows the file from edit to edit with two PINs at most, and says that a third would lock the SIM", async () => {
    const memory = new PinMemory(temporaryDirectory());
    const wanted = says("AT+CPIN?", "+CPIN: SIM PIN");
    const bench = new Bench(
      ...[wanted, refuses("AT+CPIN=1111", 16), wanted, wanted, refuses("AT+CPIN=2222", 16)],
      ...[wanted, wanted, wanted],
    );
    // Left for a look as it was, corrected wrongly, put back, corrected rightly but too late.
    const edits = ["1111", "1111", "2222", "1111", "1234", "2222"];
    bench.network(() => edits.shift() ?? "2222", memory).catch(() => undefined);
    await bench.clock.advance(45_000);
    expect(bench.modem.written.match(/AT\+CPIN=\d+/g)).toEqual(["AT+CPIN=1111", "AT+CPIN=2222"]);
    expect(bench.said.at(-1)).toMatch(/^sim: .*third wrong one would lock it.*phone/);
    bench.abort.abort(new Error("over"));
  });

  it.each([
    [
      "a file that cannot be read",
      () => {
        throw new Error("ENOENT: no such file");
      },
      /^sim: .*modem\.pinFile gives none: ENOENT/,
    ],
    ["a file that is not written yet", () => "12", /^sim: .*holds none: a PIN is 4 to 8 digits/],
  ])("looks again after 10 s at %s", async (_what, first, said) => {
    const wanted = says("AT+CPIN?", "+CPIN: SIM PIN");
    const bench = new Bench(wanted, wanted, ok("AT+CPIN=1234"), READY, ...REGISTERED);
    let looks = 0;
    const read = () => {
      looks += 1;
      return looks === 1 ? first() : "1234";
    };
    await bench.finish(bench.network(read, new PinMemory(temporaryDirectory())));
    expect(bench.said).toEqual([expect.stringMatching(said)]);
    expect(Math.round(bench.clock.steadyMs() / 1000)).toBe(11);
  });

  it("forgets the refused PINs once the SIM is open", async () => {
    const memory = new PinMemory(temporaryDirectory());
    memory.remember("1111");
    memory.remember("2222");
    const bench = new Bench(READY, ...REGISTERED);
    await bench.finish(bench.network("1234", memory));
    expect(existsSync(memory.file)).toBe(false);
  });

  it("goes on as soon as the modem says that it is registered", async () => {
    const bench = new Bench(
      READY,
      ...SEARCHING,
      READY,
      says("AT+CREG?", "+CREG: 1,5"),
      ...REGISTERED.slice(1),
    );
    bench.clock.after(1500, () => bench.modem.say("\r\n+CREG: 5\r\n"));
    await bench.finish(bench.network());
    expect(bench.clock.steadyMs()).toBeLessThan(2000);
    expect(bench.said).toEqual([expect.stringMatching(/^searching: searching for the network/)]);
  });

  it("says after a minute what to check, and goes on searching without a reset for an hour", async () => {
    const look = [...SEARCHING, READY];
    const bench = new Bench(READY, ...Array.from({ length: 730 }, () => look).flat());
    bench.network().catch(() => undefined);
    await bench.clock.advance(59_000);
    expect(new Set(bench.said).size).toBe(1);
    await bench.clock.advance(3_540_000);
    expect(bench.said.at(-1)).toMatch(/not registered after 60 s.*antenna.*2G/);
    expect(bench.modem.written).not.toContain("CFUN");
    expect(bench.modem.unexpected).toBe("");
    bench.abort.abort(new Error("over"));
  });

  it("tells that the network refuses the SIM", async () => {
    const bench = new Bench(READY, says("AT+CREG?", "+CREG: 1,3"), ...SEARCHING.slice(1));
    bench.network().catch(() => undefined);
    await bench.clock.advance(1000);
    expect(bench.said[0]).toMatch(/^searching: the network refuses the SIM/);
    bench.abort.abort(new Error("over"));
  });
});

describe("bringing the context up", () => {
  it("goes from IP INITIAL to IP STATUS, attaching where that is needed", async () => {
    const bench = new Bench(
      ...[says("AT+CGATT?", "+CGATT: 0"), ok("AT+CGATT=1"), ...CONTEXT],
      ...[ok('AT+CSTT="airtelgprs.com","",""'), ok("AT+CIICR")],
      { expect: "AT+CIFSR\r", answer: "\r\n10.78.245.128\r\n" },
    );
    expect(await bench.finish(bringUpContext(bench.options()))).toBe("pull");
    expect(bench.modem.done).toBe(true);
  });

  it("has received bytes pushed with a header where the firmware lacks AT+CIPRXGET", async () => {
    const bench = new Bench(
      ...[
        says("AT+CGATT?", "+CGATT: 1"),
        { expect: "AT+CIPSHUT\r", answer: "\r\nSHUT OK\r\n" },
        ok("AT+CIPMUX=0"),
      ],
      ...[ok("AT+CIPMODE=0"), refuses("AT+CIPRXGET=1"), ok("AT+CIPHEAD=1"), refuses("AT+CIPQSEND=0")],
      ...[ok('AT+CSTT="airtelgprs.com","",""'), ok("AT+CIICR")],
      { expect: "AT+CIFSR\r", answer: "\r\n10.78.245.128\r\n" },
    );
    expect(await bench.finish(bringUpContext(bench.options()))).toBe("push");
  });

  it("names the access point where the network gives no context (ZAP's log), and not its password", async () => {
    const bench = new Bench(
      ...[says("AT+CGATT?", "+CGATT: 1"), ...CONTEXT, ok('AT+CSTT="airtelgprs.com","me","secret"')],
      { expect: "AT+CIICR\r", answer: [{ afterMs: 40_000, say: "\r\n+PDP: DEACT\r\n\r\nERROR\r\n" }] },
    );
    const failed = bench.finish(bringUpContext(bench.options({ user: "me", password: "secret" })));
    const error = await failed.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "modem/no-context",
      hint: expect.stringContaining('"airtelgprs.com"'),
    });
    expect(JSON.stringify([error, bench.said])).not.toContain("secret");
  });

  it("says that a SIM may not join the packet service", async () => {
    const bench = new Bench(says("AT+CGATT?", "+CGATT: 0"), refuses("AT+CGATT=1", 107));
    await expect(bench.finish(bringUpContext(bench.options()))).rejects.toMatchObject({
      code: "modem/not-attached",
      hint: expect.stringContaining("2G"),
    });
  });
});

describe("opening the connection", () => {
  const status = (state: string): Step => ({
    expect: "AT+CIPSTATUS\r",
    answer: `${OK}\r\nSTATE: ${state}\r\n`,
  });
  const start = 'AT+CIPSTART="TCP","broker.example",1883\r';
  const peer = { host: "broker.example", port: 1883 };

  it.each([
    ["+CIPSEND: 1380", 1024],
    ["+CIPSEND: 536", 535],
  ])("takes one byte less than the network's %s, at most 1024", async (answer, bytes) => {
    const bench = new Bench(
      status("IP STATUS"),
      { expect: start, answer: [OK, { afterMs: 3000, say: "\r\nCONNECT OK\r\n" }] },
      says("AT+CIPSEND?", answer),
    );
    await bench.finish(connectSocket(bench.options(), peer));
    const { port, signal } = bench.options();
    expect(await bench.finish(askSendSize(port, signal))).toBe(bytes);
  });

  it.each([
    [
      "CONNECT FAIL after 75 s",
      [OK, { afterMs: 75_000, say: "\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n" }],
      "modem/connect-failed",
    ],
    ["a stale socket: ALREADY CONNECT", ["\r\nALREADY CONNECT\r\n"], "modem/wrong-state"],
    ["ERROR", [ERROR], "modem/wrong-state"],
    ["silence", [OK], "modem/connect-failed"],
  ])("fails at %s", async (_what, answer, code) => {
    const bench = new Bench(status("TCP CLOSED"), { expect: start, answer });
    await expect(bench.finish(connectSocket(bench.options(), peer))).rejects.toMatchObject({ code });
  });

  it("does not connect from a context that is gone", async () => {
    const bench = new Bench(status("PDP DEACT"));
    await expect(bench.finish(connectSocket(bench.options(), peer))).rejects.toMatchObject({
      code: "modem/wrong-state",
    });
  });

  it("takes IP INITIAL for a restart whose RDY was lost: what was up is not any more", async () => {
    const bench = new Bench(status("IP INITIAL"));
    await expect(bench.finish(connectSocket(bench.options(), peer))).rejects.toMatchObject({
      code: "modem/restarted",
      hint: expect.stringContaining("2 A"),
    });
  });

  async function hintAfterFail(host: string, kind: SerialLine["kind"]): Promise<string> {
    const bench = new Bench(status("IP STATUS"), {
      expect: `AT+CIPSTART="TCP","${host}",1883\r`,
      answer: `${OK}\r\nSTATE: IP STATUS\r\n\r\nCONNECT FAIL\r\n`,
    });
    const work = connectSocket(bench.options({}, kind), { host, port: 1883 });
    const error = await bench.finish(work).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "modem/connect-failed" });
    return (error as ModemError).hint ?? "";
  }

  it.each(["127.0.0.1", "localhost"])(
    "explains that a mobile network cannot reach %s of this PC",
    async (host) => {
      expect(await hintAfterFail(host, "serial")).toMatch(/mobile network cannot reach .*broker\.host/);
    },
  );

  it("says to check the broker where the modem is virtual, which reaches this PC", async () => {
    const hint = await hintAfterFail("127.0.0.1", "virtual");
    expect(hint).toMatch(/check that the broker runs/);
    expect(hint).not.toMatch(/cannot reach|real modem/);
    expect(await hintAfterFail("127.0.0.1", "tcp")).toMatch(/check that the broker runs.*real modem behind/);
    expect(await hintAfterFail("broker.example", "virtual")).not.toContain("internet");
  });
});
