/**
 * A modem behind a TCP device server (ser2net, an ESP bridge, an emulator): tcp://host:port -> SerialLine over node:net.
 * The server sets the baud rate; what is asked for here is ignored.
 */
import { createConnection, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { type Clock, systemClock } from "../core/clock.js";
import { describeError, PortError } from "../core/errors.js";
import type { SerialLine } from "../core/serial-line.js";
import type { TcpAddress } from "../core/tcp-address.js";

/** A device server is on the bench or in its network: a handshake takes milliseconds [ms]. */
const CONNECT_LIMIT_MS = 5000;
/** A server that vanished without a word (its power cut) is found by the PC's TCP after this idle time and its probes [ms]. */
const KEEP_ALIVE_MS = 10_000;

export class TcpLine implements SerialLine {
  readonly kind = "tcp";
  readonly name: string;
  readonly #address: TcpAddress;
  readonly #clock: Clock;
  /** From the start of an open until its stream is closed. */
  #inUse = false;

  constructor(address: TcpAddress, clock: Clock = systemClock) {
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    this.name = `tcp://${host}:${address.port}`;
    this.#address = address;
    this.#clock = clock;
  }

  /** Rejects with a PortError: port/busy, port/refused, port/missing (no such host), port/timeout or port/failed. */
  async open(_baudBps: number, signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted();
    if (this.#inUse) {
      throw new PortError("port/busy", `${this.name} is in use by this program itself`, {
        hint: "close it there and it is taken at the next attempt",
      });
    }
    this.#inUse = true;
    try {
      const stream = new TcpLineStream(await this.#connect(signal), this.name);
      stream.once("close", () => {
        this.#inUse = false;
      });
      return stream;
    } catch (error) {
      this.#inUse = false;
      throw error;
    }
  }

  #connect(signal: AbortSignal | undefined): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ ...this.#address, noDelay: true, allowHalfOpen: true });
      const settle = () => {
        cancelLimit();
        signal?.removeEventListener("abort", onAbort);
        socket.off("error", onError);
      };
      const giveUp = (reason: unknown) => {
        settle();
        // Destroyed while it connects, the socket may still fail, with no one left to tell.
        socket.on("error", () => undefined);
        socket.destroy();
        reject(reason);
      };
      const onAbort = () => giveUp(signal?.reason);
      const onError = (error: Error) => giveUp(connectFailure(this.name, error));
      const cancelLimit = this.#clock.after(CONNECT_LIMIT_MS, () =>
        giveUp(
          new PortError("port/timeout", `${this.name} did not answer within ${CONNECT_LIMIT_MS} ms`, {
            hint: "check the device server's power and network, and the address",
          }),
        ),
      );
      signal?.addEventListener("abort", onAbort, { once: true });
      socket.on("error", onError);
      socket.once("connect", () => {
        settle();
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        resolve(socket);
      });
    });
  }
}

/** The socket with the ends that SerialLine promises: whatever the far end does, `error` port/lost, then `close`. */
class TcpLineStream extends Duplex {
  readonly #socket: Socket;
  readonly #name: string;

  constructor(socket: Socket, name: string) {
    super({ emitClose: true, allowHalfOpen: false });
    this.#socket = socket;
    this.#name = name;
    socket.on("data", (bytes) => {
      if (!this.push(bytes)) socket.pause();
    });
    // Until someone reads, the bytes stay in the socket.
    socket.pause();
    socket.on("end", () => this.#lose(undefined));
    socket.on("error", (error) => this.#lose(error));
    socket.on("close", () => this.#lose(undefined));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, (error) => done(error ? this.#lost(error) : null));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#socket.closed) {
      done(error);
      return;
    }
    this.#socket.once("close", () => done(error));
    this.#socket.destroy();
  }

  #lose(cause: Error | undefined): void {
    if (!this.destroyed) this.destroy(this.#lost(cause));
  }

  #lost(cause: Error | undefined): PortError {
    return new PortError("port/lost", `${this.#name} was lost`, {
      hint: "check the device server; it is connected again when it is back",
      cause,
    });
  }
}

/** Source: names of libuv's errors, docs.libuv.org, "Error constants". */
function connectFailure(name: string, error: Error & { code?: string }): PortError {
  switch (error.code) {
    case "ECONNREFUSED":
      return new PortError("port/refused", `${name} refuses the connection`, {
        hint: "start the device server there, and check the port number",
        cause: error,
      });
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new PortError("port/missing", `there is no host of the name in ${name}`, {
        hint: "check the name, or write the IP address",
        cause: error,
      });
    default:
      return new PortError("port/failed", `${name} did not open: ${describeError(error)}`, {
        hint: "check the address, and the network between",
        cause: error,
      });
  }
}
