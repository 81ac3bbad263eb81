/**
 * The sealed frame: what travels from a meter to the centre, over whatever route, and all that a neighbour ever sees.
 *
 *   byte   0      version (high nibble, 1) and kind (low nibble: 1 report)          \
 *   byte   1      meter number, 1..255, as its key file says                         | in the clear,
 *   bytes  2-3    start number: counts the starts of the meter, big-endian           | authenticated
 *   bytes  4-7    sequence: counts the reports of the meter from 1, big-endian      /
 *   bytes  8-40   the report (frame.ts), AES-256-GCM
 *   bytes 41-52   tag
 *
 * The nonce is the header followed by four zero bytes. It never repeats under one key: a sequence is sealed once in a start,
 * and the start number goes up, on disk, before anything is sealed. Every meter has a key of its own.
 *
 * So a data directory must never be copied back from an older copy of itself, nor run in two places: start numbers would
 * repeat and with them nonces, and two frames under one nonce tell how their contents differ and let others forge. If it was,
 * move the meter's key file away: the next start makes a new key.
 */
import { FrameError } from "../core/errors.js";
import { NONCE_BYTES, TAG_BYTES } from "./aes-gcm.js";
import { REPORT_BYTES } from "./frame.js";

const VERSION = 1;
const KIND_REPORT = 1;
export const HEADER_BYTES = 8;
export const SEALED_REPORT_BYTES = HEADER_BYTES + REPORT_BYTES + TAG_BYTES;
export const MAX_START = 0xffff;
export const MAX_SEQUENCE = 0xffff_ffff;

export interface FrameHeader {
  readonly meterNumber: number;
  readonly start: number;
  readonly sequence: number;
}

export function encodeHeader({ meterNumber, start, sequence }: FrameHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (VERSION << 4) | KIND_REPORT);
  view.setUint8(1, meterNumber);
  view.setUint16(2, start);
  view.setUint32(4, sequence);
  return bytes;
}

/**
 * Reads the clear part of a sealed report; nothing in it can be trusted before the frame was opened.
 * @throws FrameError "frame/length", "frame/version" or "frame/header"
 */
export function decodeHeader(frame: Uint8Array): FrameHeader {
  if (frame.length !== SEALED_REPORT_BYTES) {
    throw new FrameError(
      "frame/length",
      `a sealed frame of ${frame.length} bytes: it must be ${SEALED_REPORT_BYTES}`,
    );
  }
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const kind = view.getUint8(0);
  if (kind !== ((VERSION << 4) | KIND_REPORT)) {
    throw new FrameError(
      "frame/version",
      `a sealed frame of version ${kind >> 4}, kind ${kind & 0xf}: this end knows version ${VERSION}, kind ${KIND_REPORT}`,
    );
  }
  const header = { meterNumber: view.getUint8(1), start: view.getUint16(2), sequence: view.getUint32(4) };
  if (header.meterNumber === 0 || header.start === 0 || header.sequence === 0) {
    throw new FrameError(
      "frame/header",
      "a sealed frame with meter number, start number or sequence 0: they count from 1",
    );
  }
  return header;
}

export function nonceOf(header: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  nonce.set(header.subarray(0, HEADER_BYTES));
  return nonce;
}
