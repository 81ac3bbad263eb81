/**
 * The modem's one connection at a time, from its opening to its end: asks for it, hands it to who wants it, tells it what the
 * modem says of it unasked.
 */
import { unlessAborted } from "../core/abort.js";
import type { Clock } from "../core/clock.js";
import type { ModemConfig } from "../core/config.js";
import { describeError, ModemError } from "../core/errors.js";
import { trace } from "../core/log.js";
import type { SerialLine } from "../core/serial-line.js";
import type { AtPort, Unsolicited } from "./at-command.js";
import { askSendSize, connectSocket } from "./bring-up.js";
import { GprsSocket } from "./gprs-socket.js";
import type { ModemReport } from "./modem-report.js";
import type { SocketRequest } from "./socket-requests.js";

const log = trace("rig:modem:connection");

export interface GprsConnectionOptions {
  readonly line: Pick<SerialLine, "name" | "kind">;
  readonly config: ModemConfig;
  readonly clock: Clock;
  readonly report: ModemReport;
  /** A connection is there; the returned function is called at its end. */
  readonly onConnected: () => () => void;
  /** The context was shut down with the connection, or may have been. */
  readonly onShut: () => void;
}

export class GprsConnection {
  readonly #options: GprsConnectionOptions;
  #socket: GprsSocket | null = null;
  #carriedBothWays = false;

  constructor(options: GprsConnectionOptions) {
    this.#options = options;
  }

  /** Whether the connection that ended last had carried bytes both ways; told once. */
  takeCarriedBothWays(): boolean {
    const carried = this.#carriedBothWays;
    this.#carriedBothWays = false;
    return carried;
  }

  hear(said: Unsolicited): void {
    if (said.kind === "closed") this.#socket?.closedByPeer();
    else if (said.kind === "data-waiting") this.#socket?.dataWaiting();
    else if (said.kind === "data") this.#socket?.pushed(said.bytes);
  }

  /** It is gone with what it stood on. */
  fail(reason: ModemError): void {
    this.#socket?.fail(reason);
  }

  /** Begins to end it. */
  hangUp(): void {
    this.#socket?.destroy();
  }

  /**
   * Returns where the connection's owner ended it; throws where it could not be opened, or broke, and the signal's reason.
   * @param options.receive as bringUpContext has set it
   */
  async serve(
    request: SocketRequest,
    {
      port,
      receive,
      signal,
    }: { readonly port: AtPort; readonly receive: "pull" | "push"; readonly signal: AbortSignal },
  ): Promise<void> {
    const { line, config, clock, report } = this.#options;
    const say = report.say.bind(report);
    const peer = `${request.peer.host}:${request.peer.port}`;
    await connectSocket({ port, config, line, signal, say }, request.peer);
    signal.throwIfAborted();
    // At once: the peer may speak first, or close.
    const socket = new GprsSocket({ port, clock, peer, receive });
    const closed = new Promise<void>((resolve) => socket.once("close", resolve));
    socket.on("error", (error) => log("socket: %s", describeError(error)));
    void socket.released.then((how) => {
      if (how !== "closed") this.#options.onShut();
    });
    this.#socket = socket;
    let wanted: boolean;
    try {
      socket.maxSendBytes = await askSendSize(port, signal);
      wanted = await this.#hand(socket, request, closed);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      this.#socket = null;
    }
    this.#carriedBothWays = socket.carriedBothWays;
    if ((await unlessAborted(socket.released, signal)) === "kept") {
      throw new ModemError("modem/wrong-state", `the modem does not let go of the connection to ${peer}`);
    }
    if (!wanted || socket.endedCleanly) return;
    const givenUp = `the connection to ${peer} was given up: what was waited for did not come`;
    throw socket.reason ?? new ModemError("modem/given-up", givenUp);
  }

  /** @returns whether somebody still wanted it, when it has ended */
  async #hand(socket: GprsSocket, request: SocketRequest, closed: Promise<void>): Promise<boolean> {
    const onClosed = this.#options.onConnected();
    this.#options.report.say("online", `connected to ${request.peer.host}:${request.peer.port}`);
    const wanted = request.fulfil(socket);
    if (!wanted) socket.destroy();
    await closed;
    onClosed();
    return wanted;
  }
}
