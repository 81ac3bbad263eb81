/** The plain way to the broker: a TCP socket of the PC. A modem's socket takes its place as another Duplex. */
import { createConnection } from "node:net";
import type { Duplex } from "node:stream";
import { UplinkError } from "../core/errors.js";

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: check that the broker runs, and broker.port",
  ENOTFOUND: "nobody knows that name: check broker.host",
  EAI_AGAIN: "names cannot be looked up now: check this PC's network",
};

/**
 * Resolves with a connected socket. Waits as long as the operating system tries, which is about two minutes.
 * @throws UplinkError "uplink/unreachable"; the signal's reason. Nothing is left open then.
 */
export function openTcpStream(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = createConnection({ host, port, noDelay: true });
    const onAbort = () => {
      reject(signal.reason);
      socket.destroy();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    // Stays, so that a socket which nobody listens to yet cannot end the process; who reads it sees the error too.
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      // Several addresses that fail each in their way make an error without a message of its own.
      const why = cause.message || cause.code || "unknown";
      const hint = HINTS[cause.code ?? ""] ?? "check broker.host, broker.port and the network between";
      reject(
        new UplinkError("uplink/unreachable", `cannot connect to ${host}:${port}: ${why}`, { cause, hint }),
      );
    });
    socket.once("close", () => signal.removeEventListener("abort", onAbort));
    socket.once("connect", () => {
      signal.removeEventListener("abort", onAbort);
      resolve(socket);
    });
  });
}
