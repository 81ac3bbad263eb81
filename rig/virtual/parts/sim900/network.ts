/**
 * The mobile network around the module: coverage, the way to the internet, other people's phones, the time.
 * It is there whether the module runs or not. TCP connections are real ones of this PC, to the hosts that may be reached.
 */
import { lookup } from "node:dns/promises";
import { createConnection, isIP, type Socket } from "node:net";
import type { Clock } from "../../../core/clock.js";
import type { EmitEvent } from "../../../core/events.js";
import type { Faults } from "./faults.js";
import { HalfOpenSockets } from "./half-open-sockets.js";
import { formatTime } from "./network-time.js";

export interface IncomingMessage {
  readonly number: string;
  readonly text: string;
  readonly time: string;
}

export interface NetworkOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly emit: EmitEvent;
  readonly mayReach: (host: string) => boolean;
  /** Opens a TCP connection; a test puts its own here. */
  readonly dial?: ((host: string, port: number) => Socket) | undefined;
  /** The network's time zone [quarters of an hour east of UTC]. */
  readonly zoneQuarterHours?: number | undefined;
}

export class MobileNetwork {
  readonly operator = "Bench Mobile";
  readonly clock: Clock;
  readonly faults: Faults;
  readonly zoneQuarterHours: number;
  coverage = true;
  /** Messages for the module that it has not taken yet. */
  readonly waitingMessages: IncomingMessage[] = [];
  readonly #options: NetworkOptions;
  /** Connections whose module is gone while nothing gets through to tell the peer. */
  readonly #orphans = new Set<Socket>();
  readonly #halfOpen: HalfOpenSockets;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#halfOpen = new HalfOpenSockets(options.clock);
    this.faults = options.faults;
    this.zoneQuarterHours = options.zoneQuarterHours ?? 0;
  }

  /** Bytes go nowhere, and nobody is told. */
  get blackhole(): boolean {
    return this.faults.lasts("blackhole");
  }

  /** @returns null: there is no way to that host */
  dial(host: string, port: number): Socket | null {
    if (!this.#options.mayReach(host)) return null;
    const { dial = (to, at) => createConnection({ host: to, port: at, noDelay: true }) } = this.#options;
    return dial(host, port);
  }

  /** @returns the address of the host; null: the network's name server has none */
  async resolve(host: string): Promise<string | null> {
    if (isIP(host) !== 0) return host;
    if (!this.#options.mayReach(host)) return null;
    try {
      return (await lookup(host, 4)).address;
    } catch {
      return null;
    }
  }

  /** A connection that the module gives up: the peer hears of it if anything gets through. */
  giveUp(socket: Socket): void {
    if (this.blackhole && !socket.destroyed) this.#orphans.add(socket);
    else socket.destroy();
  }

  /** A connection whose module has lost its power or its bearer: the peer hears nothing. */
  leaveHalfOpen(socket: Socket): void {
    this.#halfOpen.keep(socket);
  }

  /** The blackhole is gone: peers learn what became of their connections. */
  releaseOrphans(): void {
    for (const socket of this.#orphans) socket.destroy();
    this.#orphans.clear();
  }

  /** Ends every connection that is still kept. */
  stop(): void {
    this.releaseOrphans();
    this.#halfOpen.stop();
  }

  /** The text has reached the phone of that number. */
  deliverMessage(number: string, text: string): void {
    this.#options.emit({ event: "sms", direction: "delivered", number, text });
  }

  /** A phone sends a text to the module's number. */
  acceptMessage(number: string, text: string): void {
    this.waitingMessages.push({ number, text, time: formatTime(this.clock.nowMs(), this.zoneQuarterHours) });
  }
}
