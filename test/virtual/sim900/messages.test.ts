import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Terminal } from "./terminal.js";

let terminal: Terminal;

beforeEach(async () => {
  terminal = await new Terminal().open();
  await terminal.ask("ATE0+CMEE=1");
});

afterEach(async () => {
  await terminal.stop();
  expect(terminal.clock.armedTimers).toBe(0);
});

const PHONE = "+4915112345678";
const arrive = (text: string, number = PHONE) => terminal.modem.command({ verb: "sms", number, text });
const textMode = (set: string) =>
  terminal.ask(`AT+CMGF=1;+CSCS="${set}";+CPMS="SM","SM","SM";+CNMI=2,1,0,0,0`);

async function send(number: string, typed: string): Promise<string> {
  await terminal.ask(`AT+CMGS="${number}"`, "\r\n> ");
  terminal.type(`${typed}\x1a`);
  return terminal.hear(/\r\n(OK|\+CMS ERROR: \d+)\r\n$/);
}

describe("messages from the virtual SIM900", () => {
  it("reach the phone after two to four seconds, with a reference that counts up", async () => {
    await textMode("GSM");
    const startMs = terminal.clock.steadyMs();
    expect(await send(PHONE, "tamper on main")).toBe("\r\n+CMGS: 0\r\n\r\nOK\r\n");
    const tookMs = terminal.clock.steadyMs() - startMs;
    expect(tookMs).toBeGreaterThan(2000);
    expect(tookMs).toBeLessThan(4300);
    expect(await send(PHONE, "again")).toBe("\r\n+CMGS: 1\r\n\r\nOK\r\n");
    expect(terminal.events).toEqual([
      { event: "sms", direction: "delivered", number: PHONE, text: "tamper on main" },
      { event: "sms", direction: "delivered", number: PHONE, text: "again" },
    ]);
  });

  it("have a service centre, which the card keeps over a loss of supply", async () => {
    expect(await terminal.ask("AT+CSCA?")).toMatch(/^\r\n\+CSCA: "\+\d{8,15}",145\r\n\r\nOK\r\n$/);
    expect(await terminal.ask('AT+CSCA="0049123456"')).toBe("\r\nOK\r\n");
    expect(await terminal.ask("AT+CSCA?")).toBe('\r\n+CSCA: "0049123456",129\r\n\r\nOK\r\n');
    expect(await terminal.ask('AT+CSCA="+49123456",145')).toBe("\r\nOK\r\n");
    expect(await terminal.ask('AT+CSCS="UCS2";+CSCA?')).toBe(
      '\r\n+CSCA: "002B00340039003100320033003400350036",145\r\n\r\nOK\r\n',
    );
    expect(await terminal.ask('AT+CSCA="nobody"')).toBe("\r\n+CMS ERROR: 305\r\n");
    terminal.modem.command({ verb: "modem", on: false });
    terminal.modem.command({ verb: "modem", on: true });
    await terminal.hear("Call Ready\r\n", 20_000);
    expect(await terminal.ask("AT+CSCA?")).toContain('+CSCA: "+49123456",145');
    terminal.modem.command({ verb: "sim", inserted: false });
    await terminal.ask("AT+CMEE=1");
    expect(await terminal.ask("AT+CSCA?", /ERROR: \d+\r\n$/)).toContain("+CMS ERROR: 310");
  });

  it("bring a prompt for every return, and are given up at ESC", async () => {
    await textMode("GSM");
    await terminal.ask(`AT+CMGS="${PHONE}"`, "\r\n> ");
    terminal.type("one\rtwo\r");
    expect(await terminal.hear("\r\n> \r\n> ")).toBe("\r\n> \r\n> ");
    terminal.type("\x1b");
    expect(await terminal.hear("OK\r\n")).toBe("\r\nOK\r\n");
    await terminal.pass(5000);
    expect(terminal.events).toEqual([]);
  });

  it("are read in the GSM alphabet, where 00 is @ and 02 is $", async () => {
    await textMode("GSM");
    await send(PHONE, "\x00 \x02 \x01 \x7e \x7b");
    expect(terminal.events.at(-1)).toMatchObject({ text: "@ $ £ ü ä" });
  });

  it("are UCS2 hex with the number too, and need dcs 8 to survive", async () => {
    await textMode("UCS2");
    const number = "002B0034003900310035";
    await send(number, "0056003100200031003800B0");
    expect(terminal.events.at(-1)).toMatchObject({ number: "+4915", text: "V1 18?" });
    await terminal.ask("AT+CSMP=17,167,0,8");
    await send(number, "0394005620AC");
    expect(terminal.events.at(-1)).toMatchObject({ number: "+4915", text: "ΔV€" });
    expect(await send(number, "0056003")).toBe("\r\n+CMS ERROR: 305\r\n");
    expect(await send(number, "0056".repeat(71))).toBe("\r\n+CMS ERROR: 305\r\n");
    expect(await send(number, "0056".repeat(70))).toContain("OK");
  });

  it("hold 160 characters, and not 161", async () => {
    await textMode("GSM");
    expect(await send(PHONE, "x".repeat(160))).toContain("OK");
    expect(await send(PHONE, "x".repeat(161))).toBe("\r\n+CMS ERROR: 305\r\n");
  });

  it("are refused in PDU mode, to no number, without SIM and without network", async () => {
    expect(await terminal.ask(`AT+CMGS="${PHONE}"`)).toBe("\r\n+CMS ERROR: 303\r\n");
    await textMode("GSM");
    expect(await terminal.ask('AT+CMGS="home"')).toBe("\r\n+CMS ERROR: 305\r\n");
    terminal.modem.command({ verb: "network", up: false });
    expect(await send(PHONE, "lost")).toBe("\r\n+CMS ERROR: 331\r\n");
    terminal.modem.command({ verb: "sim", inserted: false });
    await terminal.hear("INSERTED\r\n");
    expect(await terminal.ask(`AT+CMGS="${PHONE}"`)).toBe("\r\n+CMS ERROR: 310\r\n");
    expect(terminal.events).toEqual([]);
  });
});

