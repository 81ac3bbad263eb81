/**
 * A modem that is not the emulator, as small as one can be: answers each command by one rule, whatever came before, and knows
 * its state as AT+CIPSTATUS says it. What a test wants different it says itself. The whole driver runs on it, stepped.
 */
import { Duplex } from "node:stream";
import { expect } from "vitest";
import { configSchema, type ModemConfig } from "../../rig/core/config.js";
import type { ModemEvent, RigEvent } from "../../rig/core/events.js";
import { Modem, type PowerKey } from "../../rig/modem/modem.js";
import { ManualClock } from "../support/manual-clock.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

export const OK = "\r\nOK\r\n";
export const ERROR = "\r\nERROR\r\n";
const PEER = { host: "broker.example", port: 1883 };

const INFORMATION: Readonly<Record<string, string>> = {
  ATI: "SIM900 R11.0",
  "AT+IPR?": "+IPR: 9600",
  "AT+CPIN?": "+CPIN: READY",
  "AT+CREG?": "+CREG: 1,1",
  "AT+CSQ": "+CSQ: 20,0",
  "AT+COPS?": '+COPS: 0,0,"AIRTEL"',
  "AT+CCLK?": '+CCLK: "26/06/01,00:00:00+00"',
  'AT+CPMS="SM","SM","SM"': "+CPMS: 0,20,0,20,0,20",
  "AT+CGATT?": "+CGATT: 1",
  "AT+CIPSEND?": "+CIPSEND: 1380",
  "AT+CIPRXGET=2,512": "+CIPRXGET: 2,0,0",
};

/** Answers in words of their own, and the state after them. */
const STEPS: readonly (readonly [start: string, answer: string, state: string | null])[] = [
  ["AT+CIPSHUT", "\r\nSHUT OK\r\n", "IP INITIAL"],
  ["AT+CSTT=", OK, "IP START"],
  ["AT+CIICR", OK, "IP GPRSACT"],
  ["AT+CIFSR", "\r\n10.0.0.1\r\n", "IP STATUS"],
  ["AT+CIPSTART=", `${OK}\r\nCONNECT OK\r\n`, "CONNECT OK"],
  ["AT+CIPSEND=", "\r\n> ", null],
  ["AT+CMGS=", "\r\n> ", null],
  ["AT+CIPCLOSE", "\r\nCLOSE OK\r\n", "TCP CLOSED"],
];

export class PlainModem {
  readonly clock = new ManualClock(Date.UTC(2026, 5, 1));
  readonly events: RigEvent[] = [];
  /** Every command line that has come, in order. */
  heard: string[] = [];
  state = "IP INITIAL";
  /** It hears nothing and says nothing. */
  isOff = false;
  /** Answers in place of the rules. */
  answer: (command: string) => string | undefined = () => undefined;
  readonly modem: Modem;
  /** The driver's socket, while there is one. */
  socket: Duplex | null = null;
  read = "";
  readonly #abort = new AbortController();
  #line: Duplex | null = null;

