/**
 * One TCP connection of the module, on a real socket of the PC.
 * connect, send, take <-> the socket, with the air's delay in both directions; the module keeps a few kilobytes of what
 * came and then lets the peer wait.
 *
 * In a blackhole bytes vanish in both directions. Nothing here repeats lost segments: a connection that has lost bytes
 * stays dead until it is closed, as behind a NAT that has forgotten it.
 */
import type { Socket } from "node:net";
import { ByteQueue } from "./byte-queue.js";
import { DelayLine } from "./delay-line.js";
import { CIPSTART_MS, type Latency, ONE_WAY_MS, type SpanMs } from "./latency.js";
import type { MobileNetwork } from "./network.js";
import type { PowerScope } from "./power-scope.js";

/** Source: SIM900 AT Command Manual V1.03, AT+CIPSTATUS. */
export type LinkState = "INITIAL" | "CONNECTING" | "CONNECTED" | "CLOSING" | "CLOSED";

/** What the module holds of received bytes before the peer has to wait. */
const RECEIVE_BUFFER_BYTES = 8192;
/** Largest segment on the air. */
const SEGMENT_BYTES = 1460;
/** Source: SIM800 AT Command Manual V1.10, AT+CIPSTART. */
const CONNECT_LIMIT_MS = 75_000;
/** The fault: late, and in one of three attempts so late that a host that keeps to the limit has given up before. */
const CONNECT_FAULT_MS = 20_000;
const LATE_CONNECT_FAULT_MS: SpanMs = [75_000, 95_000];
const LATE_CONNECT_SHARE = 1 / 3;
/** Source: SIM800 AT Command Manual V1.10, AT+CIPSEND: when the module gives a silent peer up. */
const SEND_LIMIT_MS = 645_000;
/** How long a slow close waits for the peer. */
const CLOSE_LIMIT_MS = 30_000;

export interface LinkEvents {
  /** There are unread bytes where there were none. */
  readonly onData: () => void;
  /** The peer or the network has ended an open connection. */
  readonly onClosed: () => void;
}

/** What comes down from the peer: bytes, the end of the stream, or an acknowledgement with what it brings about. */
type Arrival = Uint8Array | "end" | (() => void);

export class TcpLink {
  state: LinkState = "INITIAL";
  host = "";
  port = 0;
  /** Of this connection, for AT+CIPACK. */
  sentBytes = 0;
  acknowledgedBytes = 0;
  readonly #scope: PowerScope;
  readonly #latency: Latency;
  readonly #network: MobileNetwork;
  readonly #events: LinkEvents;
  readonly #received = new ByteQueue();
  readonly #down: DelayLine<Arrival>;
  readonly #up: DelayLine<{ bytes: Uint8Array; written: (ok: boolean) => void }>;
  #onTheWayBytes = 0;
  #socket: Socket | null = null;
  /** Bytes of it went into the blackhole. */
  #dead = false;
  /** Ends what waits on the connection: a connect, sends, a slow close. */
  readonly #endings = new Set<() => void>();

  constructor(scope: PowerScope, latency: Latency, network: MobileNetwork, events: LinkEvents) {
    this.#scope = scope;
    this.#latency = latency;
    this.#network = network;
    this.#events = events;
    this.#down = new DelayLine(scope, (arrival) => this.#arrive(arrival));
    this.#up = new DelayLine(scope, (piece) => this.#write(piece.bytes, piece.written));
    scope.onEnd(() => this.vanish());
  }

  get open(): boolean {
    return this.state === "CONNECTING" || this.state === "CONNECTED" || this.state === "CLOSING";
  }

  /** Received and not taken yet. */
  get unreadBytes(): number {
    return this.#received.length;
  }

  /** The peer's address, once connected. */
  get remoteAddress(): string {
    return this.#socket?.remoteAddress?.replace(/^::ffff:/, "") ?? this.host;
  }

  /**
   * What was received before and not read is lost.
   * @returns whether it is open. Never settles for an attempt that the host gives up; one that the fault makes late fails then
   */
  connect(host: string, port: number): Promise<boolean> {
    this.drop();
    Object.assign(this, { state: "CONNECTING", host, port, sentBytes: 0, acknowledgedBytes: 0 });
    this.#dead = false;
    return new Promise((resolve) => {
      let cancelDial: () => void = () => undefined;
      const finish = (connected: boolean) => {
        this.#endings.delete(fail);
        cancelLimit();
        cancelDial();
        if (this.state === "CONNECTING") {
          this.state = connected ? "CONNECTED" : "CLOSED";
          if (!connected) this.#release();
        } else if (!late) {
          return;
        }
        resolve(connected);
      };
      const fail = () => finish(false);
      const faulty = this.#network.faults.lasts("connect-fail");
      const late = faulty && this.#latency.chance(LATE_CONNECT_SHARE);
      const faultMs = late ? this.#latency.of(LATE_CONNECT_FAULT_MS) : CONNECT_FAULT_MS;
      const cancelLimit = this.#scope.after(faulty ? faultMs : CONNECT_LIMIT_MS, fail);
      this.#endings.add(fail);
      if (faulty || this.#network.blackhole) return;
      cancelDial = this.#scope.after(this.#latency.of(CIPSTART_MS), () => {
        if (this.#network.blackhole) return;
        const socket = this.#network.dial(host, port);
        if (socket === null) finish(false);
        else this.#use(socket, finish);
      });
    });
  }

