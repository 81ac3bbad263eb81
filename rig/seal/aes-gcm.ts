/**
 * AES-256-GCM with a 96-bit nonce and a 96-bit tag behind the ciphertext: what sealed-frame.ts is sealed with.
 * Source: NIST SP 800-38D, sections 7.1 and 7.2; test vectors in test/vectors/aes-256-gcm-tag-96.json.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";

const CIPHER = "aes-256-gcm";
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 12;

/** @returns ciphertext, as long as the plaintext, then TAG_BYTES of tag */
export function encrypt(
  key: KeyObject,
  nonce: Uint8Array,
  clear: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(clear);
  const ciphertext = [cipher.update(plaintext), cipher.final()];
  return Uint8Array.from(Buffer.concat([...ciphertext, cipher.getAuthTag()]));
}

/** @returns the plaintext, or undefined if the tag does not fit: then nothing at all is known about the contents */
export function decrypt(
  key: KeyObject,
  nonce: Uint8Array,
  clear: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(clear);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const start = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
  try {
    return Uint8Array.from(Buffer.concat([start, decipher.final()]));
  } catch {
    return undefined; // node:crypto's only way to say that the tag is wrong
  }
}
