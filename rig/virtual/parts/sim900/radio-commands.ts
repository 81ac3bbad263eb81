/**
 * Commands of the SIM card, the radio network, the clock and the supply.
 * Taken without effect: AT+COPS=0, which is how the module chooses its network anyway.
 * Source: SIM900 AT Command Manual V1.03, chapters 3, 5 and 6.
 */
import { type CommandForms, type CommandTable, SAID } from "./command-table.js";
import { CGATT_MS, type Latency, NETWORK_TIME_MS } from "./latency.js";
import type { MobileNetwork } from "./network.js";
import { type ModuleClock, networkTimeReports, parseTime } from "./network-time.js";
import type { Output } from "./output.js";
import type { PowerScope } from "./power-scope.js";
import type { Radio } from "./radio.js";
import { refuse, refusePlainly } from "./refusal.js";
import type { SimCard } from "./sim-card.js";

/** How long the card takes to check a code. */
const CODE_MS = 300;
/** How long the protocol stack takes to be switched. */
const FUNCTION_MS = 500;

export interface RadioCommandOptions {
  readonly scope: PowerScope;
  readonly latency: Latency;
  readonly output: Output;
  readonly network: MobileNetwork;
  readonly radio: Radio;
  readonly card: SimCard;
  readonly clock: ModuleClock;
  /** Whether the card has been read since the start or since it was put in. */
  readonly cardRead: () => boolean;
  /** The code was right: the card can be used. */
  readonly onUnlocked: () => void;
  /** AT+CFUN=1,1. */
  readonly restart: () => void;
  /** AT+CPOWD: 0 at once, 1 properly. */
  readonly powerDown: (properly: boolean) => void;
}

export class RadioCommands {
  readonly #options: RadioCommandOptions;
  /** AT+CLTS. */
  #takesNetworkTime = false;

  constructor(options: RadioCommandOptions) {
    this.#options = options;
  }

  /** The network tells its time at registration, and once more when it is asked for. */
  hearNetworkTime(): void {
    const { scope, latency, network, clock, output, radio } = this.#options;
    if (!this.#takesNetworkTime) return;
    scope.after(latency.of(NETWORK_TIME_MS), () => {
      if (!this.#takesNetworkTime || !radio.registered) return;
      const nowMs = network.clock.nowMs();
      clock.set(nowMs, network.zoneQuarterHours);
      for (const report of networkTimeReports(nowMs, network.zoneQuarterHours)) output.urc(report);
    });
  }

  table(): CommandTable {
    const { scope, latency, output, network, radio, clock } = this.#options;
    return {
      "+CPIN": {
        test: "",
        read: () => output.info(`+CPIN: ${this.#cardState()}`),
        set: async (args) => {
          const code = args.text(0, 8);
          const newPin = args.has(1) ? args.text(1, 8) : null;
          await scope.pause(CODE_MS);
          return this.#enterCode(code, newPin);
        },
      },
      "+CREG": this.#reports("CREG"),
      "+CGREG": this.#reports("CGREG"),
      "+CSQ": { test: "+CSQ: (0-31,99),(0-7,99)", run: () => output.info(`+CSQ: ${radio.signal()},0`) },
      "+COPS": {
        // The list of networks takes the better part of a minute and the radio: it is not simulated.
        read: () => output.info(radio.registered ? `+COPS: 0,0,"${network.operator}"` : "+COPS: 0"),
        set: (args) => {
          if (args.whole(0, 0, 4) !== 0) refuse(4);
        },
      },
      "+CGATT": {
        test: "+CGATT: (0,1)",
        read: () => output.info(`+CGATT: ${radio.attached ? 1 : 0}`),
        set: async (args) => {
          const wanted = args.whole(0, 0, 1) === 1;
          this.#requireCard();
          await scope.pause(latency.of(CGATT_MS));
          if (!radio.attach(wanted)) refusePlainly();
        },
      },
      "+CFUN": {
        test: "+CFUN: (0,1,4),(0,1)",
        read: () => output.info(`+CFUN: ${radio.functionLevel}`),
        set: async (args) => {
          const level = args.whole(0, 0, 4);
          if (args.whole(1, 0, 1, 0) === 1) return () => this.#options.restart();
          if (level !== 0 && level !== 1 && level !== 4) refuse(765);
          await scope.pause(FUNCTION_MS);
          this.#setFunction(level);
          return undefined;
        },
      },
      "+CPOWD": {
        set: (args) => {
          this.#options.powerDown(args.whole(0, 0, 1) === 1);
          return SAID;
        },
      },
      "+CLTS": {
        test: "+CLTS: (0,1)",
        read: () => output.info(`+CLTS: ${this.#takesNetworkTime ? 1 : 0}`),
        set: (args) => {
          this.#takesNetworkTime = args.whole(0, 0, 1) === 1;
          this.hearNetworkTime();
        },
      },
      "+CCLK": {
        test: "",
        read: () => output.info(`+CCLK: "${clock}"`),
        set: (args) => {
          // Its comma is within the quotes.
          const time = parseTime(args.text(0, 20)) ?? refuse(765);
          clock.set(time.utcMs, time.zoneQuarterHours);
        },
      },
    };
  }

  /** @returns what AT+CPIN? says; refuses while there is nothing to say */
  #cardState(): string {
    const { card, cardRead } = this.#options;
    if (!card.present) refuse(10);
    if (!cardRead()) refuse(14);
    return card.lock;
  }

  #requireCard(): void {
    const state = this.#cardState();
    if (state === "SIM PIN") refuse(11);
    if (state === "SIM PUK") refuse(12);
  }

  #enterCode(code: string, newPin: string | null): (() => void) | undefined {
    const { card, onUnlocked } = this.#options;
    const state = this.#cardState();
    if (state === "READY") refuse(3);
    if (state === "SIM PUK" && newPin === null) refuse(12);
    const right = state === "SIM PUK" ? card.enterPuk(code, newPin!) : card.enterPin(code);
    if (!right) refuse(card.lock === "SIM PUK" ? 12 : 16);
    return onUnlocked;
  }

  #setFunction(level: 0 | 1 | 4): void {
    const { radio, output, card } = this.#options;
    if (radio.functionLevel === level) return;
    radio.functionLevel = level;
    if (level === 0) output.urc("+CPIN: NOT READY");
    else if (level === 1 && card.present) output.urc(`+CPIN: ${card.lock}`);
    radio.review();
  }

  #reports(kind: "CREG" | "CGREG"): CommandForms {
    const { radio, output } = this.#options;
    return {
      test: `+${kind}: (0-2)`,
      read: () => output.info(radio.query(kind)),
      set: (args) => {
        radio.reports[kind] = args.whole(0, 0, 2);
      },
    };
  }
}