  /** @returns once the peer's side has them; false: the connection was given up before */
  send(bytes: Uint8Array): Promise<boolean> {
    if (this.state !== "CONNECTED") return Promise.resolve(false);
    this.sentBytes += bytes.length;
    return new Promise((resolve) => {
      const finish = (ok: boolean) => {
        if (!this.#endings.delete(fail)) return;
        cancelLimit();
        if (ok) this.acknowledgedBytes += bytes.length;
        resolve(ok);
      };
      const fail = () => finish(false);
      const cancelLimit = this.#scope.after(SEND_LIMIT_MS, () => {
        fail();
        this.#lose();
      });
      this.#endings.add(fail);
      const written = (ok: boolean) => {
        // The same way as what the peer sends after it, and so never overtaken by that.
        if (ok) this.#down.push(() => finish(true), this.#latency.of(ONE_WAY_MS));
      };
      this.#up.push({ bytes, written }, this.#latency.of(ONE_WAY_MS));
    });
  }

  /** @returns received bytes, oldest first, at most `maxBytes` */
  take(maxBytes: number): Uint8Array {
    const bytes = this.#received.take(maxBytes);
    this.#pump();
    return bytes;
  }

  /** Closes; a slow close waits for the peer. */
  async close(quick: boolean): Promise<void> {
    const socket = this.#socket;
    if (quick || socket === null || this.state !== "CONNECTED") {
      this.#shut();
      return;
    }
    this.state = "CLOSING";
    await new Promise<void>((resolve) => {
      const finish = () => {
        cancelLimit();
        cancelEnd();
        this.#endings.delete(finish);
        resolve();
      };
      const cancelLimit = this.#scope.after(CLOSE_LIMIT_MS, finish);
      this.#endings.add(finish);
      let cancelEnd: () => void = () => undefined;
      if (this.#dead || this.#network.blackhole) return;
      cancelEnd = this.#scope.after(this.#latency.of(ONE_WAY_MS), () => {
        socket.once("close", finish);
        socket.end();
        if (socket.destroyed) finish();
      });
    });
    this.#shut();
  }

  /** Forgets the connection at once, without a word to the host. */
  drop(): void {
    this.#shut();
    this.#received.clear();
    this.state = "INITIAL";
  }

  /** As drop, without a word to the peer either: nothing gets out any more. */
  vanish(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) this.#network.leaveHalfOpen(socket);
    this.drop();
  }

  /** The peer closes, and nobody is told (a fault). */
  closeSilently(): void {
    this.#shut();
  }

  #use(socket: Socket, finish: (connected: boolean) => void): void {
    this.#socket = socket;
    const on = (event: string, action: () => unknown) =>
      socket.on(event, () => {
        if (this.#socket === socket && this.#scope.alive) action();
      });
    on("connect", () => this.#network.blackhole || finish(true));
    on("readable", () => this.#pump());
    on("end", () => this.#down.push("end", this.#latency.of(ONE_WAY_MS)));
    on("close", () => this.#socketClosed(socket, finish));
    // Refused, or reset: what it was is told by the `close` that follows.
    socket.on("error", () => undefined);
  }

  #socketClosed(socket: Socket, finish: (connected: boolean) => void): void {
    if (this.state === "CONNECTING") {
      // Nobody hears of it in a blackhole: the time limit ends the attempt.
      if (!this.#network.blackhole) finish(false);
    } else if (!socket.readableEnded) {
      this.#down.push("end", this.#latency.of(ONE_WAY_MS));
    }
  }

  /** Takes from the socket what the module has room for. */
  #pump(): void {
    const socket = this.#socket;
    if (socket === null) return;
    for (;;) {
      const roomBytes = RECEIVE_BUFFER_BYTES - this.#received.length - this.#onTheWayBytes;
      const count = Math.min(roomBytes, SEGMENT_BYTES, socket.readableLength);
      // Read even where nothing is there: that is what brings the end of the stream about.
      const bytes: Buffer | null = roomBytes > 0 ? socket.read(count > 0 ? count : undefined) : null;
      if (bytes === null) return;
      if (this.#dead || this.#network.blackhole) {
        this.#dead = true;
        continue;
      }
      this.#onTheWayBytes += bytes.length;
      this.#down.push(new Uint8Array(bytes), this.#latency.of(ONE_WAY_MS));
    }
  }

  #arrive(arrival: Arrival): void {
    if (arrival instanceof Uint8Array) this.#onTheWayBytes -= arrival.length;
    if (this.#dead || this.#network.blackhole) {
      this.#dead = true;
    } else if (arrival === "end") {
      this.#lose();
    } else if (arrival instanceof Uint8Array) {
      const first = this.#received.length === 0;
      this.#received.push(arrival);
      if (first) this.#events.onData();
    } else {
      arrival();
    }
    this.#pump();
  }

  #write(bytes: Uint8Array, written: (ok: boolean) => void): void {
    const socket = this.#socket;
    if (this.#dead || this.#network.blackhole) {
      this.#dead = true;
    } else if (socket?.writable) {
      socket.write(bytes, (error) => written(error === null || error === undefined));
    }
  }

  /** The connection is gone without the host's doing. */
  #lose(): void {
    const wasOpen = this.state === "CONNECTED";
    this.#shut();
    if (wasOpen) this.#events.onClosed();
  }

  #shut(): void {
    if (this.open) this.state = "CLOSED";
    this.#release();
    for (const end of [...this.#endings]) end();
  }

  #release(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#up.clear();
    this.#down.clear();
    this.#onTheWayBytes = 0;
    if (socket !== null) this.#network.giveUp(socket);
  }
}
