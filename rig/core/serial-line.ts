/**
 * The seam between the modem's driver and the wire to it: a named serial line that can be opened at a baud rate. A serial port
 * of the PC, a TCP connection to a device server and the virtual SIM900 each are one; nothing past the seam has to
 * tell them apart, but for their baud rate and for where the modem at the end may stand.
 *
 * - `open` resolves with a Duplex of the line's bytes, 8N1. It rejects with a PortError or the signal's reason, and leaves
 *   nothing open then. Opening does not reset what is at the other end: it may be in the middle of anything.
 * - The stream ends with `close`, exactly once; a line that is lost also gives `error` (PortError "port/lost") before it.
 * - Only one stream is open at a time. A line whose baud rate is not ours to set (TCP) ignores it.
 */
import type { Duplex } from "node:stream";

export interface SerialLine {
  /** What to call it in messages: "/dev/ttyUSB0", "COM5", "tcp://127.0.0.1:2323", "virtual:modem". */
  readonly name: string;
  /** serial and virtual: the rate is ours; what stands at the end of tcp, and at which rate, its server knows alone. */
  readonly kind: "serial" | "tcp" | "virtual";
  open(baudBps: number, signal?: AbortSignal): Promise<Duplex>;
}
