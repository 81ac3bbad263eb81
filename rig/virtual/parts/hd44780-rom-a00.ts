/**
 * The characters of the HD44780U's ROM A00 (the usual module in Arduino kits) as Unicode, one UTF-16 unit each.
 * Takes a character code from the DDRAM -> gives what the glass shows.
 * Source: Hitachi HD44780U data sheet ADE-207-272(Z) rev. 0.0, Table 4, p. 17 (ROM code A00); user characters: Table 5, p. 19.
 */

/** Placeholders of the eight user characters: their slot as a subscript digit. Codes 8-15 repeat 0-7 (Table 5, note 4). */
const USER_CHARACTERS = "₀₁₂₃₄₅₆₇";
/**
 * Codes 0xE0-0xFF. Where the glyph has no single character of its own, the nearest: 0xE7, 0xEA, 0xF0, 0xF1, 0xF9 are
 * letters with true descenders, 0xE9 is a small "-1", 0xF8 an x with a bar.
 */
const GREEK_AND_SYMBOLS = "αäβεµσρg√⁻jˣ¢£ñöpqθ∞ΩüΣπxy千万円÷ █";

const UNICODE_BY_CODE: readonly string[] = Array.from({ length: 256 }, (_, code) => {
  if (code < 0x10) return USER_CHARACTERS.charAt(code & 7);
  if (code < 0x20) return " "; // no pattern in this ROM
  if (code === 0x5c) return "¥";
  if (code === 0x7e) return "→";
  if (code === 0x7f) return "←";
  if (code < 0x7e) return String.fromCharCode(code);
  if (code <= 0xa0) return " "; // no pattern in this ROM
  if (code === 0xdf) return "°"; // drawn as the ring of the kana "pa", used as the degree sign
  if (code < 0xe0) return String.fromCharCode(0xff61 + code - 0xa1); // half-width katakana in the order of JIS X 0201
  return GREEK_AND_SYMBOLS.charAt(code - 0xe0);
});

/** @param code 0..255; other bits are dropped @returns one visible character or a space, length 1 */
export function romA00Character(code: number): string {
  return UNICODE_BY_CODE[code & 0xff] as string;
}
