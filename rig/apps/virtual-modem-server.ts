/**
 * `meter-rig virtual-modem`: the virtual SIM900 in a process of its own, its wire on a TCP port. Its state lives on when a
 * client leaves, as a real modem's does; one client at a time, as on a wire.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describeError, PortError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import { trace } from "../core/log.js";
import type { SerialLine } from "../core/serial-line.js";

const log = trace("rig:apps:virtual-modem");

export interface ModemServerOptions {
  readonly line: SerialLine;
  readonly baudBps: number;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly emit: EmitEvent;
}

export interface ModemServer {
  /** What a rig names as its modem.port: "tcp://127.0.0.1:2323". */
  readonly address: string;
  stop(): Promise<void>;
}

/** @throws PortError "port/busy" or "port/failed" */
export async function startModemServer(options: ModemServerOptions): Promise<ModemServer> {
  const { line, baudBps, emit } = options;
  let client: Socket | null = null;
  // A client whose computer has vanished must not hold the wire for ever.
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    socket.on("error", (error) => log("client: %s", error.message));
    if (client !== null) {
      emit({
        event: "alert",
        kind: "modem",
        meter: null,
        text: "a second client was turned away: one at a time",
      });
      socket.destroy();
      return;
    }
    client = socket;
    socket.once("close", () => {
      if (client === socket) client = null;
    });
    line.open(baudBps).then(
      (wire) => join(socket, wire, emit),
      (error) => {
        log("wire: %s", describeError(error));
        socket.destroy();
      },
    );
  });
  const address = await listen(server, options);
  return {
    address,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      client?.destroy();
      await closed;
    },
  };
}

/** Bytes go both ways until one side is gone. */
function join(socket: Socket, wire: Duplex, emit: EmitEvent): void {
  emit({ event: "client", connected: true });
  wire.on("error", (error) => log("wire: %s", error.message));
  wire.once("close", () => socket.destroy());
  const leave = () => {
    wire.destroy();
    emit({ event: "client", connected: false });
  };
  if (socket.destroyed) {
    leave();
    return;
  }
  socket.once("close", leave);
  socket.pipe(wire).pipe(socket);
}

function listen(server: Server, { host, port }: ModemServerOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE";
      reject(
        new PortError(
          taken ? "port/busy" : "port/failed",
          `cannot listen on ${host}:${port}: ${cause.message}`,
          {
            cause,
            hint: taken
              ? "another program has that port: give another with --listen"
              : "check the address after --listen",
          },
        ),
      );
    });
    server.listen(port, host, () => {
      const bound = server.address();
      const used = typeof bound === "object" && bound !== null ? bound.port : port;
      resolve(`tcp://${host.includes(":") ? `[${host}]` : host}:${used}`);
    });
  });
}
