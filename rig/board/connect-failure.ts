/**
 * Why a board did not become ready, told from what its wire gave within the time limit; pure.
 * Source: what each fault looks like on the wire, StandardFirmata 2.5 and optiboot (silent until spoken to at 115200 baud).
 */
import { formatDuration } from "../core/duration.js";
import { BoardError } from "../core/errors.js";
import { hex } from "../core/log.js";

export interface ConnectEvidence {
  readonly portName: string;
  readonly timeLimitMs: number;
  /** What was still awaited. */
  readonly awaited: "version" | "firmware" | "capabilities" | "mapping";
  /** All bytes that came, valid or not [bytes]. */
  readonly receivedBytes: number;
  /** The first of them, at most 32. */
  readonly firstBytes: Uint8Array;
}

const FLASH = "flash StandardFirmata (sketches/README.md)";

const AWAITED_NAMES = {
  version: "its protocol version",
  firmware: "its firmware's name",
  capabilities: "what its pins can do",
  mapping: "its analog pins",
} as const;

/** @returns a BoardError with code board/silent, board/no-firmware, board/wrong-baud-or-firmware or board/unfinished. */
export function explainConnectFailure(evidence: ConnectEvidence): BoardError {
  const { portName, awaited, receivedBytes, firstBytes } = evidence;
  const limit = formatDuration(evidence.timeLimitMs);
  if (awaited !== "version") {
    return new BoardError(
      "board/unfinished",
      `the board on ${portName} speaks Firmata but did not say ${AWAITED_NAMES[awaited]} within ${limit}`,
      { hint: `check the USB cable for a loose contact, or ${FLASH}` },
    );
  }
  if (receivedBytes === 0) {
    return new BoardError("board/silent", `no byte from the board on ${portName} within ${limit}`, {
      hint: `check that it has power, that this is its port (meter-rig ports), that the cable carries data and not only power, and ${FLASH}: a board with a bootloader alone says nothing`,
    });
  }
  if (isText(firstBytes)) {
    return new BoardError(
      "board/no-firmware",
      `the board on ${portName} sends text, not Firmata: ${JSON.stringify(Buffer.from(firstBytes).toString("latin1"))}`,
      { hint: `another sketch is running on it: ${FLASH}` },
    );
  }
  return new BoardError(
    "board/wrong-baud-or-firmware",
    `the board on ${portName} sent ${receivedBytes} bytes within ${limit}, none of them a Firmata version; the first: ${hex(firstBytes)}`,
    { hint: `check board.baud (StandardFirmata: 57600), or ${FLASH}` },
  );
}

/** Printable ASCII, tabs and line ends only. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every(
    (byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d,
  );
}
