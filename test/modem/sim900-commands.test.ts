/** Answers to the byte, as in AN_SIM900_TCPIP V1.02, the SIM900 AT Command Manual V1.03 and public logs of the module. */
import { describe, expect, it } from "vitest";
import { AtChannel } from "../../rig/modem/at-channel.js";
import type { AtCommand } from "../../rig/modem/at-command.js";
import {
  at,
  attach,
  attached,
  baudRate,
  echoOff,
  enterPin,
  errorCodes,
  fixedBaud,
  identity,
  noFlowControl,
  operator,
  clock as readClock,
  registration,
  reportNetworkTime,
  reportRegistration,
  restart,
  signalQuality,
  simState,
  store,
} from "../../rig/modem/sim900-commands.js";
import {
  characterSet,
  deleteMessage,
  messageFormatText,
  messageIndications,
  messageStorage,
  readMessage,
  sendMessage,
  textParameters,
} from "../../rig/modem/sim900-messages.js";
import {
  acknowledgedSend,
  bringUpContext,
  close,
  commandMode,
  connectTcp,
  localAddress,
  manualReceive,
  pull,
  pushHeader,
  send,
  sendSize,
  setContext,
  shut,
  singleConnection,
  status,
} from "../../rig/modem/sim900-tcp.js";
import { ManualClock } from "../support/manual-clock.js";
import { ScriptedModem, type Step } from "../support/scripted-modem.js";

const OK = "\r\nOK\r\n";

/** Plays the steps; the value, or the message of a refusal. Fails if the host wrote anything else. */
async function play(command: AtCommand<unknown>, ...steps: Step[]): Promise<unknown> {
  const modem = new ScriptedModem(new ManualClock(), steps);
  const channel = new AtChannel(modem.stream, {
    clock: new ManualClock(),
    onUnsolicited: () => undefined,
    onTrace: () => undefined,
  });
  try {
    return await channel.run(command);
  } catch (error) {
    return (error as Error).message;
  } finally {
    expect(modem.unexpected).toBe("");
    expect(modem.done).toBe(true);
  }
}

describe("commands that are answered by OK alone", () => {
  it.each<[string, AtCommand<void>]>([
    ["AT", at()],
    ["ATE0", echoOff()],
    ["AT+CMEE=1", errorCodes()],
    ["AT+IFC=0,0", noFlowControl()],
    ["AT+IPR=9600", fixedBaud(9600)],
    ["AT&W", store()],
    ["AT+CFUN=1,1", restart()],
    ["AT+CREG=1", reportRegistration()],
    ["AT+CPIN=1234", enterPin("1234")],
    ["AT+CGATT=1", attach(true)],
    ["AT+CGATT=0", attach(false)],
    ["AT+CLTS=1", reportNetworkTime()],
    ["AT+CIPMUX=0", singleConnection()],
    ["AT+CIPMODE=0", commandMode()],
    ["AT+CIPQSEND=0", acknowledgedSend()],
    ["AT+CIPRXGET=1", manualReceive()],
    ["AT+CIPHEAD=1", pushHeader()],
    [
      'AT+CSTT="airtelgprs.com","me","pass"',
      setContext({ apn: "airtelgprs.com", user: "me", password: "pass" }),
    ],
    ["AT+CIICR", bringUpContext()],
    ["AT+CMGF=1", messageFormatText()],
    ['AT+CSCS="UCS2"', characterSet("UCS2")],
    ["AT+CNMI=2,1,0,0,0", messageIndications()],
    ["AT+CSMP=17,167,0,8", textParameters(8)],
    ["AT+CMGD=3", deleteMessage(3)],
  ])("%s", async (line, command) => {
    expect(await play(command, { expect: `${line}\r`, answer: OK })).toBeUndefined();
  });
});

