import { describe, expect, it } from "vitest";
import { AtChannel } from "../../rig/modem/at-channel.js";
import type { AtCommand, Unsolicited } from "../../rig/modem/at-command.js";
import { AtTrace } from "../../rig/modem/at-trace.js";
import {
  at,
  enterPin,
  registration,
  restart,
  signalQuality,
  simState,
} from "../../rig/modem/sim900-commands.js";
import { sendMessage } from "../../rig/modem/sim900-messages.js";
import {
  bringUpContext,
  connectTcp,
  localAddress,
  pull,
  send,
  setContext,
  shut,
  status,
} from "../../rig/modem/sim900-tcp.js";
import { ManualClock } from "../support/manual-clock.js";
import { ScriptedModem, type Step } from "../support/scripted-modem.js";

const OK = "\r\nOK\r\n";
const SIGNAL: Step = { expect: "AT+CSQ\r", answer: "\r\n+CSQ: 20,0\r\n\r\nOK\r\n" };
const PROBE: Step = { expect: "AT\r", answer: OK };
/** The quiet that the channel keeps after a probe's OK [ms]. */
const QUIET_MS = 500;

function bench(...steps: Step[]) {
  const clock = new ManualClock();
  const modem = new ScriptedModem(clock, steps);
  const heard: Unsolicited[] = [];
  const traced: string[] = [];
  const trace = new AtTrace(["s3cret", "4711"], ({ direction, kind, text }) =>
    traced.push(`${direction} ${kind} ${text}`),
  );
  const channel = new AtChannel(modem.stream, {
    clock,
    onUnsolicited: (said) => heard.push(said),
    onTrace: (entry) => trace.add(entry),
  });
  return {
    clock,
    modem,
    heard,
    traced,
    channel,
    /** Says something unasked, and lets it arrive. */
    async say(bytes: string | Uint8Array): Promise<void> {
      modem.say(bytes);
      await clock.advance(0);
    },
    /** The outcome as text: a value as JSON, an error by its code or name. */
    async outcome(command: AtCommand<unknown>, signal?: AbortSignal): Promise<string> {
      try {
        return JSON.stringify(await channel.run(command, signal)) ?? "done";
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    },
  };
}

/** Whether the promise is settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let is = false;
  promise.then(
    () => {
      is = true;
    },
    () => {
      is = true;
    },
  );
  await new Promise((resolve) => setImmediate(resolve));
  return is;
}

describe("AtChannel", () => {
  it("writes one command at a time, in the order they were asked for", async () => {
    const { clock, modem, channel } = bench(
      { expect: "AT\r", answer: { afterMs: 100, say: OK } },
      { expect: "AT+CSQ\r", answer: { afterMs: 100, say: "\r\n+CSQ: 7,0\r\n\r\nOK\r\n" } },
    );
    const first = channel.run(at());
    const second = channel.run(signalQuality());
    await clock.advance(99);
    expect(modem.written).toBe("AT\r");
    await clock.advance(1);
    await first;
    expect(modem.written).toBe("AT\rAT+CSQ\r");
    await clock.advance(100);
    expect(await second).toBe(7);
    expect(clock.armedTimers).toBe(0);
    expect(modem.done).toBe(true);
  });

  it("drops the echo of its command, also while it does not know that there is one", async () => {
    const { channel, heard } = bench({ expect: "AT+CSQ\r", answer: "AT+CSQ\r\r\n+CSQ: 31,0\r\n\r\nOK\r\n" });
    expect(await channel.run(signalQuality())).toBe(31);
    expect(heard).toEqual([]);
    expect(channel.strayBytes).toBe(0);
  });

  describe("what comes unasked", () => {
    it("is handed on from the middle of an answer", async () => {
      const { channel, heard } = bench({
        expect: "AT+CPIN?\r",
        answer:
          '\r\n+CPIN: READY\r\n\r\n+CMTI: "SM",3\r\n\r\n+CIPRXGET:1\r\n\r\nUNDER-VOLTAGE WARNNING\r\n\r\nOK\r\n',
      });
      expect(await channel.run(simState())).toBe("READY");
      expect(heard).toEqual([
        { kind: "message", storage: "SM", index: 3 },
        { kind: "data-waiting" },
        { kind: "supply", text: "UNDER-VOLTAGE WARNNING" },
      ]);
    });

    it("is told from an answer by its fields: +CREG within the answer to AT+CREG?", async () => {
      const { channel, heard } = bench({
        expect: "AT+CREG?\r",
        answer: '\r\n+CREG: 5\r\n\r\n+CREG: 5,"00C3","0A12"\r\n\r\n+CREG: 1,2\r\n\r\n+CREG: 1\r\n\r\nOK\r\n',
      });
      expect(await channel.run(registration())).toBe(2);
      expect(heard).toEqual([
        { kind: "registration", network: "gsm", stat: 5 },
        { kind: "registration", network: "gsm", stat: 5 },
        { kind: "registration", network: "gsm", stat: 1 },
      ]);
    });

    it("is told from an answer: +CIPRXGET: 1 within the answer of mode 2", async () => {
      const { channel, heard } = bench({
        expect: "AT+CIPRXGET=2,512\r",
        answer: "\r\n+CIPRXGET: 1\r\n\r\n+CIPRXGET: 2,0,255\r\n\r\nOK\r\n",
      });
      expect(await channel.run(pull(512))).toMatchObject({ left: 255 });
      expect(heard).toEqual([{ kind: "data-waiting" }]);
    });

    it("is the SIM's state when nobody has asked for it", async () => {
      const { say, heard } = bench();
      await say("\r\n+CPIN: NOT INSERTED\r\n\r\nCLOSED\r\n\r\n+PDP: DEACT\r\n\r\nCall Ready\r\n");
      expect(heard).toEqual([
        { kind: "sim", state: "NOT INSERTED" },
        { kind: "closed" },
        { kind: "pdp-deact" },
        { kind: "notice", text: "Call Ready" },
      ]);
    });

    it("is handed on with the bytes of +IPD, whatever they look like", async () => {
      const { channel, say, heard } = bench(SIGNAL);
      await say("\r\n+IPD,9:\r\nRDY\r\n>>\r\n+IPD,2,TCP:\r\n");
      expect(heard).toEqual([
        { kind: "data", bytes: Uint8Array.from(Buffer.from("\r\nRDY\r\n>>")).slice(0, 9) },
        { kind: "data", bytes: Uint8Array.of(13, 10) },
      ]);
      expect(await channel.run(signalQuality())).toBe(20);
    });

    it("has two seconds for the rest of what +IPD announces, or is given up", async () => {
      const { clock, channel, say, heard } = bench(SIGNAL);
      await say("\r\n+IPD,1000:abc");
      await clock.advance(2000);
      expect(channel.strayBytes).toBe(3);
      expect(await channel.run(signalQuality())).toBe(20);
      expect(heard).toEqual([]);
    });

    it("is not told any more to one who closes the line when hearing it", async () => {
      const clock = new ManualClock();
      const modem = new ScriptedModem(clock);
      const heard: string[] = [];
      const channel = new AtChannel(modem.stream, {
        clock,
        onUnsolicited: (said) => {
          heard.push(said.kind);
          void channel.close();
        },
        onTrace: () => undefined,
      });
      modem.say("\r\nCLOSED\r\n\r\n+PDP: DEACT\r\n");
      await clock.advance(0);
      expect(heard).toEqual(["closed"]);
    });

    it("is a message's text after +CMT, even if it says RDY", async () => {
      const { channel, say, heard } = bench(SIGNAL);
      await say('\r\n+CMT: "+491","","26/11/24,12:00:00+04"\r\nRDY\r\n');
      expect(heard.map(({ kind }) => kind)).toEqual(["notice", "stray"]);
      expect(await channel.run(signalQuality())).toBe(20);
    });

    it("is counted where nothing explains it: the boot noise before RDY", async () => {
      const { channel, say, heard } = bench();
      await say(Uint8Array.of(0, 0x49, 0x49, 0x49, 0x49, 0xff, 0xff, 0xff, 0xff));
      await say("\r\nRDY\r\n\r\n+CFUN: 1\r\n");
      expect(heard).toEqual([{ kind: "ready" }, { kind: "notice", text: "+CFUN: 1" }]);
      expect(channel.strayBytes).toBe(9);
    });
  });

  describe("a refusal", () => {
    it.each([
      ["\r\nERROR\r\n", "the modem refused AT+CSQ: ERROR", null],
      ["\r\n+CME ERROR: 10\r\n", "the modem refused AT+CSQ: SIM not inserted (+CME ERROR: 10)", 10],
      ["\r\n+CME ERROR: SIM busy\r\n", "the modem refused AT+CSQ: SIM busy", null],
      ["\r\n+CMS ERROR: 322\r\n", "the modem refused AT+CSQ: memory full (+CMS ERROR: 322)", 322],
    ])("is told in words: %j", async (answer, message, number) => {
      const { channel } = bench({ expect: "AT+CSQ\r", answer }, SIGNAL);
      await expect(channel.run(signalQuality())).rejects.toMatchObject({
        code: "modem/refused",
        message,
        result: { number },
      });
      expect(await channel.run(signalQuality())).toBe(20);
    });

    it("comes after +PDP: DEACT where the context cannot be brought up", async () => {
      const { outcome, heard } = bench({ expect: "AT+CIICR\r", answer: "\r\n+PDP: DEACT\r\n\r\nERROR\r\n" });
      expect(await outcome(bringUpContext())).toBe("modem/refused");
      expect(heard).toEqual([{ kind: "pdp-deact" }]);
    });

    it("at ERROR leaves a late ALREADY CONNECT stray, and the next command unharmed", async () => {
      const { clock, channel, outcome, heard } = bench(
        {
          expect: 'AT+CIPSTART="TCP","10.0.0.1",80\r',
          answer: ["\r\nERROR\r\n", { afterMs: 150, say: "\r\nALREADY CONNECT\r\n" }],
        },
        { expect: "AT+CIPSHUT\r", answer: { afterMs: 300, say: "\r\nSHUT OK\r\n" } },
      );
      expect(await outcome(connectTcp("10.0.0.1", 80))).toBe("modem/refused");
      const closing = channel.run(shut());
      await clock.advance(300);
      await closing;
      expect(heard).toEqual([{ kind: "stray", text: "ALREADY CONNECT" }]);
    });
  });

  describe("a time limit", () => {
    it("names the command, the time and what to check", async () => {
      const { clock, channel } = bench({ expect: "AT+CIICR\r" });
      const failure = channel.run(bringUpContext()).catch((error: unknown) => error);
      await clock.advance(85_000);
      expect(await failure).toMatchObject({
        code: "modem/timeout",
        message: "no answer to AT+CIICR within 85000 ms",
        hint: "check the access point name, the antenna and the signal",
      });
    });

    it("runs from the last byte written: 3 bytes of AT at 10 ms each", async () => {
      const { clock, modem, outcome } = bench({ expect: "AT\r" });
      modem.byteMs = 10;
      const ended = outcome(at(1000));
      await clock.advance(1029);
      expect(await settled(ended)).toBe(false);
      await clock.advance(1);
      expect(await ended).toBe("modem/timeout");
    });

    it("does not show a secret", async () => {
      const { clock, channel } = bench({ expect: "AT+CPIN=4711\r" });
      const failure = channel.run(enterPin("4711")).catch((error: unknown) => error);
      await clock.advance(5000);
      expect(await failure).toMatchObject({ message: "no answer to AT+CPIN=**** within 5000 ms" });
    });

    it("is that of the line where it takes no bytes: the line is given up after 30 s", async () => {
      const { clock, modem, channel, outcome } = bench();
      modem.byteMs = 60_000;
      const ended = outcome(at());
      await clock.advance(30_000);
      expect(await ended).toBe("modem/lost");
      expect((await channel.closed).message).toBe("the line to the modem took no bytes for 30000 ms");
    });
  });

  describe("after a command without result", () => {
    it("never takes the late answer for the next command's: a second OK within the quiet", async () => {
      const { clock, modem, heard, channel, outcome } = bench(
        { expect: 'AT+CSTT="net","",""\r' },
        // The modem was busy, and now answers both.
        { expect: "AT\r", answer: [OK, { afterMs: 200, say: OK }] },
        { expect: "AT+CIICR\r", answer: { afterMs: 3000, say: OK } },
      );
      const late = outcome(setContext({ apn: "net", user: "", password: "" }));
      await clock.advance(5000);
      expect(await late).toBe("modem/timeout");
      const next = channel.run(bringUpContext());
      await clock.advance(QUIET_MS + 2999);
      expect(await settled(next)).toBe(false);
      await clock.advance(1);
      await next;
      expect(heard).toEqual([{ kind: "stray", text: "OK" }]);
      expect(modem.done).toBe(true);
    });

    it("fails the next one too if no probe is answered, and comes back when one is", async () => {
      const { clock, modem, outcome } = bench({ expect: "AT+CSQ\r" });
      const first = outcome(signalQuality());
      await clock.advance(5000);
      expect(await first).toBe("modem/timeout");
      modem.add({ expect: "AT\rAT\rAT\rAT\rAT\r" });
      const second = outcome(signalQuality());
      await clock.advance(5000);
      expect(await second).toBe("modem/timeout");
      expect(modem.done).toBe(true);
      modem.add(PROBE, SIGNAL);
      const third = outcome(signalQuality());
      await clock.advance(QUIET_MS);
      expect(await third).toBe("20");
    });

    it("probes again after an ERROR: the probe went on with what was half typed", async () => {
      const { clock, modem, outcome } = bench(
        { expect: "AT+CSQ\r" },
        { expect: "AT\r", answer: "\r\nERROR\r\n" },
        PROBE,
        SIGNAL,
      );
      const first = outcome(signalQuality());
      await clock.advance(5000);
      await first;
      const second = outcome(signalQuality());
      await clock.advance(QUIET_MS);
      expect(await second).toBe("20");
      expect(modem.done).toBe(true);
    });

    it("takes an AT of the caller for the probe, which no other precedes", async () => {
      const { clock, modem, outcome } = bench({ expect: "AT\r" }, { expect: "AT\r", answer: OK }, SIGNAL);
      const first = outcome(at(300));
      await clock.advance(300);
      expect(await first).toBe("modem/timeout");
      expect(await outcome(at(300))).toBe("done");
      const next = outcome(signalQuality());
      await clock.advance(QUIET_MS - 1);
      expect(modem.written).toBe("AT\rAT\r");
      await clock.advance(1);
      expect(await next).toBe("20");
    });

    it("swallows CONNECT FAIL that comes in the next command's answer", async () => {
      const { clock, modem, heard, outcome } = bench(
        { expect: 'AT+CIPSTART="TCP","h",1\r', answer: OK },
        PROBE,
        { expect: "AT+CIPSHUT\r", answer: "\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n\r\nSHUT OK\r\n" },
      );
      const first = outcome(connectTcp("h", 1));
      await clock.advance(80_000);
      expect(await first).toBe("modem/timeout");
      const second = outcome(shut());
      await clock.advance(QUIET_MS);
      expect(await second).toBe("done");
      expect(heard.map((said) => said.kind === "stray" && said.text)).toEqual([
        "STATE: TCP CLOSED",
        "CONNECT FAIL",
      ]);
      expect(modem.done).toBe(true);
    });

    it("takes the bytes of a late pull for bytes, whatever they say", async () => {
      const { clock, modem, heard, outcome } = bench(
        { expect: "AT+CIPRXGET=2,100\r" },
        { expect: "AT\r", answer: ["\r\n+CIPRXGET: 2,9,0\r\n\r\nRDY\r\n\r\n\r\nOK\r\n", OK] },
        SIGNAL,
      );
      const late = outcome(pull(100));
      await clock.advance(15_000);
      expect(await late).toBe("modem/timeout");
      const next = outcome(signalQuality());
      await clock.advance(QUIET_MS);
      expect(await next).toBe("20");
      expect(heard.map((said) => said.kind === "stray" && said.text)).toEqual(["+CIPRXGET: 2,9,0", "OK"]);
      expect(modem.done).toBe(true);
    });

    it("gives up counted bytes that only trickle: the probe's OK is none of them", async () => {
      const { clock, modem, outcome } = bench(
        { expect: "AT+CIPRXGET=2,100\r", answer: "\r\n+CIPRXGET: 2,100,0\r\n" },
        PROBE,
        SIGNAL,
      );
      const broken = outcome(pull(100));
      for (let ms = 0; ms < 15_000; ms += 1500) {
        await clock.advance(1500);
        if (ms < 12_000) modem.say("x");
      }
      expect(await broken).toBe("modem/timeout");
      const next = outcome(signalQuality());
      await clock.advance(QUIET_MS);
      expect(await next).toBe("20");
      expect(modem.done).toBe(true);
    });

    it("probes where a send was refused while its bytes were being written", async () => {
      const { clock, modem, outcome } = bench(
        { expect: "AT+CIPSEND=3\r", answer: "\r\n> " },
        { expect: "abc" },
        PROBE,
        SIGNAL,
      );
      modem.byteMs = 10;
      const refused = outcome(send(Buffer.from("abc")));
      await clock.advance(140);
      modem.say("\r\nERROR\r\n");
      await clock.advance(5);
      expect(await refused).toBe("modem/refused");
      const next = outcome(signalQuality());
      await clock.advance(1000);
      expect(await next).toBe("20");
      expect(modem.done).toBe(true);
    });

    it("is in step again at the next AT, though the answer to a pull broke off", async () => {
      const { clock, modem, outcome, channel } = bench(
        { expect: "AT+CIPRXGET=2,100\r", answer: `\r\n+CIPRXGET: 2,100,0\r\n${"x".repeat(97)}` },
        PROBE,
        { expect: "AT+CIPCLOSE=1\r", answer: "\r\nCLOSE OK\r\n" },
      );
      const broken = outcome(pull(100));
      await clock.advance(2000);
      expect(await broken).toBe("modem/timeout");
      expect(channel.strayBytes).toBe(97);
      const next = outcome({ text: "AT+CIPCLOSE=1", timeoutMs: 1000, match: shut().match });
      await clock.advance(QUIET_MS + 1000);
      expect(await next).toBe("modem/timeout");
      expect(modem.done).toBe(true);
    });
  });

  describe("a send", () => {
    const DATA = Buffer.from("10 \x1a\x1b\0\r\nAT\xff", "latin1");
    const SEND: Step = { expect: `AT+CIPSEND=${DATA.length}\r` };
    const ESCAPE = "\r".repeat(DATA.length);

    it.each([
      ["with a space after the prompt", "\r\n> "],
      ["without one", "\r\n>"],
      ["with something unasked before the prompt", "\r\n+CIPRXGET: 1\r\n\r\n> "],
    ])("writes the bytes as they are when the prompt has come, %s", async (_name, prompt) => {
      const { modem, outcome } = bench(
        { ...SEND, answer: prompt },
        { expect: DATA, answer: "\r\nSEND OK\r\n" },
      );
      expect(await outcome(send(DATA))).toBe("done");
      expect(modem.done).toBe(true);
    });

    it("without prompt is given up after 5 s: CRs fill what the modem may wait for", async () => {
      const { clock, modem, say, outcome } = bench(SEND, { expect: ESCAPE }, PROBE, {
        expect: "AT+CIPSTATUS\r",
        answer: "\r\nOK\r\n\r\nSTATE: CONNECT OK\r\n",
      });
      const failed = outcome(send(DATA));
      await clock.advance(5000);
      expect(await failed).toBe("modem/no-prompt");
      await say("\r\n> \r\nSEND OK\r\n");
      const next = outcome(status());
      await clock.advance(QUIET_MS);
      expect(await next).toBe('"CONNECT OK"');
      expect(modem.done).toBe(true);
    });

    it("without SEND OK is given up after 60 s, and the late SEND OK is not the next send's", async () => {
      const { clock, modem, heard, outcome } = bench(
        { ...SEND, answer: "\r\n> " },
        { expect: DATA },
        { expect: ESCAPE },
        { expect: "AT\r", answer: ["\r\nSEND OK\r\n", OK] },
        { ...SEND, answer: "\r\nSEND OK\r\n\r\n> " },
        { expect: DATA, answer: "\r\nSEND FAIL\r\n" },
      );
      const first = outcome(send(DATA));
      await clock.advance(60_000);
      expect(await first).toBe("modem/timeout");
      const second = outcome(send(DATA));
      await clock.advance(QUIET_MS);
      expect(await second).toBe("modem/refused");
      expect(heard).toEqual([
        { kind: "stray", text: "SEND OK" },
        { kind: "stray", text: "SEND OK" },
      ]);
      expect(modem.done).toBe(true);
    });

    it("has 2 s for its result after CLOSED", async () => {
      const { clock, outcome, heard, modem } = bench(
        { ...SEND, answer: "\r\n> " },
        { expect: DATA, answer: "\r\nCLOSED\r\n" },
        { expect: ESCAPE },
      );
      const ended = outcome(send(DATA));
      await clock.advance(1999);
      expect(await settled(ended)).toBe(false);
      await clock.advance(1);
      expect(await ended).toBe("modem/refused");
      expect(heard).toEqual([{ kind: "closed" }]);
      expect(modem.done).toBe(true);
    });

    it("that was cancelled while it waits for the prompt still fills it, and the next command waits for SEND OK", async () => {
      const { clock, modem, heard, outcome } = bench(
        { ...SEND, answer: { afterMs: 1000, say: "\r\n> " } },
        { expect: DATA, answer: { afterMs: 1000, say: "\r\nSEND OK\r\n" } },
        SIGNAL,
      );
      const abort = new AbortController();
      const cancelled = outcome(send(DATA), abort.signal);
      await clock.advance(500);
      abort.abort(new Error("enough"));
      expect(await cancelled).toBe("Error: enough");
      const next = outcome(signalQuality());
      await clock.advance(1499);
      expect(await settled(next)).toBe(false);
      await clock.advance(1);
      expect(await next).toBe("20");
      expect(heard).toEqual([{ kind: "stray", text: "SEND OK" }]);
      expect(modem.done).toBe(true);
    });
  });

  it("cancels a message that gets no prompt with ESC", async () => {
    const { clock, modem, outcome } = bench({ expect: 'AT+CMGS="+491"\r' }, { expect: "\x1b" });
    const failed = outcome(sendMessage("+491", "hello"));
    await clock.advance(5000);
    expect(await failed).toBe("modem/no-prompt");
    expect(modem.done).toBe(true);
  });

  describe("a cancelled command", () => {
    it("is never written if it had not begun", async () => {
      const { clock, modem, channel, outcome } = bench({ expect: "AT\r", answer: { afterMs: 100, say: OK } });
      const abort = new AbortController();
      const first = channel.run(at());
      const second = outcome(signalQuality(), abort.signal);
      abort.abort(new Error("enough"));
      expect(await second).toBe("Error: enough");
      await clock.advance(100);
      await first;
      expect(await outcome(signalQuality(), AbortSignal.abort(new Error("before")))).toBe("Error: before");
      expect(modem.written).toBe("AT\r");
    });

    it("keeps the next from being written until its time limit, and a probe's OK after that", async () => {
      const { clock, modem, outcome } = bench({ expect: "AT+CIICR\r" });
      const abort = new AbortController();
      const cancelled = outcome(bringUpContext(), abort.signal);
      abort.abort(new Error("enough"));
      expect(await cancelled).toBe("Error: enough");
      const next = outcome(signalQuality());
      await clock.advance(84_999);
      expect(modem.written).toBe("AT+CIICR\r");
      modem.add(PROBE, SIGNAL);
      await clock.advance(1 + QUIET_MS);
      expect(await next).toBe("20");
    });
  });

  describe("RDY", () => {
    it("fails what runs and what waits, and is handed on", async () => {
      const { modem, say, heard, outcome } = bench({ expect: "AT+CIICR\r" });
      const running = outcome(bringUpContext());
      const waiting = outcome(localAddress());
      await say("\r\nRDY\r\n");
      expect(await running).toBe("modem/restarted");
      expect(await waiting).toBe("modem/restarted");
      expect(heard).toEqual([{ kind: "ready" }]);
      modem.add(SIGNAL);
      expect(await outcome(signalQuality())).toBe("20");
      expect(modem.done).toBe(true);
    });

    it("has its like in NORMAL POWER DOWN", async () => {
      const { heard, outcome, say } = bench({ expect: "AT+CIICR\r" });
      const running = outcome(bringUpContext());
      await say("\r\nNORMAL POWER DOWN\r\n");
      expect(await running).toBe("modem/restarted");
      expect(heard).toEqual([{ kind: "power-down", text: "NORMAL POWER DOWN" }]);
    });

    it("in the middle of an answer reports nothing of it as stray", async () => {
      const { heard, outcome } = bench({
        expect: "AT+CPIN?\r",
        answer: "\r\n+CPIN: READY\r\n\r\nRDY\r\n\r\n+CFUN: 1\r\n",
      });
      expect(await outcome(simState())).toBe("modem/restarted");
      expect(heard.map(({ kind }) => kind)).toEqual(["ready", "notice"]);
    });

    it("is the answer to a restart that got no OK, and handed on all the same", async () => {
      const { heard, outcome } = bench({ expect: "AT+CFUN=1,1\r", answer: "\r\nRDY\r\n" });
      expect(await outcome(restart())).toBe("done");
      expect(heard).toEqual([{ kind: "ready" }]);
    });
  });

  describe("the line", () => {
    it("when lost fails what runs, what waits and what comes after", async () => {
      const { clock, modem, channel, outcome } = bench({ expect: "AT\r" });
      const running = outcome(at());
      const waiting = outcome(signalQuality());
      modem.drop(new Error("unplugged"));
      expect(await running).toBe("modem/lost");
      expect(await waiting).toBe("modem/lost");
      expect(await outcome(at())).toBe("modem/lost");
      await expect(channel.writeRaw(Uint8Array.of(0x1b))).rejects.toMatchObject({ code: "modem/lost" });
      expect((await channel.closed).message).toBe("the line to the modem was lost: unplugged");
      expect(clock.armedTimers).toBe(0);
    });

    it("when closed leaves no timer and no stream", async () => {
      const { clock, modem, channel, outcome } = bench(
        { expect: "AT+CSQ\r" },
        { expect: "AT\r", answer: OK },
      );
      const first = outcome(signalQuality());
      await clock.advance(5000);
      await first;
      const inTheQuiet = outcome(signalQuality());
      await clock.advance(100);
      await channel.close();
      expect(await inTheQuiet).toBe("modem/lost");
      expect(modem.stream.destroyed).toBe(true);
      expect(clock.armedTimers).toBe(0);
      await channel.close();
    });
  });

  it("writes bytes outside of commands only while none runs, also right after one has failed", async () => {
    const { clock, modem, channel } = bench({ expect: "AT\r" }, { expect: "\x1b" });
    const failed = channel.run(at(300)).catch(() => channel.writeRaw(Uint8Array.of(0x1b)));
    await expect(channel.writeRaw(Uint8Array.of(0x1b))).rejects.toThrow(RangeError);
    await clock.advance(300);
    await failed;
    expect(modem.done).toBe(true);
  });

  it("refuses a command of two lines", async () => {
    const { modem, channel } = bench();
    await expect(channel.run({ ...at(), text: "AT\rATD110;" })).rejects.toThrow(RangeError);
    expect(modem.written).toBe("");
  });

  it("traces every byte both ways, secrets masked, also in their echo and in payload", async () => {
    const { traced, channel } = bench(
      {
        expect: 'AT+CSTT="net","me","s3cret"\r',
        answer: 'AT+CSTT="net","me","s3cret"\r\r\nOK\r\n',
      },
      { expect: "AT+CIPSEND=8\r", answer: "\xff\r\n> " },
      { expect: "\x10s3cret\\", answer: "\r\nSEND OK\r\n" },
      { expect: "AT+CIPRXGET=2,9\r", answer: "\r\n+CIPRXGET: 2,2,0\r\n\x20\x02\r\nOK\r\n" },
    );
    await channel.run(setContext({ apn: "net", user: "me", password: "s3cret" }));
    await channel.run(send(Buffer.from("\x10s3cret\\", "latin1")));
    await channel.run(pull(9));
    expect(traced).toEqual([
      '> command AT+CSTT="net","me","****"',
      '< line AT+CSTT="net","me","****"',
      "< line OK",
      "> command AT+CIPSEND=8",
      "< stray \\xFF",
      "< prompt >",
      "> payload \\x10****\\x5C",
      "< line SEND OK",
      "> command AT+CIPRXGET=2,9",
      "< line +CIPRXGET: 2,2,0",
      "< payload  \\x02",
      "< line OK",
    ]);
  });
});
