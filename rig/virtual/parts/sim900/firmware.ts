/**
 * The SIM900's firmware, from one start to the end of its power: everything that a restart forgets is in here.
 * host bytes -> LineReader -> commands, one after the other -> Output; the radio, the IP task and messages beside it.
 * Simulated: the commands of the tables below, in text mode, with TCP as a client. Not simulated: calls, UDP, FTP and HTTP,
 * PDU mode, the phone book, sleep, flow control. What is taken without effect stands at the head of each table's file.
 * Source: SIM900 AT Command Manual V1.03; AN_SIM900_TCPIP V1.02.
 */
import { basicCommands } from "./basic-commands.js";
import { type ParsedCommand, parseCommandLine } from "./command-line.js";
import { Arguments, type CommandTable, type Ending, SAID } from "./command-table.js";
import { connectionCommands } from "./connection-commands.js";
import { ipCommands } from "./ip-commands.js";
import { IpStack } from "./ip-stack.js";
import { COMMAND_MS, type Latency } from "./latency.js";
import { LineReader } from "./line-reader.js";
import { Messages } from "./message-commands.js";
import type { MobileNetwork } from "./network.js";
import type { ModuleClock } from "./network-time.js";
import { Output } from "./output.js";
import type { PowerScope } from "./power-scope.js";
import { Radio } from "./radio.js";
import { RadioCommands } from "./radio-commands.js";
import { Refusal, refusePlainly } from "./refusal.js";
import { type Profile, Settings } from "./settings.js";
import type { SimCard } from "./sim-card.js";
import { AUTOBAUD, type Uart } from "./uart.js";

/** Times after RDY; Call Ready is known to come 5 to 20 s after it. */
const FUNCTION_REPORT_MS = 120;
const CARD_READ_MS = 900;
const CALL_READY_MS = 5000;

/** What gets into the middle of an answer, in turn: each may come at any time, and none asks for anything. */
const INTERRUPTIONS = ["DST: 0", "RING", "UNDER-VOLTAGE WARNNING"];

export interface FirmwareOptions {
  readonly scope: PowerScope;
  readonly latency: Latency;
  readonly uart: Uart;
  readonly network: MobileNetwork;
  readonly card: SimCard;
  readonly clock: ModuleClock;
  readonly stored: Profile;
  readonly store: (profile: Profile) => void;
  readonly restart: () => void;
  readonly powerDown: (properly: boolean) => void;
}

export class Firmware {
  readonly #options: FirmwareOptions;
  readonly #settings: Settings;
  readonly #output: Output;
  readonly #reader: LineReader;
  readonly #radio: Radio;
  readonly #stack: IpStack;
  readonly #radioCommands: RadioCommands;
  readonly #messages: Messages;
  readonly #table: CommandTable;
  #cardRead = false;
  #callReadySaid = false;
  #interruptions = 0;
  /** The answer that is being given was interrupted, or need not be. */
  #undisturbed = true;

