/**
 * Messages in text mode: CMGF, CSCS, CSCA, CPMS, CNMI, CSMP, CMGS, CMGR, CMGL, CMGD, and how new ones are told.
 * Taken without effect: CSMS; and, remembered, the service centre of CSCA, of CSMP all but <dcs>, of CNMI <bm>, <ds>, <bfr>.
 * Not simulated: PDU mode (its commands are refused with +CMS ERROR: 303), drafts, delivery reports, cell broadcast, concatenation.
 * Source: SIM900 AT Command Manual V1.03, chapter 4; 3GPP TS 27.005.
 */
import { Arguments, type CommandTable } from "./command-table.js";
import {
  CHARACTER_SETS,
  type CharacterSet,
  decodeTyped,
  decodeUcs2,
  encodeSaid,
  encodeUcs2,
  gsmSeptets,
} from "./gsm-alphabet.js";
import { DELETE_MESSAGE_MS, type Latency, MESSAGE_MS } from "./latency.js";
import type { LineReader } from "./line-reader.js";
import type { IncomingMessage, MobileNetwork } from "./network.js";
import type { Output } from "./output.js";
import type { PowerScope } from "./power-scope.js";
import type { Radio } from "./radio.js";
import { refuse, refuseMessage } from "./refusal.js";
import type { SimCard, StoredMessage } from "./sim-card.js";

/** Source: 3GPP TS 23.040: 140 octets of user data, as septets and as UCS2. */
const MAX_SEPTETS = 160;
const MAX_UCS2_CHARACTERS = 70;
/** What fits beside the header of a part, when a phone sends a longer text. */
const PART_SEPTETS = 153;
const PART_UCS2_CHARACTERS = 67;
/** A text longer than so many parts is cut off. */
const MAX_PARTS = 10;
const UCS2_SCHEME = 8;
/** Typed text that could still be one message: hex digits of 70 characters, with some to spare. */
const MAX_TYPED_BYTES = 512;
/** Types of address. Source: 3GPP TS 24.008, 10.5.4.7. */
const INTERNATIONAL = 145;
const UNKNOWN_TYPE = 129;
const STATUSES = ["REC UNREAD", "REC READ", "STO UNSENT", "STO SENT", "ALL"];

export interface MessagesOptions {
  readonly scope: PowerScope;
  readonly latency: Latency;
  readonly output: Output;
  readonly network: MobileNetwork;
  readonly radio: Radio;
  readonly card: SimCard;
  /** Whether the card is there, unlocked and read. */
  readonly simReady: () => boolean;
  readonly reader: LineReader;
}

