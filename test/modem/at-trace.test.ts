import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AtTrace } from "../../rig/modem/at-trace.js";

function bench(...secrets: string[]) {
  const shown: string[] = [];
  return { shown, trace: new AtTrace(secrets, ({ text }) => shown.push(text)) };
}

describe("AtTrace", () => {
  it("shows what cannot be printed as \\xHH, and a backslash too", () => {
    const { trace, shown } = bench();
    trace.add({ direction: "<", kind: "stray", raw: "a\0\x1b\x7f\xff\\~ " });
    expect(shown).toEqual(["a\\x00\\x1B\\x7F\\xFF\\x5C~ "]);
  });

  it("masks every occurrence of every secret, overlapping ones together", () => {
    const { trace, shown } = bench("abcab", "4711", "", "x");
    trace.add({ direction: "<", kind: "line", raw: "4711,abcabcab 4711 xx 471" });
    expect(shown).toEqual(["****,**** **** **** 471"]);
  });

  it("masks what it is told of later, from then on, also in texts for a log", () => {
    const { trace, shown } = bench();
    trace.hide("4711");
    trace.hide("");
    trace.add({ direction: "<", kind: "line", raw: "a 4711 b" });
    expect(shown).toEqual(["a **** b"]);
    expect(trace.show("+CPIN=4711\r")).toBe("+CPIN=****\\x0D");
  });

  it("masks a secret as UTF-8 has it", () => {
    const { trace, shown } = bench("Grüße");
    trace.add({ direction: ">", kind: "payload", raw: Buffer.from("a Grüße b").toString("latin1") });
    expect(shown).toEqual(["a **** b"]);
  });

  it("masks a secret that the border of two payloads cuts, each way by itself", () => {
    const { trace, shown } = bench("password");
    trace.add({ direction: ">", kind: "payload", raw: "x pass" });
    trace.add({ direction: "<", kind: "payload", raw: "word" });
    trace.add({ direction: ">", kind: "payload", raw: "word y" });
    expect(shown).toEqual(["x ****", "word", "**** y"]);
  });

  it("never shows a secret in payload, however it is cut", () => {
    // Of letters that nothing else in the payload has.
    const letters = fc.constantFrom("Q", "R", "S");
    const secret = fc.array(letters, { minLength: 2, maxLength: 8 }).map((all) => all.join(""));
    fc.assert(
      fc.property(
        secret,
        fc.string({ unit: fc.constantFrom("a", "b", "\0") }),
        fc.array(fc.nat(12)),
        (hidden, plain, cuts) => {
          const { trace, shown } = bench(hidden);
          const all = `${plain}${hidden}${plain}${hidden}`;
          let at = 0;
          for (const cut of [...cuts, all.length]) {
            trace.add({ direction: ">", kind: "payload", raw: all.slice(at, at + cut) });
            at += cut;
          }
          expect(shown.join("")).not.toMatch(/[QRS]/);
          expect(shown.join("").replace(/\*+|\\x00/g, "").length).toBe(2 * plain.replaceAll("\0", "").length);
        },
      ),
    );
  });
});