  constructor(options: FirmwareOptions) {
    this.#options = options;
    const { scope, latency, uart, network, card, clock } = options;
    this.#settings = new Settings(options.stored);
    const settings = this.#settings;
    this.#output = new Output(scope, uart, settings);
    const output = this.#output;
    this.#reader = new LineReader({
      echo: (byte) => settings.profile.echo && output.bytes(Uint8Array.of(byte)),
      onLine: (body) => void this.#run(body),
    });
    const reader = this.#reader;
    const simReady = () => this.#cardRead && card.present && card.lock === "READY";
    this.#radio = new Radio({
      scope,
      latency,
      urc: (text) => output.urc(text),
      coverage: () => network.coverage,
      simReady,
      onRegistered: () => this.#registered(),
      onDetached: () => this.#stack.loseBearer(),
    });
    const radio = this.#radio;
    this.#stack = new IpStack({
      scope,
      latency,
      network,
      output,
      waitingBytes: () => uart.waitingBytes,
      abortSend: () => reader.abort(),
    });
    const stack = this.#stack;
    this.#radioCommands = new RadioCommands({
      scope,
      latency,
      output,
      network,
      radio,
      card,
      clock,
      cardRead: () => this.#cardRead,
      onUnlocked: () => this.#cardUsable(),
      restart: options.restart,
      powerDown: options.powerDown,
    });
    this.#messages = new Messages({ scope, latency, output, network, radio, card, simReady, reader });
    this.#table = {
      ...basicCommands({
        output,
        settings,
        store: options.store,
        stored: () => options.stored,
        changeBaud: (ipr) => this.#changeBaud(ipr),
      }),
      ...this.#radioCommands.table(),
      ...this.#messages.table(),
      ...ipCommands({ scope, latency, output, network, radio, stack }),
      ...connectionCommands({ scope, latency, output, network, radio, stack, reader }),
    };
    output.interrupt = () => this.#interrupt();
  }

  /** The firmware is up: the line is alive, the rest follows. */
  start(): void {
    this.#listen();
    const { scope, card } = this.#options;
    this.#output.urc("RDY");
    const functionReport = () => this.#output.urc("+CFUN: 1");
    if (!card.present) {
      this.#output.urc("+CPIN: NOT INSERTED");
      scope.after(FUNCTION_REPORT_MS, functionReport);
      return;
    }
    scope.after(FUNCTION_REPORT_MS, functionReport);
    scope.after(CARD_READ_MS, () => this.#readCard());
  }

  /** It has been on and registered for long. */
  startedLongAgo(): void {
    this.#listen();
    this.#cardRead = true;
    this.#callReadySaid = true;
    this.#radio.beRegistered();
  }

  /** The card was put in or taken out. */
  cardChanged(): void {
    const { card, scope } = this.#options;
    this.#cardRead = false;
    if (card.present) {
      scope.after(CARD_READ_MS, () => this.#readCard());
    } else {
      this.#output.urc("+CPIN: NOT INSERTED");
      this.#radio.review();
    }
  }

  /** Coverage, or the lock of the card, is not what it was. */
  review(): void {
    this.#radio.review();
    this.#messages.fetch();
  }

  messageWaits(): void {
    this.#messages.fetch();
  }

  loseBearer(): void {
    this.#stack.loseBearer();
  }

  loseClosedReport(): void {
    this.#stack.loseClosedReport();
  }

  /** The module switches itself off. */
  sayGoodbye(): void {
    this.#stack.leaveDataMode?.();
    this.#output.urc("NORMAL POWER DOWN");
  }

  #listen(): void {
    const { uart } = this.#options;
    uart.onByte = (byte) => this.#reader.accept(byte);
    uart.onSent = () => this.#stack.push();
  }

  #readCard(): void {
    const { card } = this.#options;
    if (this.#cardRead || !card.present) return;
    this.#cardRead = true;
    this.#output.urc(`+CPIN: ${card.lock}`);
    if (card.lock === "READY") this.#cardUsed();
  }

  #cardUsable(): void {
    this.#output.urc("+CPIN: READY");
    this.#cardUsed();
  }

  #cardUsed(): void {
    this.#radio.review();
    if (this.#callReadySaid) return;
    this.#callReadySaid = true;
    this.#options.scope.after(CALL_READY_MS - CARD_READ_MS, () => {
      if (this.#settings.callReady) this.#output.urc("Call Ready");
    });
  }

  #registered(): void {
    this.#radioCommands.hearNetworkTime();
    this.#messages.fetch();
  }

  /** @param body a line of commands; null: longer than the module can take */
  async #run(body: string | null): Promise<void> {
    const { scope, latency, network } = this.#options;
    const commands = body === null ? null : parseCommandLine(body);
    this.#undisturbed = !network.faults.interrupts();
    await scope.pause(latency.of(COMMAND_MS));
    try {
      if (commands === null) refusePlainly();
      await this.#runAll(commands);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#interrupt();
      this.#output.refusal(error);
    }
    if (scope.alive && this.#stack.leaveDataMode === null) this.#reader.listen();
  }

  async #runAll(commands: readonly ParsedCommand[]): Promise<void> {
    let ending: Ending;
    for (const command of commands) ending = await this.#runOne(command);
    if (ending === SAID) return;
    if (ending === undefined) this.#interrupt();
    this.#output.result("OK");
    if (ending === undefined) return;
    this.#interrupt();
    ending();
  }

  async #runOne({ name, form, args }: ParsedCommand): Promise<Ending> {
    const forms = Object.hasOwn(this.#table, name) ? this.#table[name]! : refusePlainly();
    if (form === "test") {
      if (forms.test === undefined) refusePlainly();
      if (forms.test !== "") this.#output.info(forms.test);
      return undefined;
    }
    const handler = forms[form] ?? refusePlainly();
    return (await handler(new Arguments(args))) as Ending;
  }

  #interrupt(): void {
    if (this.#undisturbed) return;
    this.#undisturbed = true;
    this.#output.urc(INTERRUPTIONS[this.#interruptions++ % INTERRUPTIONS.length]!);
  }

  #changeBaud(ipr: number): void {
    const { uart, scope } = this.#options;
    // The answer leaves at the old rate. Autobaud stays with what was learnt until the next start.
    if (ipr === AUTOBAUD) return;
    const change = () => {
      if (uart.waitingBytes > 0) scope.after(1, change);
      else uart.setBaud(ipr);
    };
    change();
  }
}
