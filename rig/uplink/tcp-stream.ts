/** The plain way to the broker: a TCP socket of the PC. A modem's socket takes its place as another Duplex. */
import { createConnection } from "node:net";
import type { Duplex } from "node:stream";

/** Opens a new connection; it can be written at once, and fails with `error` and `close`. */
export function openTcpStream(host: string, port: number): Duplex {
  return createConnection({ host, port, noDelay: true });
}
