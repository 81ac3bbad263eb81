/**
 * The seam between the rig and an Arduino: a named place where a byte stream to one board can be opened.
 * A serial port (rig/board/serial-port.ts) and a virtual board (rig/virtual) both are one; nothing past the seam can tell.
 *
 * The contract, checked for every kind of port by test/contracts/port.contract.ts:
 * - `open` resolves with a Duplex whose bytes are the board's UART, 57600 baud 8N1 unless configured otherwise.
 *   It rejects with a PortError (no such port, busy and by whom, no permission and the command that grants it) or with
 *   the signal's reason. Nothing is left open after a rejection.
 * - Opening resets the board, as DTR does on an UNO: the firmware boots anew and reports its version about 2 to 4 s later.
 * - The stream ends with `close`, exactly once, whether we destroy it or the cable is pulled; a pulled cable also gives
 *   `error` (PortError "port/lost") before it. After `close` no `data` comes and writes fail.
 * - A port can be opened again after `close`; every opening gives a new stream. Only one is open at a time: the second
 *   `open` rejects with "port/busy".
 */
import type { Duplex } from "node:stream";

export interface Port {
  /** What to call it in messages: "/dev/ttyACM0", "COM3", "virtual:main". */
  readonly name: string;
  open(signal?: AbortSignal): Promise<Duplex>;
}
