/**
 * Connections whose module has vanished: over the air nobody tells the peer, which believes in them until it asks in vain.
 * Each ends after a while, as if the peer had found out. The PC's TCP still acknowledges what the peer sends: where a real
 * peer would see its segments unacknowledged, here only the silence of the protocol above tells it.
 */
import type { Socket } from "node:net";
import type { Clock } from "../../../core/clock.js";

/** Longer than any keep-alive of a peer that looks after its connections. */
const BELIEVED_FOR_MS = 600_000;
/** The oldest end when there are more. */
const MAX_SOCKETS = 32;

export class HalfOpenSockets {
  readonly #clock: Clock;
  /** With what cancels the end of each, oldest first. */
  readonly #ends = new Map<Socket, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param socket of which nothing more is read or written */
  keep(socket: Socket): void {
    if (socket.connecting || socket.destroyed) {
      socket.destroy();
      return;
    }
    socket.removeAllListeners("readable").pause();
    this.#ends.set(
      socket,
      this.#clock.after(BELIEVED_FOR_MS, () => socket.destroy()),
    );
    socket.once("close", () => this.#forget(socket));
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MAX_SOCKETS) this.#end(oldest!);
  }

  stop(): void {
    for (const socket of [...this.#ends.keys()]) this.#end(socket);
  }

  #end(socket: Socket): void {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket): void {
    this.#ends.get(socket)?.();
    this.#ends.delete(socket);
  }
}
