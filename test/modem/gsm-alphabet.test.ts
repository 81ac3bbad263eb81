/** Values from 3GPP TS 23.038, 6.2.1 and 6.2.1.1. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeGsm, decodeUcs2Hex, encodeGsm, encodeUcs2Hex } from "../../rig/modem/gsm-alphabet.js";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("the GSM default alphabet", () => {
  it.each([
    ["@", "00"],
    ["£", "01"],
    ["$", "02"],
    ["ò", "08"],
    ["\n", "0a"],
    ["\r", "0d"],
    ["Δ", "10"],
    ["_", "11"],
    ["Ξ", "1a"],
    ["É", "1f"],
    [" ", "20"],
    ["¤", "24"],
    ["?", "3f"],
    ["¡", "40"],
    ["§", "5f"],
    ["¿", "60"],
    ["à", "7f"],
    ["hello", "68656c6c6f"],
    ["AZaz09", "415a617a3039"],
    ["ÄÖÑÜ", "5b5c5d5e"],
    ["äöñü", "7b7c7d7e"],
  ])("has %j at %s", (text, hex) => {
    expect(encodeGsm(text)).toEqual(bytes(hex));
    expect(decodeGsm(bytes(hex))).toBe(text);
  });

  it.each([
    ["\f", "0a"],
    ["^", "14"],
    ["{", "28"],
    ["}", "29"],
    ["\\", "2f"],
    ["[", "3c"],
    ["~", "3d"],
    ["]", "3e"],
    ["|", "40"],
    ["€", "65"],
  ])("has %j in the extension table at 1B %s: two septets", (text, hex) => {
    expect(encodeGsm(text)).toEqual(bytes(`1b${hex}`));
    expect(decodeGsm(bytes(`1b${hex}`))).toBe(text);
  });

  it.each(["`", "ç", "Ж", "…", "\x1b", "\t", "°", "😀"])("has no %j", (text) => {
    expect(encodeGsm(text)).toBeUndefined();
  });

  it("shows a space and the plain character for an escape that the extension table does not know", () => {
    expect(decodeGsm(bytes("1b41"))).toBe(" A");
    expect(decodeGsm(bytes("411b"))).toBe("A ");
  });

  it("marks a byte that is no septet", () => {
    expect(decodeGsm(bytes("41ff42"))).toBe("A\ufffdB");
  });

  it("gives back what was encoded, whatever the text", () => {
    const septet = fc.integer({ min: 0, max: 0x7f }).filter((value) => value !== 0x1b);
    fc.assert(
      fc.property(fc.array(septet), (septets) => {
        const text = decodeGsm(Uint8Array.from(septets));
        return [...(encodeGsm(text) ?? [])].join() === septets.join();
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (any) => typeof decodeGsm(any) === "string"));
  });
});

describe("UCS2 as hex", () => {
  it.each([
    ["+49", "002B00340039"],
    ["Ж", "0416"],
    ["€[", "20AC005B"],
    ["😀", "D83DDE00"],
    ["", ""],
  ])("has %j as %s", (text, hex) => {
    expect(encodeUcs2Hex(text)).toBe(hex);
    expect(decodeUcs2Hex(hex)).toBe(text);
  });

  it("takes small letters, and nothing but groups of four digits", () => {
    expect(decodeUcs2Hex("20ac")).toBe("€");
    for (const wrong of ["0", "041", "04160", "0x41", "zzzz", "0041 "]) {
      expect(decodeUcs2Hex(wrong), wrong).toBeUndefined();
    }
  });

  it("gives back what was encoded, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        return decodeUcs2Hex(encodeUcs2Hex(text)) === text;
      }),
    );
  });
});
