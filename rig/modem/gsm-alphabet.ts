/**
 * The characters of short messages: text <-> the GSM 7 bit default alphabet as the modem's wire carries it (one byte a septet,
 * AT+CSCS="GSM"), and text <-> UCS2 as hex digits (AT+CSCS="UCS2"). Pure.
 * Source: 3GPP TS 23.038, 6.2.1 (default alphabet), 6.2.1.1 (extension table), 6.2.3 (UCS2).
 */

/** Septet -> character; 0x1B (escape to the extension table) stands as itself. Source: TS 23.038, 6.2.1. */
const DEFAULT_ALPHABET = [
  "@£$¥èéùìòÇ\nØø\rÅå",
  "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ",
  " !\"#¤%&'()*+,-./",
  "0123456789:;<=>?",
  "¡ABCDEFGHIJKLMNO",
  "PQRSTUVWXYZÄÖÑÜ§",
  "¿abcdefghijklmno",
  "pqrstuvwxyzäöñüà",
].join("");

/** Septet after the escape -> character. Source: TS 23.038, 6.2.1.1. */
const EXTENSION_TABLE: ReadonlyMap<number, string> = new Map([
  [0x0a, "\f"],
  [0x14, "^"],
  [0x28, "{"],
  [0x29, "}"],
  [0x2f, "\\"],
  [0x3c, "["],
  [0x3d, "~"],
  [0x3e, "]"],
  [0x40, "|"],
  [0x65, "€"],
]);
const ESCAPE = 0x1b;

const SEPTETS: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ...[...DEFAULT_ALPHABET].map((character, septet) => [character, [septet]] as const),
  ...[...EXTENSION_TABLE].map(([septet, character]) => [character, [ESCAPE, septet]] as const),
]);

/**
 * What the text is in the default alphabet, one byte a septet: "€" -> 1B 65. Its length is what the message's limit counts.
 * @returns undefined if a character is in neither table
 */
export function encodeGsm(text: string): Uint8Array | undefined {
  const septets: number[] = [];
  for (const character of text) {
    const found = character === "\x1b" ? undefined : SEPTETS.get(character);
    if (found === undefined) return undefined;
    septets.push(...found);
  }
  return Uint8Array.from(septets);
}

/**
 * Text of bytes that each hold a septet. An escape before what the extension table lacks is a space, and the character of the
 * default alphabet follows, as 6.2.1.1 asks; a byte over 0x7F, which is no septet, is U+FFFD.
 */
export function decodeGsm(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 1) {
    const septet = bytes[index]!;
    const extended = septet === ESCAPE ? EXTENSION_TABLE.get(bytes[index + 1] ?? -1) : undefined;
    if (extended !== undefined) {
      text += extended;
      index += 1;
    } else if (septet === ESCAPE) {
      text += " ";
    } else {
      text += DEFAULT_ALPHABET[septet] ?? "\ufffd";
    }
  }
  return text;
}

/** Four upper-case hex digits a UTF-16 unit: "Ж" -> "0416". Characters beyond U+FFFF are two units, which phones show. */
export function encodeUcs2Hex(text: string): string {
  let hex = "";
  for (let index = 0; index < text.length; index += 1) {
    hex += text.charCodeAt(index).toString(16).toUpperCase().padStart(4, "0");
  }
  return hex;
}

/** @returns undefined if the text is not groups of four hex digits */
export function decodeUcs2Hex(hex: string): string | undefined {
  if (!/^(?:[0-9A-Fa-f]{4})*$/.test(hex)) return undefined;
  let text = "";
  for (let index = 0; index < hex.length; index += 4) {
    text += String.fromCharCode(Number.parseInt(hex.slice(index, index + 4), 16));
  }
  return text;
}
