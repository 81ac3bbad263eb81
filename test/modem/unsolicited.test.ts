/** Lines as the SIM900 AT Command Manual V1.03 and logs of the module have them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recogniseUnsolicited } from "../../rig/modem/unsolicited.js";

describe("recogniseUnsolicited", () => {
  it.each([
    ["RDY", { kind: "ready" }],
    ["NORMAL POWER DOWN", { kind: "power-down" }],
    ["UNDER-VOLTAGE WARNNING", { kind: "supply", text: "UNDER-VOLTAGE WARNNING" }],
    ["UNDER-VOLTAGE POWER DOWN", { kind: "power-down", text: "UNDER-VOLTAGE POWER DOWN" }],
    ["OVER-VOLTAGE POWER DOWN", { kind: "power-down", text: "OVER-VOLTAGE POWER DOWN" }],
    ["OVER-VOLTAGE WARNNING", { kind: "supply", text: "OVER-VOLTAGE WARNNING" }],
    ["CLOSED", { kind: "closed" }],
    ["+PDP: DEACT", { kind: "pdp-deact" }],
    ["+CIPRXGET: 1", { kind: "data-waiting" }],
    ["+CIPRXGET:1", { kind: "data-waiting" }],
    ["+CREG: 5", { kind: "registration", network: "gsm", stat: 5 }],
    ['+CREG: 1,"00C3","0a12"', { kind: "registration", network: "gsm", stat: 1 }],
    ["+CGREG: 0", { kind: "registration", network: "gprs", stat: 0 }],
    ["+CPIN: NOT READY", { kind: "sim", state: "NOT READY" }],
    ['+CMTI: "SM",12', { kind: "message", storage: "SM", index: 12 }],
    ['*PSUTTZ: 2026,11,24,12,0,0,"+4",0', { kind: "network-time" }],
    ["+CTZV: 4,0", { kind: "network-time" }],
    ["DST: 0", { kind: "network-time" }],
    ['*PSNWID: "404","10","airtel",0,"",0', { kind: "network-time" }],
    ["Call Ready", { kind: "notice", text: "Call Ready" }],
    ["+CFUN: 1", { kind: "notice", text: "+CFUN: 1" }],
    ["RING", { kind: "notice", text: "RING" }],
  ])("knows %s", (line, said) => {
    expect(recogniseUnsolicited(line)?.said).toMatchObject(said);
  });

  it.each([
    "OK",
    "+CREG: 0,1",
    '+CREG: 2,1,"00C3","0A12"',
    "+CREG: 7",
    "+CIPRXGET: 2,5,0",
    "+CIPRXGET: 4,5",
    "+CSQ: 20,0",
    "STATE: TCP CLOSED",
    "xRDY",
    "CONNECT FAIL",
    "",
  ])("does not take %j for something unasked", (line) => {
    expect(recogniseUnsolicited(line)).toBeNull();
  });

  it("leaves what can be an answer to who waits for one", () => {
    const mayBe = ["RDY", "+CREG: 1", "+CPIN: READY", "+CIPRXGET: 1", "+CFUN: 1", "NORMAL POWER DOWN"];
    expect(mayBe.map((line) => recogniseUnsolicited(line)?.maybeAnswer)).toEqual(mayBe.map(() => true));
    const cannot = ["CLOSED", "+PDP: DEACT", '+CMTI: "SM",1', "UNDER-VOLTAGE WARNNING", "Call Ready"];
    expect(cannot.map((line) => recogniseUnsolicited(line)?.maybeAnswer)).toEqual(cannot.map(() => false));
  });

  it("survives any line, and gives a registration from 0 to 5 only", () => {
    const start = fc.constantFrom("", "+CREG: ", "+CGREG: ", '+CMTI: "SM",', "+CPIN: ", "*PSUTTZ: ");
    fc.assert(
      fc.property(start, fc.string(), (head, tail) => {
        const said = recogniseUnsolicited(head + tail)?.said;
        if (said?.kind === "registration") expect([0, 1, 2, 3, 4, 5]).toContain(said.stat);
        if (said?.kind === "message") expect(Number.isInteger(said.index)).toBe(true);
      }),
    );
  });
});