describe("messages to the virtual SIM900", () => {
  it("are stored and told by +CMTI, and read once as unread", async () => {
    await textMode("GSM");
    arrive("status?");
    expect(await terminal.hear("1\r\n")).toBe('\r\n+CMTI: "SM",1\r\n');
    expect(await terminal.ask("AT+CMGR=1")).toBe(
      `\r\n+CMGR: "REC UNREAD","${PHONE}","","26/01/01,00:00:00+00"\r\nstatus?\r\n\r\nOK\r\n`,
    );
    expect(await terminal.ask("AT+CMGR=1")).toContain('"REC READ"');
    expect(await terminal.ask("AT+CMGD=1")).toBe("\r\nOK\r\n");
    expect(await terminal.ask("AT+CMGR=1")).toBe("\r\nOK\r\n");
    expect(await terminal.ask("AT+CMGR=21")).toBe("\r\n+CMS ERROR: 321\r\n");
  });

  it("are written out whole with CNMI=2,2, and not stored", async () => {
    await textMode("GSM");
    await terminal.ask("AT+CNMI=2,2,0,0,0");
    arrive("a@b");
    expect(await terminal.hear("b\r\n")).toBe(`\r\n+CMT: "${PHONE}","","26/01/01,00:00:00+00"\r\na\x00b\r\n`);
    expect(await terminal.ask("AT+CPMS?")).toBe('\r\n+CPMS: "SM",0,20,"SM",0,20,"SM",0,20\r\n\r\nOK\r\n');
  });

  it("are UCS2 hex with that character set, and in any set when they came so", async () => {
    await textMode("UCS2");
    arrive("hé", "+4912");
    await terminal.hear('"SM",1\r\n');
    expect(await terminal.ask("AT+CMGR=1")).toContain('"002B0034003900310032"');
    expect(await terminal.ask("AT+CMGR=1")).toContain("\r\n006800E9\r\n");
    await terminal.ask('AT+CSCS="GSM"');
    // e acute is 05 in the GSM alphabet; Cyrillic is not in it.
    expect(await terminal.ask("AT+CMGR=1")).toContain("\r\nh\x05\r\n");
    arrive("Ωл");
    await terminal.hear('"SM",2\r\n');
    expect(await terminal.ask("AT+CMGR=2")).toContain("\r\n03A9043B\r\n");
  });

  it("fill twenty places, and the next ones wait for room", async () => {
    await textMode("GSM");
    for (let count = 1; count <= 21; count++) arrive(`message ${count}`);
    await terminal.hear('+CMTI: "SM",20\r\n', 100_000);
    await terminal.pass(20_000);
    expect(terminal.heard()).toBe("");
    expect(await terminal.ask("AT+CPMS?")).toContain('"SM",20,20');
    await terminal.ask("AT+CMGD=7");
    expect(await terminal.hear("\r\n")).toBe('\r\n+CMTI: "SM",7\r\n');
    expect(await terminal.ask("AT+CMGR=7")).toContain("message 21");
    await terminal.ask("AT+CMGD=1,4");
    expect(await terminal.ask('AT+CMGL="ALL"')).toBe("\r\nOK\r\n");
  });

  it("are listed, and survive a loss of supply with the card", async () => {
    await textMode("GSM");
    arrive("one");
    await terminal.hear('"SM",1\r\n');
    terminal.modem.command({ verb: "network", up: false });
    arrive("two");
    await terminal.pass(10_000);
    terminal.modem.command({ verb: "modem", on: false });
    terminal.modem.command({ verb: "network", up: true });
    terminal.modem.command({ verb: "modem", on: true });
    await terminal.hear(/Call Ready\r\n[\s\S]*"SM",2\r\n|"SM",2\r\n[\s\S]*Call Ready\r\n/, 20_000);
    await terminal.ask("ATE0");
    await textMode("GSM");
    expect(await terminal.ask('AT+CMGL="ALL"')).toBe(
      `\r\n+CMGL: 1,"REC UNREAD","${PHONE}","","26/01/01,00:00:00+00"\r\none\r\n` +
        `\r\n+CMGL: 2,"REC UNREAD","${PHONE}","","26/01/01,00:00:03+00"\r\ntwo\r\n\r\nOK\r\n`,
    );
  });

  it("come in parts of 153 characters when they are longer than 160", async () => {
    await textMode("GSM");
    arrive("x".repeat(161));
    await terminal.hear('"SM",1\r\n\r\n+CMTI: "SM",2\r\n');
    expect(await terminal.ask("AT+CMGR=2")).toContain(`\r\n${"x".repeat(8)}\r\n`);
  });
});
