/**
 * Short messages beside the open socket: text -> CMGS, +CMTI and CMGL -> `sms` events. Everything goes through AtPort, so that
 * it waits its turn among the socket's commands.
 * Source: SIM900 AT Command Manual V1.03, chapter 4; 3GPP TS 27.005, 3.1 (character sets), 4.1 to 4.4.
 *
 * Messages are read in UCS2, as hex digits, whatever they were sent in: a message that holds the line "CLOSED" or "RDY" would
 * otherwise be that line on the wire. What they say is data, whoever sent them: never a command.
 */
import { describeError, ModemError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import type { AtCommand, AtPort } from "./at-command.js";
import { decodeGsm, decodeUcs2Hex, encodeGsm, encodeUcs2Hex } from "./gsm-alphabet.js";
import { orRefused } from "./result-codes.js";
import {
  characterSet,
  deleteMessage,
  messageFormatText,
  messageIndications,
  messageStorage,
  readMessage,
  sendMessage,
  textParameters,
} from "./sim900-messages.js";

/** One message without concatenation, which text mode lacks. Source: TS 23.040, 9.2.3.24; TS 23.038, 4. */
const MOST_SEPTETS = 160;
const MOST_UCS2_UNITS = 70;
/** Data coding schemes of AT+CSMP. Source: TS 23.038, 4. */
const DCS_DEFAULT_ALPHABET = 0;
const DCS_UCS2 = 8;

/** How a text goes over the modem's wire after the prompt. */
export interface EncodedMessage {
  readonly characterSet: "GSM" | "UCS2";
  readonly body: Uint8Array;
}

/**
 * The default alphabet where every byte of it can be typed at the prompt; otherwise UCS2. Backspace (ò), CR, 1A (Ξ) and 1B (the
 * escape before € and brackets) cannot: they edit, prompt again, send and cancel.
 * @throws ModemError "modem/message-too-long"
 */
export function encodeMessage(text: string): EncodedMessage {
  const septets = encodeGsm(text);
  if (septets !== undefined && !septets.some((septet) => [0x08, 0x0d, 0x1a, 0x1b].includes(septet))) {
    requireFit(septets.length, MOST_SEPTETS, "characters");
    return { characterSet: "GSM", body: septets };
  }
  requireFit(text.length, MOST_UCS2_UNITS, "characters of UCS2, which some character in it needs");
  return { characterSet: "UCS2", body: Buffer.from(encodeUcs2Hex(text), "latin1") };
}

function requireFit(count: number, most: number, of: string): void {
  if (count <= most) return;
  throw new ModemError("modem/message-too-long", `a message of ${count} ${of}, where ${most} fit`, {
    hint: "shorten it; 160 fit if all are of the GSM alphabet without € ^ { } \\ [ ] ~ |",
  });
}

/** Sets all that messages need of the modem: nothing of it can be relied on after a start. For each bring-up. */
export async function prepareMessages(port: AtPort, signal?: AbortSignal): Promise<void> {
  await port.run(messageFormatText(), signal);
  await port.run(characterSet("GSM"), signal);
  await port.run(messageStorage(), signal);
  await port.run(messageIndications(), signal);
}

/** The messages of one bring-up of the modem; its methods may be called at any time. */
export class Messages {
  readonly #port: AtPort;
  readonly #emit: EmitEvent;
  /** Ends when what was being taken before is taken. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly port: AtPort; readonly emit: EmitEvent }) {
    this.#port = options.port;
    this.#emit = options.emit;
  }

  /**
   * Sends a message, once: whether one that was refused is still worth sending, the caller knows; one that was not answered may
   * have been sent.
   * @param number 3 to 15 digits, with or without + before them
   * @returns the network's reference, 0 to 255. Rejects with RangeError, ModemError "modem/message-too-long", or as AtPort.run
   * does; an `sms` event says the outcome
   */
  async send(number: string, text: string, signal?: AbortSignal): Promise<number> {
    if (!/^\+?[0-9]{3,15}$/.test(number)) {
      throw new RangeError(`number: "${number}" is not 3 to 15 digits, with or without + before them`);
    }
    try {
      const message = encodeMessage(text);
      const reference = await this.#sendOnce(number, message, signal);
      this.#emit({ event: "sms", direction: "sent", number, text });
      return reference;
    } catch (error) {
      this.#emit({ event: "sms", direction: "failed", number, text, detail: describeError(error) });
      throw error;
    }
  }

  /** Takes a message that +CMTI told of out of the SIM's store, and emits it. Rejects as AtPort.run does. */
  async receive(index: number, signal?: AbortSignal): Promise<void> {
    await this.#take(index, signal);
  }

  /**
   * Does the same with all that came while nobody listened. For each bring-up, after prepareMessages. Place by place: a list of
   * a full store would keep the line for 40 s at 9600 baud.
   */
  async sweep(signal?: AbortSignal): Promise<void> {
    const store = await this.#port.run(messageStorage(), signal);
    let left = store?.used ?? 0;
    // SIM900's places are numbered from 1.
    for (let index = 1; left > 0 && index <= (store?.total ?? 0); index += 1) {
      if (await this.#take(index, signal)) left -= 1;
    }
  }

  /** @returns whether anything is, or was, stored there */
  #take(index: number, signal: AbortSignal | undefined): Promise<boolean> {
    // One after the other, so that no message is read twice before it is deleted.
    const taken = this.#turn.then(async () => {
      // Some firmware calls an empty place an invalid index, where the manual has OK alone.
      const read = (group: AbortSignal) => this.#port.run(readMessage(index), group).catch(orRefused(null));
      const message = await this.#runIn("UCS2", [], read, signal);
      if (message === null) return false;
      // What was stored to be sent is the SIM owner's.
      if (message.status.startsWith("REC")) {
        const [number, text] = [readText(message.number), readText(message.text)];
        this.#emit({ event: "sms", direction: "received", number, text });
        // A full store takes no more messages, and says nothing.
        await this.#port.run(deleteMessage(index), signal);
      }
      return true;
    });
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  #sendOnce(number: string, message: EncodedMessage, signal: AbortSignal | undefined): Promise<number> {
    const ucs2 = message.characterSet === "UCS2";
    const scheme = textParameters(ucs2 ? DCS_UCS2 : DCS_DEFAULT_ALPHABET);
    const command = sendMessage(ucs2 ? encodeUcs2Hex(number) : number, message.body);
    const send = (group: AbortSignal) => this.#port.run(command, group);
    return this.#runIn(message.characterSet, [scheme], send, signal);
  }

  /**
   * Runs a command in a character set, and sets "GSM" again. All are asked for at once, so that they stand behind each other in
   * the channel's queue and nothing comes between: an operator's name in hex, another message's parameters. A setting that fails
   * takes with it what needs it: hex would be sent as a text, and a text be read that may hold any line.
   * @returns what the command does. Rejects as the first setting that fails; that "GSM" was not set again shows later
   */
  async #runIn<T>(
    set: "GSM" | "UCS2",
    before: readonly AtCommand<unknown>[],
    run: (group: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const group = new AbortController();
    const giveUp = () => group.abort(signal?.reason);
    if (signal?.aborted) giveUp();
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      const settings = [characterSet(set), ...before].map((setting) => this.#port.run(setting, group.signal));
      // At once, before the next in the queue is begun.
      for (const setting of settings) setting.catch((cause: unknown) => group.abort(cause));
      const result = run(group.signal);
      // Without the signal: who gives up leaves the modem as it was.
      const after = set === "GSM" ? [] : [this.#port.run(characterSet("GSM"))];
      await Promise.allSettled([...settings, result, ...after]);
      await Promise.all(settings);
      return await result;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }
}

/** Hex of UCS2 as asked for, or bytes of the default alphabet from a modem that ignores that; without control characters. */
function readText(line: string): string {
  const text = decodeUcs2Hex(line) ?? decodeGsm(Buffer.from(line, "latin1"));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/\r\n?/g, "\n").replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, "\ufffd");
}