describe("commands with information before OK", () => {
  it.each<[string, AtCommand<unknown>, string, unknown]>([
    ["ATI", identity(), "SIM900 R11.0", "SIM900 R11.0"],
    ["AT+IPR?", baudRate(), "+IPR: 0", 0],
    ["AT+IPR?", baudRate(), "+IPR: 9600", 9600],
    ["AT+CPIN?", simState(), "+CPIN: READY", "READY"],
    ["AT+CPIN?", simState(), "+CPIN: SIM PIN", "SIM PIN"],
    ["AT+CREG?", registration(), "+CREG: 0,1", 1],
    ["AT+CREG?", registration(), '+CREG: 2,5,"00C3","0A12"', 5],
    ["AT+CSQ", signalQuality(), "+CSQ: 20,0", 20],
    ["AT+CSQ", signalQuality(), "+CSQ: 31,99", 31],
    ["AT+CSQ", signalQuality(), "+CSQ: 99,99", null],
    ["AT+COPS?", operator(), '+COPS: 0,0,"airtel"', "airtel"],
    ["AT+COPS?", operator(), "+COPS: 0", null],
    ["AT+CGATT?", attached(), "+CGATT: 1", true],
    ["AT+CGATT?", attached(), "+CGATT: 0", false],
    ["AT+CCLK?", readClock(), '+CCLK: "26/11/24,12:00:00+04"', "26/11/24,12:00:00+04"],
    ["AT+CIPSEND?", sendSize(), "+CIPSEND: 1380", 1380],
    ['AT+CPMS="SM","SM","SM"', messageStorage(), "+CPMS: 3,20,3,20,3,20", { used: 3, total: 20 }],
  ])("%s, %#", async (line, command, information, value) => {
    const steps = { expect: `${line}\r`, answer: `\r\n${information}\r\n\r\nOK\r\n` };
    expect(await play(command, steps)).toEqual(value);
  });

  it("are refused by an OK without it", async () => {
    expect(await play(signalQuality(), { expect: "AT+CSQ\r", answer: OK })).toBe(
      "the modem refused AT+CSQ: OK without an answer",
    );
  });
});

describe("commands with a result of their own", () => {
  it.each<[string, AtCommand<unknown>, string, unknown]>([
    ["AT+CIPSHUT", shut(), "\r\nSHUT OK\r\n", undefined],
    ["AT+CIPCLOSE", close({ quick: false }), "\r\nCLOSE OK\r\n", undefined],
    ["AT+CIPCLOSE=1", close({ quick: true }), "\r\nCLOSE OK\r\n", undefined],
    ["AT+CIFSR", localAddress(), "\r\n10.78.245.128\r\n", "10.78.245.128"],
    ["AT+CIPSTATUS", status(), "\r\nOK\r\n\r\nSTATE: IP STATUS\r\n", "IP STATUS"],
  ])("%s", async (line, command, answer, value) => {
    expect(await play(command, { expect: `${line}\r`, answer })).toEqual(value);
  });
});

describe("connectTcp", () => {
  const START = 'AT+CIPSTART="TCP","broker.example",1883\r';
  it.each([
    ["\r\nOK\r\n\r\nCONNECT OK\r\n", undefined],
    [
      "\r\nCONNECT OK\r\n\r\nOK\r\n\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n",
      "CONNECT FAIL, STATE: TCP CLOSED",
    ],
    ["\r\nOK\r\n\r\nCONNECT FAIL\r\n", "CONNECT FAIL"],
    ["\r\nALREADY CONNECT\r\n", "ALREADY CONNECT"],
    ["\r\nOK\r\n\r\nALREADY CONNECT\r\n", "ALREADY CONNECT"],
    ["\r\nOK\r\n\r\nCONNECT\r\n", "CONNECT: the modem is in transparent mode"],
    ["\r\n+CME ERROR: 3\r\n", "operation not allowed (+CME ERROR: 3)"],
  ])("makes of %j", async (answer, refusal) => {
    const said = await play(connectTcp("broker.example", 1883), { expect: START, answer });
    const shown = START.trim();
    expect(said).toBe(refusal === undefined ? undefined : `the modem refused ${shown}: ${refusal}`);
  });
});

describe("pull", () => {
  it.each([
    ["+CIPRXGET: 2,5,1116\r\nRDY\r\n\r\nOK\r\n", { bytes: "RDY\r\n", left: 1116 }],
    ["+CIPRXGET:2,3,0\r\n\nOK\r\nOK\r\n", { bytes: "\nOK", left: 0 }],
    ["+CIPRXGET: 2,0,0\r\n\r\nOK\r\n", { bytes: "", left: 0 }],
  ])("gives the bytes that were counted and how many are left: %j", async (answer, value) => {
    const pulled = await play(pull(10), { expect: "AT+CIPRXGET=2,10\r", answer: `\r\n${answer}` });
    const { bytes, left } = pulled as { bytes: Uint8Array; left: number };
    expect({ bytes: Buffer.from(bytes).toString("latin1"), left }).toEqual(value);
  });

  it("is empty where the firmware says OK alone", async () => {
    expect(await play(pull(10), { expect: "AT+CIPRXGET=2,10\r", answer: OK })).toEqual({
      bytes: new Uint8Array(0),
      left: 0,
    });
  });

  it("is refused where what came before OK may have been a header with bytes after it", async () => {
    const answer = "\r\n+CIPRXGET: 2,5\x80,0\r\nhello\r\nOK\r\n";
    expect(await play(pull(10), { expect: "AT+CIPRXGET=2,10\r", answer })).toBe(
      "the modem refused AT+CIPRXGET=2,10: no bytes announced, 0 came",
    );
  });

  it("is refused where more comes than was asked for", async () => {
    const answer = `\r\n+CIPRXGET: 2,11,0\r\n${"x".repeat(11)}\r\nOK\r\n`;
    expect(await play(pull(10), { expect: "AT+CIPRXGET=2,10\r", answer })).toBe(
      "the modem refused AT+CIPRXGET=2,10: 11 bytes announced, 0 came",
    );
  });
});

