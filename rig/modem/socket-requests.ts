/** Who waits for the modem's one socket, first come, first served. */
import type { Duplex } from "node:stream";
import type { ModemError } from "../core/errors.js";

export interface Peer {
  readonly host: string;
  readonly port: number;
}

export interface SocketRequest {
  readonly peer: Peer;
  /** @returns false if nobody waits for it any more */
  fulfil(socket: Duplex): boolean;
}

export class SocketRequests {
  readonly #waiting: (SocketRequest & { readonly refuse: (reason: ModemError) => void })[] = [];
  readonly #onRequest: () => void;
  #over: ModemError | undefined;
  #refusal: string | null = null;

  /** @param onRequest called for each new request */
  constructor(onRequest: () => void) {
    this.#onRequest = onRequest;
  }

  /** Why the last one could not even be asked for; null where it could. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** What was asked for cannot be had from any modem. */
  refuse(reason: string): void {
    this.#refusal = reason;
    this.#onRequest();
  }

  /** The one whose turn it is; it stays until it is fulfilled or gives up. */
  get first(): SocketRequest | undefined {
    return this.#waiting[0];
  }

  /** Rejects with the signal's reason, or with that of end(). */
  add(peer: Peer, signal: AbortSignal): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#over !== undefined) throw this.#over;
      const leave = () => {
        const index = this.#waiting.indexOf(request);
        if (index < 0) return false;
        this.#waiting.splice(index, 1);
        signal.removeEventListener("abort", onAbort);
        return true;
      };
      const onAbort = () => {
        if (leave()) reject(signal.reason);
      };
      const request = {
        peer,
        fulfil: (socket: Duplex) => {
          if (!leave()) return false;
          resolve(socket);
          return true;
        },
        refuse: (reason: ModemError) => {
          if (leave()) reject(reason);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(request);
      this.#refusal = null;
      this.#onRequest();
    });
  }

  /** Refuses all that wait, and all that come. */
  end(reason: ModemError): void {
    this.#over = reason;
    for (const request of [...this.#waiting]) request.refuse(reason);
  }
}