export class Messages {
  readonly #options: MessagesOptions;
  #textMode = false;
  #set: CharacterSet = "IRA";
  /** AT+CNMI: <mode>, <mt>, <bm>, <ds>, <bfr>; the manual's defaults are not known, these are Seeed's field report. */
  #indications = [1, 1, 0, 0, 0];
  /** AT+CSMP: <fo>, <vp>, <pid>, <dcs>. */
  #parameters = [17, 167, 0, 0];
  #reference = 0;
  #arriving = false;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  /** Fetches what waits in the network, one message after the other, while there is coverage and room. */
  fetch(): void {
    const { scope, latency, network } = this.#options;
    if (this.#arriving || !this.#canReceive() || network.waitingMessages.length === 0) return;
    this.#arriving = true;
    scope.after(latency.of(MESSAGE_MS), () => {
      this.#arriving = false;
      if (this.#canReceive()) for (const part of parts(network.waitingMessages.shift()!)) this.#arrive(part);
      this.fetch();
    });
  }

  table(): CommandTable {
    const { output } = this.#options;
    const numbers = (name: string, values: number[], limits: readonly number[]) => ({
      read: () => output.info(`+${name}: ${values.join(",")}`),
      set: (args: Arguments) => {
        const read = limits.map((limit, index) => args.whole(index, 0, limit, values[index]!));
        values.splice(0, values.length, ...read);
      },
    });
    return {
      "+CMGF": {
        test: "+CMGF: (0,1)",
        read: () => output.info(`+CMGF: ${this.#textMode ? 1 : 0}`),
        set: (args) => {
          this.#textMode = args.whole(0, 0, 1) === 1;
        },
      },
      "+CSCS": {
        test: `+CSCS: (${CHARACTER_SETS.map((set) => `"${set}"`).join(",")})`,
        read: () => output.info(`+CSCS: "${this.#set}"`),
        set: (args) => {
          const wanted = args.text(0, 10).toUpperCase();
          this.#set = CHARACTER_SETS.find((set) => set === wanted) ?? refuse(765);
        },
      },
      "+CSCA": {
        test: "",
        read: () => {
          this.#requireSim();
          const { serviceCentre } = this.#options.card;
          const type = serviceCentre.startsWith("+") ? INTERNATIONAL : UNKNOWN_TYPE;
          output.info(`+CSCA: "${this.#encodeNumber(serviceCentre)}",${type}`);
        },
        set: (args) => {
          this.#requireSim();
          const number = this.#decodeNumber(args.text(0, 84));
          const international = args.whole(1, 0, 255, UNKNOWN_TYPE) === INTERNATIONAL;
          this.#options.card.serviceCentre = international && !number.startsWith("+") ? `+${number}` : number;
        },
      },
      "+CSMS": {
        test: "+CSMS: (0,1)",
        read: () => output.info("+CSMS: 0,1,1,1"),
        set: (args) => {
          args.whole(0, 0, 1);
          output.info("+CSMS: 1,1,1");
        },
      },
      "+CPMS": {
        test: '+CPMS: ("SM"),("SM"),("SM")',
        read: () => {
          this.#requireSim();
          output.info(`+CPMS: ${new Array(3).fill(`"SM",${this.#fill()}`).join(",")}`);
        },
        set: (args) => {
          for (let index = 0; index < args.count; index++)
            if (args.text(index, 4) !== "SM") refuseMessage(302);
          this.#requireSim();
          output.info(`+CPMS: ${new Array(3).fill(this.#fill()).join(",")}`);
        },
      },
      "+CNMI": {
        test: "+CNMI: (0-2),(0-2),(0,2),(0,1),(0,1)",
        ...numbers("CNMI", this.#indications, [2, 2, 2, 1, 1]),
      },
      "+CSMP": { test: "", ...numbers("CSMP", this.#parameters, [255, 255, 255, 255]) },
      "+CMGS": { test: "", set: (args) => this.#send(args) },
      "+CMGR": { test: "", set: (args) => this.#read(args) },
      "+CMGL": {
        test: `+CMGL: (${STATUSES.map((status) => `"${status}"`).join(",")})`,
        run: () => this.#list(new Arguments([{ text: "REC UNREAD", quoted: true }])),
        set: (args) => this.#list(args),
      },
      "+CMGD": {
        test: `+CMGD: (1-${this.#options.card.slots.length}),(0-4)`,
        set: (args) => this.#delete(args),
      },
    };
  }

  async #send(args: Arguments): Promise<void> {
    const { scope, latency, output, network, radio, reader } = this.#options;
    this.#requireTextMode();
    const number = this.#decodeNumber(args.text(0, 84));
    output.text("\r\n> ");
    const onReturn = () => output.text("\r\n> ");
    const { how, bytes } = await reader.collect({ maxBytes: MAX_TYPED_BYTES, onReturn });
    if (how === "escaped") return;
    if (how !== "complete") refuseMessage(305);
    const text = this.#decodeBody(bytes) ?? refuseMessage(305);
    await scope.pause(latency.of(MESSAGE_MS));
    if (!radio.registered) refuseMessage(331);
    network.deliverMessage(number, text);
    output.info(`+CMGS: ${this.#reference}`);
    this.#reference = (this.#reference + 1) % 256;
  }

  /** @returns the text as the phone shows it; null: not valid, or too long for one message */
  #decodeBody(bytes: Uint8Array): string | null {
    const ucs2 = this.#parameters[3] === UCS2_SCHEME;
    const text =
      ucs2 && this.#set !== "UCS2"
        ? Buffer.from(bytes.subarray(0, bytes.length & ~1))
            .swap16()
            .toString("utf16le")
        : decodeTyped(bytes, this.#set);
    if (text === null || ucs2) return text === null || text.length > MAX_UCS2_CHARACTERS ? null : text;
    // Sent in the GSM alphabet: what is not in it does not survive.
    const sent = Array.from(text, (character) => (gsmSeptets(character) === null ? "?" : character)).join("");
    return gsmSeptets(sent)! > MAX_SEPTETS ? null : sent;
  }

  #decodeNumber(typed: string): string {
    const number = this.#set === "UCS2" ? (decodeUcs2(typed) ?? "") : typed;
    return /^\+?\d{1,20}$/.test(number) ? number : refuseMessage(305);
  }

  #read(args: Arguments): void {
    this.#requireTextMode();
    const message = this.#slot(args.whole(0, 0, 255));
    if (message === undefined) return;
    this.#options.output.info(`+CMGR: ${this.#described(message)}`);
    message.read = true;
  }

  #list(args: Arguments): void {
    this.#requireTextMode();
    const wanted = args.text(0, 12);
    if (!STATUSES.includes(wanted)) refuseMessage(305);
    for (const [slot, message] of this.#options.card.slots.entries()) {
      if (message === undefined || (wanted !== "ALL" && wanted !== status(message))) continue;
      this.#options.output.info(`+CMGL: ${slot + 1},${this.#described(message)}`);
      message.read = true;
    }
  }

  async #delete(args: Arguments): Promise<void> {
    const { scope, latency, card } = this.#options;
    this.#requireSim();
    const which = args.whole(1, 0, 4, 0);
    if (which === 0) this.#slot(args.whole(0, 0, 255));
    await scope.pause(latency.of(DELETE_MESSAGE_MS));
    // 1 to 3: those that were read, with and without what was sent and not sent (there is none of either). 4: all.
    if (which === 0) card.slots[args.whole(0, 0, 255) - 1] = undefined;
    else
      for (const [slot, message] of card.slots.entries())
        if (which === 4 || message?.read) card.slots[slot] = undefined;
    this.fetch();
  }

  #arrive({ number, text, time }: IncomingMessage): void {
    const { card, output } = this.#options;
    const message: StoredMessage = { read: false, number, text, time };
    const [mode, kind] = this.#indications as [number, number];
    // A message that is told whole is not kept; in PDU mode, which is not simulated, it is.
    if (kind === 2 && mode > 0 && this.#textMode) {
      output.urc(`+CMT: ${this.#origin(message)}\r\n${this.#body(text)}`);
      return;
    }
    const slot = card.slots.indexOf(undefined);
    card.slots[slot] = message;
    if (kind > 0 && mode > 0) output.urc(`+CMTI: "SM",${slot + 1}`);
  }

  #described(message: StoredMessage): string {
    return `"${status(message)}",${this.#origin(message)}\r\n${this.#body(message.text)}`;
  }

  #origin({ number, time }: StoredMessage): string {
    return `"${this.#encodeNumber(number)}","","${time}"`;
  }

  #encodeNumber(number: string): string {
    return this.#set === "UCS2" ? encodeUcs2(number) : number;
  }

