/** The far end of the modem's connections: a real TCP server of this PC. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export class Peer {
  readonly sockets: Socket[] = [];
  #received = "";
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.sockets.push(socket);
      socket.on("data", (bytes) => {
        this.#received += bytes.toString("latin1");
      });
      socket.on("error", () => undefined);
    });
  }

  static async listen(): Promise<Peer> {
    const server = createServer({ noDelay: true });
    const peer = new Peer(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Everything received, each byte one character. */
  get received(): string {
    return this.#received;
  }

  get socket(): Socket {
    return this.sockets.at(-1)!;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