describe("messages", () => {
  it("are sent after the prompt and end with Ctrl-Z; the reference comes before OK", async () => {
    const sent = play(
      sendMessage("+4915112345678", Uint8Array.from([0, 0x68, 0x69, 0x0a, 0x02])),
      { expect: 'AT+CMGS="+4915112345678"\r', answer: "\r\n> " },
      { expect: "\0hi\n\x02\x1a", answer: "\r\n+CMGS: 255\r\n\r\nOK\r\n" },
    );
    expect(await sent).toBe(255);
  });

  it("are refused in words", async () => {
    const sent = play(
      sendMessage("+491", "0068"),
      { expect: 'AT+CMGS="+491"\r', answer: "\r\n>" },
      { expect: "0068\x1a", answer: "\r\n+CMS ERROR: 331\r\n" },
    );
    expect(await sent).toBe('the modem refused AT+CMGS="+491": no network service (+CMS ERROR: 331)');
  });

  it("are read with their sender and time", async () => {
    const answer = '\r\n+CMGR: "REC UNREAD","002B0034","","26/11/24,12:00:00+04"\r\n00480069\r\n\r\nOK\r\n';
    expect(await play(readMessage(3), { expect: "AT+CMGR=3\r", answer })).toMatchObject({
      status: "REC UNREAD",
      number: "002B0034",
      timestamp: "26/11/24,12:00:00+04",
      text: "00480069",
    });
  });

  it("are null where nothing is stored", async () => {
    expect(await play(readMessage(3), { expect: "AT+CMGR=3\r", answer: OK })).toBeNull();
  });

  it("are read, an empty one too, and of several lines with something unasked between them", async () => {
    const empty = '\r\n+CMGR: "REC READ","+492",,"26/11/24,12:00:01+04"\r\n\r\n\r\nOK\r\n';
    expect(await play(readMessage(4), { expect: "AT+CMGR=4\r", answer: empty })).toEqual({
      ...{ status: "REC READ", number: "+492", timestamp: "26/11/24,12:00:01+04", text: "" },
    });
    const two = '\r\n+CMGR: "STO SENT","+493","",""\r\none\r\n+CMTI: "SM",7\r\ntwo\r\n\r\nOK\r\n';
    expect(await play(readMessage(5), { expect: "AT+CMGR=5\r", answer: two })).toEqual({
      ...{ status: "STO SENT", number: "+493", timestamp: "", text: "one\ntwo" },
    });
  });
});

describe("what cannot be typed", () => {
  it.each<[string, () => unknown]>([
    ["a quote in a host", () => connectTcp('h",1;+CPOWD=1;"', 1)],
    ["a line end in an access point name", () => setContext({ apn: "a\rAT", user: "", password: "" })],
    ["a password of 51 characters", () => setContext({ apn: "a", user: "", password: "x".repeat(51) })],
    ["TCP port 65536", () => connectTcp("h", 65_536)],
    ["TCP port 0", () => connectTcp("h", 0)],
    ["a PIN of letters", () => enterPin("12a4")],
    ["no bytes to send", () => send(new Uint8Array(0))],
    ["1461 bytes to send", () => send(new Uint8Array(1461))],
    ["1461 bytes to pull", () => pull(1461)],
    ["a number of letters", () => sendMessage("+49\r", "x")],
    ["Ctrl-Z in a message", () => sendMessage("+491", "a\x1ab")],
    ["ESC in a message", () => sendMessage("+491", "a\x1bb")],
    ["CR in a message", () => sendMessage("+491", "a\rb")],
    ["message index 1.5", () => readMessage(1.5)],
  ])("is a RangeError: %s", (_name, make) => {
    expect(make).toThrow(RangeError);
  });

  it("does not show the PIN or the password", () => {
    expect(() => enterPin("12a4")).toThrow(/^the PIN: 4 to 8 digits$/);
    expect(() => setContext({ apn: "a", user: "", password: '"secret' })).toThrow(/^(?!.*secret)/);
    expect(setContext({ apn: "a", user: "u", password: "secret" }).shown).toBe('AT+CSTT="a","u","****"');
    expect(setContext({ apn: "a", user: "", password: "" }).shown).toBe('AT+CSTT="a","",""');
  });
});
