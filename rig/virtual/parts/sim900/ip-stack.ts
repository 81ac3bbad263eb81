/**
 * The module's IP task: the state table of the bearer and of up to eight TCP connections, and what arrives unasked.
 * Not simulated: UDP, server mode, CIPSCONT, CIPATS, CIPCCFG's packet sizes.
 * Source: AN_SIM900_TCPIP V1.02, figures 1 and 2; SIM900 AT Command Manual V1.03, chapter 8.
 */
import type { Latency } from "./latency.js";
import type { MobileNetwork } from "./network.js";
import type { Output } from "./output.js";
import type { PowerScope } from "./power-scope.js";
import { refuse } from "./refusal.js";
import { TcpLink } from "./tcp-link.js";

export const MAX_LINKS = 8;
/** What AT+CIPSEND? says: "determined by the network", as in the application note's example. */
export const SEND_SIZE_BYTES = 1380;
/** Pushed bytes are handed to the line in pieces of at most a segment, and no faster than it takes them. */
const PUSH_BYTES = 1460;

/** What stands for a name server that is not set. */
export const NO_ADDRESS = "0.0.0.0";

/** States of the bearer; those of a single connection come on top of IP STATUS. */
export type Stage = "IP INITIAL" | "IP START" | "IP CONFIG" | "IP GPRSACT" | "IP STATUS" | "PDP DEACT";

/** AT+CIPHEAD, CIPSHOWTP, CIPSRIP, CIPRXGET, CIPQSEND, CIPMODE, CIPSPRT, CIPQRCLOSE, in the manual's numbers. */
export interface IpModes {
  CIPHEAD: number;
  CIPSHOWTP: number;
  CIPSRIP: number;
  CIPRXGET: number;
  CIPQSEND: number;
  CIPMODE: number;
  CIPSPRT: number;
  CIPQRCLOSE: number;
}

export interface IpStackOptions {
  readonly scope: PowerScope;
  readonly latency: Latency;
  readonly network: MobileNetwork;
  readonly output: Output;
  /** Bytes that wait to leave on the line. */
  readonly waitingBytes: () => number;
  /** The connection has ended while its bytes were being typed. */
  readonly abortSend: () => void;
}

export class IpStack {
  stage: Stage = "IP INITIAL";
  multi = false;
  /** Stored by AT+CSTT. Source of the default: SIM900 AT Command Manual V1.03, AT+CSTT. */
  accessPoint = "CMNET";
  /** Stored by AT+CDNSCFG, and without effect: names are looked up as this PC does. */
  nameServers: readonly [string, string] = [NO_ADDRESS, NO_ADDRESS];
  readonly modes: IpModes = {
    CIPHEAD: 0,
    CIPSHOWTP: 0,
    CIPSRIP: 0,
    CIPRXGET: 0,
    CIPQSEND: 0,
    CIPMODE: 0,
    CIPSPRT: 1,
    CIPQRCLOSE: 0,
  };
  readonly links: readonly TcpLink[];
  /** The connection whose bytes are being typed. */
  typing: TcpLink | null = null;
  /** Ends the transparent mode, while it has the line. */
  leaveDataMode: (() => void) | null = null;
  readonly #options: IpStackOptions;

  constructor(options: IpStackOptions) {
    this.#options = options;
    this.links = Array.from({ length: MAX_LINKS }, (_, id) => {
      return new TcpLink(options.scope, options.latency, options.network, {
        onData: () => this.#received(id),
        onClosed: () => this.#closed(id),
      });
    });
  }

  /** The context is up: there is an address. */
  get bearerUp(): boolean {
    return this.stage === "IP GPRSACT" || this.stage === "IP STATUS";
  }

  get anyOpen(): boolean {
    return this.links.some((link) => link.open);
  }

  /** What AT+CIPSTATUS says. */
  get state(): string {
    if (this.stage !== "IP STATUS") return this.stage;
    if (this.multi)
      return this.links.some((link) => link.state !== "INITIAL") ? "IP PROCESSING" : "IP STATUS";
    switch (this.links[0]!.state) {
      case "INITIAL":
        return "IP STATUS";
      case "CONNECTING":
        return "TCP CONNECTING";
      case "CONNECTED":
        return "CONNECT OK";
      case "CLOSING":
        return "TCP CLOSING";
      default:
        return "TCP CLOSED";
    }
  }

  /** @returns the connection of that number; refuses one that a single connection does not have */
  link(id: number): TcpLink {
    return this.links[id] ?? refuse(3);
  }

  /** With many connections every word about one begins with its number. */
  about(id: number, text: string): string {
    return this.multi ? `${id}, ${text}` : text;
  }

  /** AT+CIPSHUT, or the end of the bearer: the host hears no word about any connection, and without a bearer no peer does. */
  shut(stage: "IP INITIAL" | "PDP DEACT"): void {
    this.stage = stage;
    for (const link of this.links) {
      if (stage === "PDP DEACT") link.vanish();
      else link.drop();
    }
    this.leaveDataMode?.();
    if (this.typing !== null) this.#options.abortSend();
  }

  /** The network takes the context away, if there is one or one is coming. */
  loseBearer(): void {
    if (!this.bearerUp && this.stage !== "IP CONFIG") return;
    this.shut("PDP DEACT");
    this.#options.output.urc("+PDP: DEACT");
  }

  /** The fault: the peer closes, and the module does not say so - now, or the next time. */
  loseClosedReport(): void {
    const open = this.links.filter((link) => link.state === "CONNECTED");
    if (open.length === 0) this.#options.network.faults.put("closed-lost");
    for (const link of open) link.closeSilently();
  }

  /** Hands received bytes to the host where they are not waited for, as fast as the line takes them. */
  push(): void {
    const { CIPMODE } = this.modes;
    if (this.#pulled || (CIPMODE === 1 && this.leaveDataMode === null)) return;
    for (const [id, link] of this.links.entries()) {
      while (link.unreadBytes > 0 && this.#options.waitingBytes() < PUSH_BYTES) {
        this.#pushPiece(id, link);
      }
    }
  }

  /** The host fetches what was received. */
  get #pulled(): boolean {
    return this.modes.CIPRXGET === 1 && this.modes.CIPMODE === 0;
  }

  #pushPiece(id: number, link: TcpLink): void {
    const { output } = this.#options;
    const { CIPHEAD, CIPSHOWTP, CIPSRIP, CIPMODE } = this.modes;
    const from = `${link.remoteAddress}:${link.port}`;
    const bytes = link.take(PUSH_BYTES);
    if (CIPMODE === 0 && CIPSRIP === 1) output.text(`\r\nRECV FROM:${from}\r\n`);
    if (this.multi) {
      output.text(`\r\n+RECEIVE,${id},${bytes.length}:\r\n`);
    } else if (CIPMODE === 0 && CIPHEAD === 1) {
      output.text(`\r\n+IPD,${bytes.length}${CIPSHOWTP === 1 ? ",TCP" : ""}:`);
    }
    output.bytes(bytes);
  }

  #received(id: number): void {
    if (!this.#pulled) {
      this.push();
    } else if (!this.#options.network.faults.takes("urc-lost")) {
      this.#options.output.urc(this.multi ? `+CIPRXGET: 1,${id}` : "+CIPRXGET: 1");
    }
  }

  #closed(id: number): void {
    this.push();
    this.leaveDataMode?.();
    if (!this.#options.network.faults.takes("closed-lost"))
      this.#options.output.urc(this.about(id, "CLOSED"));
    if (this.typing === this.links[id]) this.#options.abortSend();
  }
}
