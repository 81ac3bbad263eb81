/**
 * Text of messages in the module's character sets (AT+CSCS): what is typed -> text, and text -> what is said.
 * Sets: "GSM", "IRA", "UCS2", "HEX", "8859-1"; "PCCP" and "PCDN" are refused here.
 * Source: 3GPP TS 23.038, 6.2.1 (GSM 7 bit default alphabet); 3GPP TS 27.005, 3.1 (<data> in text mode).
 */

/** By code 0x00 to 0x7F; 0x1B is the escape to the extension table. */
const DEFAULT_ALPHABET =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION_ESCAPE = 0x1b;
const EXTENSION: Readonly<Record<string, number>> = {
  "\f": 0x0a,
  "^": 0x14,
  "{": 0x28,
  "}": 0x29,
  "\\": 0x2f,
  "[": 0x3c,
  "~": 0x3d,
  "]": 0x3e,
  "|": 0x40,
  "€": 0x65,
};
const EXTENSION_BY_CODE = new Map(Object.entries(EXTENSION).map(([character, code]) => [code, character]));

export const CHARACTER_SETS = ["GSM", "IRA", "UCS2", "HEX", "8859-1"] as const;
export type CharacterSet = (typeof CHARACTER_SETS)[number];

/** Septets that the text takes in the GSM alphabet; null: a character is not in it. */
export function gsmSeptets(text: string): number | null {
  let septets = 0;
  for (const character of text) {
    if (character !== "\u001b" && DEFAULT_ALPHABET.includes(character)) septets += 1;
    else if (character in EXTENSION) septets += 2;
    else return null;
  }
  return septets;
}

export function decodeGsm(codes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at]! & 0x7f;
    if (code !== EXTENSION_ESCAPE) {
      text += DEFAULT_ALPHABET[code];
    } else {
      at++;
      if (at < codes.length) text += EXTENSION_BY_CODE.get(codes[at]!) ?? DEFAULT_ALPHABET[codes[at]! & 0x7f];
    }
  }
  return text;
}

/** What is not in the alphabet becomes a question mark. */
export function encodeGsm(text: string): number[] {
  return [...text].flatMap((character) => {
    const code = DEFAULT_ALPHABET.indexOf(character);
    if (code >= 0 && code !== EXTENSION_ESCAPE) return [code];
    const extension = EXTENSION[character];
    return extension === undefined ? ["?".charCodeAt(0)] : [EXTENSION_ESCAPE, extension];
  });
}

/** Text as four hexadecimal digits a UTF-16 unit. */
export function encodeUcs2(text: string): string {
  return Array.from(text.split(""), (unit) =>
    unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0"),
  ).join("");
}

/** @returns null: not four hexadecimal digits a character */
export function decodeUcs2(digits: string): string | null {
  if (!/^([0-9A-F]{4})*$/i.test(digits)) return null;
  return (digits.match(/.{4}/g) ?? []).map((unit) => String.fromCharCode(Number.parseInt(unit, 16))).join("");
}

/** What was typed as characters of a set -> text; null: not valid in it. */
export function decodeTyped(typed: Uint8Array, set: CharacterSet): string | null {
  const characters = Buffer.from(typed).toString("latin1");
  switch (set) {
    case "GSM":
      return decodeGsm(typed);
    case "IRA":
      return characters.replace(/[\x80-\xff]/g, "?");
    case "8859-1":
      return characters;
    case "UCS2":
      return decodeUcs2(characters);
    case "HEX":
      return /^([0-9A-F]{2})*$/i.test(characters) ? decodeGsm(Buffer.from(characters, "hex")) : null;
  }
}

/** A text -> what is said in a set, every character one byte. */
export function encodeSaid(text: string, set: CharacterSet): string {
  const gsm = () => Buffer.from(encodeGsm(text));
  const upTo = (highest: number) =>
    Array.from(text, (character) => (character.codePointAt(0)! <= highest ? character : "?")).join("");
  switch (set) {
    case "GSM":
      return gsm().toString("latin1");
    case "IRA":
      return upTo(0x7f);
    case "8859-1":
      return upTo(0xff);
    case "UCS2":
      return encodeUcs2(text);
    case "HEX":
      return gsm().toString("hex").toUpperCase();
  }
}
