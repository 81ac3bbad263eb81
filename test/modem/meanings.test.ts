/** Lines as the SIM900 AT Command Manual V1.03 and AN_SIM900_TCPIP V1.02 print them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandEnd } from "../../rig/modem/command-ends.js";
import { explainLine } from "../../rig/modem/meanings.js";

describe("the meaning of a line", () => {
  it.each([
    ["OK", "done"],
    ["ERROR", "AT+CMEE=1"],
    ["+CME ERROR: 10", "SIM not inserted"],
    ["+CME ERROR: 16", "incorrect password"],
    ["+CME ERROR: SIM busy", "SIM busy"],
    ["+CMS ERROR: 322", "memory full"],
    ["+CMS ERROR: 9999", "not in the tables"],
    ["RDY", "the module has started"],
    ["+CPIN: READY", "the SIM is ready"],
    ["+CPIN: SIM PIN", "wants its PIN"],
    ["+CPIN: SIM PUK", "PUK"],
    ["+CPIN: NOT INSERTED", "there is no SIM"],
    // 0 is -115 dBm or less, 1 is -111, 2 to 30 are -110 to -54 in steps of 2, 31 is -52 or more.
    ["+CSQ: 0,0", "-115 dBm or less"],
    ["+CSQ: 1,0", "-111 dBm"],
    ["+CSQ: 2,0", "-110 dBm"],
    ["+CSQ: 20,0", "-74 dBm"],
    ["+CSQ: 30,7", "-54 dBm"],
    ["+CSQ: 31,99", "-52 dBm or more"],
    ["+CSQ: 99,99", "check the antenna"],
    ["+CREG: 0,1", "registered, home network (GSM)"],
    ["+CREG: 1,2", "not registered, searching (GSM)"],
    ["+CREG: 3", "registration denied"],
    ["+CGREG: 5", "registered, roaming (GPRS)"],
    ['+CREG: 2,5,"00C3","1A2B"', "registered, roaming"],
    ['+CREG: 1,"00C3","1A2B"', "registered, home network"],
    ['+COPS: 0,0,"CHINA MOBILE"', "CHINA MOBILE"],
    ["+COPS: 0", "no operator"],
    ["+CGATT: 0", "not attached"],
    ["+CGATT: 1", "attached to GPRS"],
    ["SHUT OK", "IP INITIAL"],
    ["10.78.245.128", "own address"],
    ["CONNECT OK", "is open"],
    ["CONNECT FAIL", "not opened"],
    ["ALREADY CONNECT", "open already"],
    ["0, CONNECT OK", "connection 0: the TCP connection is open"],
    ["SEND OK", "acknowledged"],
    ["SEND FAIL", "unknown"],
    ["DATA ACCEPT:12", "12 B"],
    ["CLOSE OK", "closed"],
    ["CLOSED", "the peer has closed"],
    ["STATE: IP INITIAL", "AT+CSTT comes next"],
    ["STATE: IP START", "AT+CIICR comes next"],
    ["STATE: IP GPRSACT", "AT+CIFSR comes next"],
    ["STATE: IP STATUS", "AT+CIPSTART comes next"],
    ["STATE: TCP CLOSED", "closed"],
    ["STATE: PDP DEACT", "AT+CIPSHUT comes next"],
    ["+CIPSEND: 1380", "fewer than 1380 B"],
    ["+CIPRXGET: 1", "AT+CIPRXGET=2,1460"],
    ["+CIPRXGET: 2,255,1116", "255 B follow, 1116 B are left"],
    ["+CIPRXGET: 4,10", "10 B wait"],
    ["+CIPACK: 100,60,40", "acknowledged 60 B"],
    ["+IPD,5:", "5 B"],
    ["+PDP: DEACT", "AT+CIPSHUT"],
    ['+CDNSGIP: 1,"example.com","192.0.2.7"', "example.com is 192.0.2.7"],
    ["+CDNSGIP: 0,14", "not a valid name"],
    ['+CCLK: "20/12/16,19:03:40+04"', "2020-12-16 18:03:40 UTC, the zone is UTC+1"],
    ['+CCLK: "04/01/01,00:00:10+00"', "no time from the network"],
    ['*PSUTTZ: 2020,12,16,18,3,45,"-14",0', "2020-12-16 18:03:45 UTC, the zone is UTC-3.5"],
    ["+CTZV: +8,1", "UTC+2"],
    ["DST: 1", "summer time, 1 h"],
    ['+CMTI: "SM",3', "AT+CMGR=3"],
    ["+CMGS: 17", "reference 17"],
    [
      '+CMGR: "REC UNREAD","+4915112345678","","26/11/24,12:00:00+04"',
      "not read before; from +4915112345678",
    ],
    ['+CMGL: 1,"STO SENT","+4915112345678","",""', "to +4915112345678"],
    ["+CPMS: 3,20,3,20,3,20", "3 of 20"],
    ['+CPMS: "SM",3,20,"SM",3,20,"SM",3,20', "3 of 20"],
    ['+CSCA: "+491722270333",145', "message centre"],
    ["+CMGF: 0", "PDU"],
    ["+IPR: 0", "found from the first AT"],
    ["+IPR: 9600", "9600 baud"],
    ["+CFUN: 1", "everything is on"],
    ["+CBC: 0,96,4123", "4.12 V"],
    ["UNDER-VOLTAGE WARNNING", "2 A"],
    ["OVER-VOLTAGE POWER DOWN", "too high"],
    ["NORMAL POWER DOWN", "off"],
    ["SIM900 R11.0", "firmware"],
    ["Revision:1137B13SIM900M64_ST", "firmware"],
    ["359710041234567", "IMEI"],
  ])("%s", (line, meaning) => {
    expect(explainLine(line)).toContain(meaning);
  });

  it.each([
    "",
    "hello",
    "AT+CSQ",
    "toString",
    "STATE: NOWHERE",
    "STATE: toString",
    "STATE: __proto__",
    "+CSQ: 77,0",
    "0, HELLO",
  ])("is not known for %j", (line) => {
    expect(explainLine(line)).toBeUndefined();
  });

  it("is a sentence or nothing, whatever the modem says", () => {
    const starts = [
      "",
      "+CSQ: ",
      "+CREG: ",
      "+CCLK: ",
      "STATE: ",
      "+CMGR: ",
      "*PSUTTZ: ",
      "+CDNSGIP: ",
      "0, ",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.string(), (start, rest) => {
        const meaning = explainLine(start + rest);
        return (
          meaning === undefined ||
          (typeof meaning === "string" && meaning.length > 0 && !meaning.includes("undefined"))
        );
      }),
    );
  });
});

describe("the end of an answer", () => {
  it.each([
    ["AT", "OK", 5000],
    ["AT+CIPSHUT", "SHUT OK", 65_000],
    ["AT+CIPCLOSE", "CLOSE OK", 20_000],
    ["AT+CIPCLOSE=1", "CLOSE OK", 20_000],
    ["AT+CIPSTATUS", "STATE: IP INITIAL", 5000],
    ["AT+CIFSR", "10.78.245.128", 5000],
    ["AT+CIFSR;E0", "OK", 5000],
    ['AT+CIPSTART="TCP","example.com",1883', "CONNECT OK", 160_000],
    ['at+cipstart="TCP","example.com",1883', "CONNECT FAIL", 160_000],
    ["AT+CIPSEND=5", "SEND OK", 75_000],
    ["AT+CIPSEND", "SEND FAIL", 75_000],
    ["AT+CIPSEND?", "OK", 5000],
    ["AT+CIICR", "OK", 85_000],
    ["AT+CGATT=1", "OK", 75_000],
    ["AT+CGATT?", "OK", 5000],
    ['AT+CMGS="+4915112345678"', "OK", 60_000],
    ["AT+CPOWD=1", "NORMAL POWER DOWN", 10_000],
  ])("to %s is %s, within %i ms", (command, line, limitMs) => {
    const end = commandEnd(command);
    expect(end.lastLine.test(line)).toBe(true);
    expect(end.limitMs).toBe(limitMs);
  });

  it.each([
    ["AT+CIPSTATUS", "OK"],
    ['AT+CIPSTART="TCP","example.com",1883', "OK"],
    ["AT+CIPSEND=5", "OK"],
    ["AT+CSQ", "+CSQ: 20,0"],
  ])("to %s is not %s", (command, line) => {
    expect(commandEnd(command).lastLine.test(line)).toBe(false);
  });
});