  /** A text that came as UCS2 is said as hexadecimal digits in every character set (27.005, 3.1). */
  #body(text: string): string {
    return gsmSeptets(text) === null ? encodeUcs2(text) : encodeSaid(text, this.#set);
  }

  #canReceive(): boolean {
    const { radio, simReady, card, network } = this.#options;
    const next = network.waitingMessages[0];
    if (!radio.registered || !simReady() || next === undefined) return false;
    return card.usedSlots + parts(next).length <= card.slots.length;
  }

  #slot(index: number): StoredMessage | undefined {
    const { slots } = this.#options.card;
    return index >= 1 && index <= slots.length ? slots[index - 1] : refuseMessage(321);
  }

  #fill(): string {
    const { card } = this.#options;
    return `${card.usedSlots},${card.slots.length}`;
  }

  #requireTextMode(): void {
    this.#requireSim();
    if (!this.#textMode) refuseMessage(303);
  }

  #requireSim(): void {
    const { card, simReady } = this.#options;
    if (simReady()) return;
    if (!card.present) refuseMessage(310);
    if (card.lock === "SIM PIN") refuseMessage(311);
    if (card.lock === "SIM PUK") refuseMessage(316);
    refuseMessage(512);
  }
}

function status(message: StoredMessage): string {
  return message.read ? "REC READ" : "REC UNREAD";
}

/** A phone sends what does not fit into one message as several. */
function parts(message: IncomingMessage): IncomingMessage[] {
  const septets = gsmSeptets(message.text);
  const whole = septets === null ? message.text.length <= MAX_UCS2_CHARACTERS : septets <= MAX_SEPTETS;
  if (whole) return [message];
  const found: string[] = [""];
  for (const character of message.text) {
    const longer = `${found.at(-1)!}${character}`;
    const fits =
      septets === null ? longer.length <= PART_UCS2_CHARACTERS : gsmSeptets(longer)! <= PART_SEPTETS;
    if (fits) found[found.length - 1] = longer;
    else found.push(character);
  }
  return found.slice(0, MAX_PARTS).map((text) => ({ ...message, text }));
}
