/**
 * The virtual SIM900: a serial line like any other, with a module, a SIM card and a mobile network behind it.
 * Commands of a person, a scenario or bad luck -> what happens to it; TCP connections are real ones of this PC.
 */
import type { Clock } from "../core/clock.js";
import { PortError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import type { SerialLine } from "../core/serial-line.js";
import { MODEM_FAULTS, type ModemCommand, type ModemFault } from "./modem-command.js";
import { requireWhole } from "./parts/require-range.js";
import { Faults } from "./parts/sim900/faults.js";
import { Latency } from "./parts/sim900/latency.js";
import { LineStream } from "./parts/sim900/line-stream.js";
import { MobileNetwork, type NetworkOptions } from "./parts/sim900/network.js";
import { Sim900Part } from "./parts/sim900/sim900-part.js";
import { AUTOBAUD, BAUD_RATES_BPS, Uart } from "./parts/sim900/uart.js";

const LINE_NAME = "virtual:modem";

export interface VirtualModemOptions extends Pick<NetworkOptions, "dial" | "zoneQuarterHours"> {
  readonly clock: Clock;
  /** 0..2^32-1: of the jitter of every latency. */
  readonly seed: number;
  /** The rate that is stored in the module; 0: it learns the host's [bit/s]. */
  readonly baudBps: number;
  /** Gets an SmsEvent "delivered" for each message that reaches a phone. */
  readonly emit: EmitEvent;
  /** Hosts that TCP connections may lead to; to others they fail. */
  readonly mayReach: (host: string) => boolean;
}

export class VirtualModem {
  readonly line: SerialLine;
  readonly #uart: Uart;
  readonly #faults = new Faults();
  readonly #network: MobileNetwork;
  readonly #module: Sim900Part;
  #stream: LineStream | null = null;
  #stopped = false;
  #cardInserted = true;

  /** The module has been on and registered for long, with a fixed baud rate and otherwise as it leaves the factory. */
  constructor(options: VirtualModemOptions) {
    const { clock, baudBps } = options;
    if (baudBps !== AUTOBAUD && !BAUD_RATES_BPS.includes(baudBps)) {
      throw new RangeError(
        `baudBps must be 0 (autobaud) or one of ${BAUD_RATES_BPS.join(", ")}, not ${baudBps}`,
      );
    }
    this.#uart = new Uart(clock, baudBps);
    this.#network = new MobileNetwork({ ...options, faults: this.#faults });
    this.#module = new Sim900Part({
      clock,
      latency: new Latency(requireWhole("seed", options.seed, 0, 0xffff_ffff)),
      network: this.#network,
      uart: this.#uart,
      ipr: baudBps,
    });
    this.line = { name: LINE_NAME, kind: "virtual", open: (rateBps, signal) => this.#open(rateBps, signal) };
  }

  /** @throws RangeError naming the value and what is allowed */
  command(command: ModemCommand): void {
    if (this.#stopped) return;
    switch (command.verb) {
      case "modem":
        this.#module.setSupply(command.on);
        break;
      case "sim":
        this.#cardInserted = command.inserted;
        this.#reviewCard();
        break;
      case "network":
        this.#network.coverage = command.up;
        this.#module.firmware?.review();
        break;
      case "sms":
        this.#acceptMessage(command.number, command.text);
        break;
      case "fault":
        if (command.name === "none") this.#clearFaults();
        else this.#putFault(command.name);
        break;
    }
  }

  /** @param pressed the level of PWRKEY: more than a second of it switches the module on, or off */
  powerKey(pressed: boolean): void {
    if (!this.#stopped) this.#module.setPowerKey(pressed);
  }

  /** Ends everything, the open line too. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#module.stop();
    this.#network.stop();
    this.#stream?.destroy();
    this.#uart.stop();
  }

  async #open(baudBps: number, signal?: AbortSignal): Promise<LineStream> {
    signal?.throwIfAborted();
    if (!(baudBps > 0)) throw new RangeError(`baudBps must be more than 0, not ${baudBps}`);
    if (this.#stopped) {
      throw new PortError(
        "port/not-found",
        `opening ${LINE_NAME} at ${baudBps} baud: the virtual modem has stopped`,
      );
    }
    if (this.#stream !== null) {
      throw new PortError("port/busy", `opening ${LINE_NAME} at ${baudBps} baud: it is open already`, {
        hint: "close what uses it first",
      });
    }
    const stream: LineStream = new LineStream({
      write: (bytes) => this.#uart.write(bytes),
      unreadBytes: () => this.#uart.unreadBytes,
      closed: () => {
        if (this.#stream !== stream) return;
        this.#stream = null;
        this.#uart.detach();
      },
    });
    this.#stream = stream;
    this.#uart.attach(stream, baudBps);
    return stream;
  }

  #acceptMessage(number: string, text: string): void {
    if (!/^\+?\d{3,15}$/.test(number)) {
      throw new RangeError(
        `number must be 3 to 15 digits, with or without a plus before them, not "${number}"`,
      );
    }
    if (text === "") throw new RangeError("text must have at least one character");
    this.#network.acceptMessage(number, text);
    this.#module.firmware?.messageWaits();
  }

  #putFault(fault: ModemFault): void {
    switch (fault) {
      case "pin":
        this.#module.card.setPinWanted(true);
        this.#module.brownOut();
        break;
      case "brown-out":
        this.#module.brownOut();
        break;
      case "pdp-deact":
        this.#module.firmware?.loseBearer();
        break;
      case "closed-lost":
        this.#module.firmware?.loseClosedReport();
        break;
      case "no-sim":
        this.#faults.put(fault);
        this.#reviewCard();
        break;
      case "wrong-apn":
      case "ciicr-fails":
      case "connect-fail":
      case "send-fail":
      case "prompt-lost":
      case "urc-lost":
      case "urc-inside":
      case "blackhole":
        this.#faults.put(fault);
        break;
      default:
        throw new RangeError(
          `fault must be one of ${Object.keys(MODEM_FAULTS).join(", ")} or none, not ${String(fault satisfies never)}`,
        );
    }
  }

  #clearFaults(): void {
    const locked = this.#module.card.lock !== "READY";
    this.#faults.clear();
    this.#network.releaseOrphans();
    this.#module.card.setPinWanted(false);
    if (locked) this.#module.firmware?.cardChanged();
    this.#reviewCard();
  }

  #reviewCard(): void {
    this.#module.setCard(this.#cardInserted && !this.#faults.lasts("no-sim"));
  }
}
