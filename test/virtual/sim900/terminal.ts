/** A person at a terminal on the virtual modem's line: types bytes, reads bytes, and lets the clock run. */
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, expect } from "vitest";
import type { RigEvent } from "../../../rig/core/events.js";
import type { ModemFault } from "../../../rig/virtual/modem-command.js";
import { VirtualModem, type VirtualModemOptions } from "../../../rig/virtual/virtual-modem.js";
import { ManualClock } from "../../support/manual-clock.js";
import { Peer } from "./peer.js";

const BAUD_BPS = 9600;
const STEP_MS = 5;

export class Terminal {
  readonly clock: ManualClock;
  readonly modem: VirtualModem;
  readonly events: RigEvent[] = [];
  #stream: Duplex | null = null;
  #heard = "";

  constructor(options: Partial<VirtualModemOptions> = {}) {
    this.clock = new ManualClock(Date.UTC(2026, 0, 1));
    this.modem = new VirtualModem({
      clock: this.clock,
      seed: 1,
      baudBps: BAUD_BPS,
      emit: (event) => this.events.push(event),
      mayReach: (host) => host === "127.0.0.1" || host === "localhost",
      ...options,
    });
  }

  /** Opens the line, a new one after the last was closed. */
  async open(baudBps = BAUD_BPS): Promise<this> {
    const stream = await this.modem.line.open(baudBps);
    stream.on("data", (bytes: Buffer) => {
      this.#heard += bytes.toString("latin1");
    });
    this.#stream = stream;
    return this;
  }

  async close(): Promise<void> {
    this.#stream?.destroy();
    this.#stream = null;
    await this.pass(0);
  }

  /** Bytes heard since the last time they were taken, each one character. */
  heard(): string {
    const heard = this.#heard;
    this.#heard = "";
    return heard;
  }

  type(characters: string): void {
    this.#stream!.write(Buffer.from(characters, "latin1"));
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /** Lets time pass until the bytes heard end so; gives them all. */
  async hear(ending: string | RegExp, limitMs = 10_000): Promise<string> {
    const endMs = this.clock.steadyMs() + limitMs;
    const done = () => (typeof ending === "string" ? this.#heard.endsWith(ending) : ending.test(this.#heard));
    while (!done()) {
      if (this.clock.steadyMs() >= endMs) {
        throw new Error(`not heard in ${limitMs} ms: ${String(ending)}, but ${JSON.stringify(this.#heard)}`);
      }
      await this.pass(STEP_MS);
    }
    return this.heard();
  }

  /** Types a command and its return; gives all that is heard up to `ending`. */
  async ask(
    command: string,
    ending: string | RegExp = /\r\n(OK|ERROR|\+CM[ES] ERROR: [^\r]+)\r\n$/,
    limitMs?: number,
  ) {
    this.type(`${command}\r`);
    return this.hear(ending, limitMs);
  }

  /** As most drivers begin: no echo, and a bearer up to IP STATUS. */
  async bringUp(...before: string[]): Promise<void> {
    await this.ask("ATE0");
    for (const command of before) await this.ask(command);
    await this.ask('AT+CSTT="internet","",""');
    await this.ask("AT+CIICR");
    await this.ask("AT+CIFSR", /\d\r\n$/);
  }

  async stop(): Promise<void> {
    await this.modem.stop();
    await this.pass(0);
  }
}

/** A terminal, and a peer that it can connect to. */
export class TerminalBench {
  peer!: Peer;
  terminal!: Terminal;

  /** A new terminal, in place of the one before. */
  async begin(options: Partial<VirtualModemOptions> = {}): Promise<void> {
    await this.end();
    this.terminal = await new Terminal(options).open();
  }

  /** Stops the terminal; nothing of it may be left. */
  async end(): Promise<void> {
    await this.terminal?.stop();
    expect(this.terminal?.clock.armedTimers ?? 0).toBe(0);
  }

  fault(name: ModemFault | "none"): void {
    this.terminal.modem.command({ verb: "fault", what: "modem", name });
  }

  /** AT+CIPSTART to the peer. */
  start(ending = "\r\nCONNECT OK\r\n", limitMs?: number): Promise<string> {
    return this.terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${this.peer.port}`, ending, limitMs);
  }

  /** @returns what AT+CIPSTATUS says */
  async state(): Promise<string> {
    return /STATE: ([A-Z ]+)/.exec(await this.terminal.ask("AT+CIPSTATUS", /STATE: [A-Z ]+\r\n$/))![1]!;
  }

  /** From nothing to a connection with the peer. */
  async connect(...before: string[]): Promise<void> {
    await this.terminal.bringUp(...before);
    expect(await this.start()).toBe("\r\nOK\r\n\r\nCONNECT OK\r\n");
  }

  async send(text: string, ending = "SEND OK\r\n", limitMs?: number): Promise<string> {
    await this.terminal.ask(`AT+CIPSEND=${text.length}`, "> ");
    this.terminal.type(text);
    return this.terminal.hear(ending, limitMs);
  }
}

/** A new terminal and peer for every test of the file; a test that leaves a timer fails. */
export function benchOfEachTest(): TerminalBench {
  const bench = new TerminalBench();
  beforeEach(async () => {
    bench.peer = await Peer.listen();
    await bench.begin();
  });
  afterEach(async () => {
    await bench.end();
    await bench.peer.stop();
  });
  return bench;
}