  constructor(
    options: {
      config?: Partial<ModemConfig>;
      powerKey?: PowerKey;
      secrets?: readonly string[];
      trace?: boolean;
    } = {},
  ) {
    const { modem } = configSchema.parse({
      meters: [{ id: "unused" }],
      modem: { port: "/dev/ttyUSB0", apn: "airtelgprs.com", ...options.config },
    });
    const { clock } = this;
    this.modem = new Modem({
      line: { name: "plain", kind: "serial", open: async () => this.#open() },
      ...{ config: modem as ModemConfig, readPin: () => null, dataDirectory: temporaryDirectory(), clock },
      ...{ secrets: options.secrets ?? [], powerKey: options.powerKey ?? null, random: () => 0.5 },
      ...{ emit: (event) => void this.events.push(event), trace: options.trace ?? false },
    });
    this.modem.start();
  }

  /** Has a socket, and a new one whenever it has closed. */
  keepOpen(): void {
    this.modem.openSocket(PEER, this.#abort.signal).then(
      (socket) => {
        this.socket = socket;
        socket.on("data", (bytes: Buffer) => {
          this.read += bytes.toString("latin1");
        });
        socket.on("error", () => undefined);
        socket.on("close", () => {
          this.socket = null;
          if (!this.#abort.signal.aborted) this.keepOpen();
        });
      },
      () => undefined,
    );
  }

  say(text: string): void {
    if (!this.isOff) this.#line?.push(Buffer.from(text, "latin1"));
  }

  get last(): ModemEvent {
    return this.modemEvents.at(-1)!;
  }

  get modemEvents(): ModemEvent[] {
    return this.events.filter((event) => event.event === "modem");
  }

  get details(): string {
    return this.modemEvents.map(({ state, detail }) => `${state}: ${detail}`).join("\n");
  }

  get brownOuts(): number {
    return this.last.counters?.brownOuts ?? 0;
  }

  isOnline = (): boolean => this.last?.state === "online";

  count(start: string): number {
    return this.heard.filter((command) => command.startsWith(start)).length;
  }

  /** @returns how long it took [ms] */
  async until(condition: () => boolean, limitMs: number): Promise<number> {
    const fromMs = this.clock.steadyMs();
    while (!condition()) {
      const tookMs = this.clock.steadyMs() - fromMs;
      if (tookMs >= limitMs) throw new Error(`not within ${limitMs} ms:\n${this.details}\n${this.heard}`);
      await this.clock.advance(20);
    }
    return this.clock.steadyMs() - fromMs;
  }

  /** Until a connection has stood for longer than a start of the modem is no news. */
  async connect(): Promise<void> {
    this.keepOpen();
    await this.until(this.isOnline, 30_000);
    await this.clock.advance(10_000);
    this.heard = [];
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error("the test is over"));
    let stopped = false;
    void this.modem.stop().then(() => {
      stopped = true;
    });
    await this.until(() => stopped, 12_000);
    // What was given up has been answered by now.
    await this.clock.advance(1000);
    expect(this.clock.armedTimers).toBe(0);
  }

  #open(): Duplex {
    let command = "";
    let payloadBytes = 0;
    let isText = false;
    const line: Duplex = new Duplex({
      allowHalfOpen: false,
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        done();
        if (this.isOff) return;
        const answerSoon = (text: string) => {
          this.clock.after(10, () => {
            if (line === this.#line && !line.destroyed) this.say(text);
          });
        };
        for (const character of bytes.toString("latin1")) {
          if (payloadBytes > 0) {
            payloadBytes -= 1;
            if (payloadBytes === 0) answerSoon("\r\nSEND OK\r\n");
          } else if (isText) {
            isText = character !== "\x1a";
            if (!isText) answerSoon(`\r\n+CMGS: 17\r\n${OK}`);
          } else if (character !== "\r") {
            command += character;
          } else if (command !== "") {
            const answer = this.#answer(command);
            if (answer === "\r\n> ") {
              payloadBytes = Number(/^AT\+CIPSEND=(\d+)$/.exec(command)?.[1] ?? 0);
              isText = payloadBytes === 0;
            }
            command = "";
            answerSoon(answer);
          }
        }
      },
    });
    this.#line = line;
    return line;
  }

  #answer(command: string): string {
    this.heard.push(command);
    const own = this.answer(command);
    if (own !== undefined) return own;
    const information = INFORMATION[command];
    if (information !== undefined) return `\r\n${information}\r\n${OK}`;
    if (command === "AT+CIPSTATUS") return `${OK}\r\nSTATE: ${this.state}\r\n`;
    if (/^AT\+CIP(SEND=|CLOSE)/.test(command) && this.state !== "CONNECT OK") return ERROR;
    const step = STEPS.find(([start]) => command.startsWith(start));
    this.state = step?.[2] ?? this.state;
    return step?.[1] ?? OK;
  }
}
