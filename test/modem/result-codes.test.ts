import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModemRefusal, parseErrorResult } from "../../rig/modem/result-codes.js";

describe("parseErrorResult", () => {
  it.each([
    ["ERROR", "plain", null, "ERROR"],
    ["+CME ERROR: 10", "CME", 10, "SIM not inserted (+CME ERROR: 10)"],
    ["+CME ERROR:16", "CME", 16, "incorrect password (+CME ERROR: 16)"],
    ["+CME ERROR: 107", "CME", 107, "GPRS services not allowed (+CME ERROR: 107)"],
    ["+CME ERROR: 149", "CME", 149, "PDP authentication failure (+CME ERROR: 149)"],
    ["+CME ERROR: 999", "CME", 999, "not in the tables (+CME ERROR: 999)"],
    ["+CME ERROR: SIM not inserted", "CME", null, "SIM not inserted"],
    ["+CMS ERROR: 310", "CMS", 310, "SIM not inserted (+CMS ERROR: 310)"],
    ["+CMS ERROR: 322", "CMS", 322, "memory full (+CMS ERROR: 322)"],
    ["+CMS ERROR: 512", "CMS", 512, "SIM not ready (+CMS ERROR: 512)"],
    ["+CMS ERROR: unknown error", "CMS", null, "unknown error"],
  ])("reads %s", (line, family, number, meaning) => {
    expect(parseErrorResult(line)).toEqual({ family, number, meaning });
  });

  it.each([
    "OK",
    "SEND FAIL",
    "ERRORS",
    " ERROR",
    "+CME ERROR",
    "+CME ERROR:",
    "+CMX ERROR: 3",
    "CONNECT FAIL",
  ])("takes %s for no error result", (line) => {
    expect(parseErrorResult(line)).toBeNull();
  });

  it("survives any line", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom("", "+CME ERROR: ", "+CMS ERROR:"), (text, start) => {
        const result = parseErrorResult(start + text);
        expect(result === null || result.meaning.length > 0).toBe(true);
      }),
    );
  });
});

describe("ModemRefusal", () => {
  it("says what was refused and why, and keeps the number", () => {
    const refusal = new ModemRefusal("AT+CPIN=****", parseErrorResult("+CME ERROR: 16")!);
    expect(refusal).toMatchObject({
      name: "ModemRefusal",
      code: "modem/refused",
      message: "the modem refused AT+CPIN=****: incorrect password (+CME ERROR: 16)",
      result: { family: "CME", number: 16 },
    });
  });

  it("has no error result where the command failed with a result of its own", () => {
    expect(new ModemRefusal("AT+CIPSEND=5", "SEND FAIL")).toMatchObject({
      message: "the modem refused AT+CIPSEND=5: SEND FAIL",
      result: null,
    });
  });
});
