/**
 * The SIM900's commands for short messages, in text mode.
 * Texts and numbers are in the character set that AT+CSCS has set (gsm-alphabet.ts). Read in UCS2: its hex digits cannot be
 * mistaken for a result or for something said unasked, whatever the sender has written, and hold no unprintable byte.
 * Source: SIM900 AT Command Manual V1.03, chapter 4; time limits from the SIM800 AT Command Manual V1.10.
 */
import { done, FOREIGN, informationThenOk, MORE, quoted, setting, wholeNumber } from "./answer-forms.js";
import type { AtCommand } from "./at-command.js";

const SHORT_MS = 5000;
const SEND_MS = 60_000;
const DELETE_MS = 25_000;
const CTRL_Z = 0x1a;
const ESC = 0x1b;
const CR = 0x0d;
const HIGHEST_INDEX = 255;
/** 16 digits and a plus, four hex digits each. */
const LONGEST_NUMBER = 68;
/** +CMGR: "REC UNREAD","+492",,"26/11/24,12:00:01+04": status, number, name, time. */
const MESSAGE_HEADER = /^\+CMGR: ?"([^"]*)", ?"([^"]*)", ?(?:"[^"]*")?, ?"([^"]*)"/;

export interface StoredMessage {
  /** "REC UNREAD", "REC READ", "STO SENT", "STO UNSENT" */
  readonly status: string;
  /** The sender's. */
  readonly number: string;
  /** As it is said, "26/11/24,12:00:00+04": local time, offset from UTC in quarters of an hour. */
  readonly timestamp: string;
  /** As it is on the wire; lines joined by LF. */
  readonly text: string;
}

export const messageFormatText = (): AtCommand<void> => setting("AT+CMGF=1", SHORT_MS);
export const characterSet = (set: "GSM" | "UCS2"): AtCommand<void> => setting(`AT+CSCS="${set}"`, SHORT_MS);
/** On the SIM. @returns places, used and in all; where all are used, nothing new arrives */
export const messageStorage = (): AtCommand<{ readonly used: number; readonly total: number } | null> => ({
  text: 'AT+CPMS="SM","SM","SM"',
  timeoutMs: SHORT_MS,
  match: informationThenOk<{ used: number; total: number } | null>(
    /^\+CPMS: ?(\d{1,3}), ?(\d{1,3})(?:,.*)?$/,
    (match) => ({ used: Number(match[1]), total: Number(match[2]) }),
    () => null,
  ),
});
/** A message is stored, and its place said: +CMTI. */
export const messageIndications = (): AtCommand<void> => setting("AT+CNMI=2,1,0,0,0", SHORT_MS);
/** @param dataCodingScheme 0: GSM alphabet, 8: UCS2 */
export const textParameters = (dataCodingScheme: number): AtCommand<void> =>
  setting(`AT+CSMP=17,167,0,${wholeNumber(dataCodingScheme, 0, 255, "data coding scheme")}`, SHORT_MS);

/**
 * @param number in the character set that is set
 * @param body one byte a character of the set; no CR (LF is a new line), no 0x1A, no 0x1B
 * @returns the message's reference, 0 to 255
 * @throws RangeError
 */
export function sendMessage(number: string, body: Uint8Array | string): AtCommand<number> {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  if (!/^\+?[0-9A-F]{3,}$/.test(number))
    throw new RangeError(`phone number ${number}: digits, + before them`);
  if (bytes.some((byte) => byte === CR || byte === CTRL_Z || byte === ESC)) {
    throw new RangeError("a message holds no CR, Ctrl-Z or ESC: they would end it");
  }
  return {
    text: `AT+CMGS=${quoted(number, "phone number", LONGEST_NUMBER)}`,
    timeoutMs: SEND_MS,
    payload: Uint8Array.from([...bytes, CTRL_Z]),
    escape: Uint8Array.of(ESC),
    check: "the signal, and that the SIM may send messages",
    match: () => {
      const reference = informationThenOk(/^\+CMGS: ?(\d{1,3})$/, (match) => Number(match[1]))();
      return (element) => (element.type === "prompt" ? MORE : reference(element));
    },
  };
}

/** @returns null where nothing is stored at that index */
export function readMessage(index: number): AtCommand<StoredMessage | null> {
  return {
    text: `AT+CMGR=${wholeNumber(index, 0, HIGHEST_INDEX, "message index")}`,
    timeoutMs: SHORT_MS,
    // Header, the lines of the text, OK.
    match: () => {
      let message: StoredMessage | null = null;
      return (element) => {
        if (element.type !== "line") return FOREIGN;
        if (element.text === "OK") return done(message);
        if (message !== null) {
          const text: string = message.text === "" ? element.text : `${message.text}\n${element.text}`;
          message = { ...message, text };
          return MORE;
        }
        const header = MESSAGE_HEADER.exec(element.text);
        if (header === null) return FOREIGN;
        const [, status = "", number = "", timestamp = ""] = header;
        message = { status, number, timestamp, text: "" };
        return MORE;
      };
    },
  };
}

export function deleteMessage(index: number): AtCommand<void> {
  return setting(`AT+CMGD=${wholeNumber(index, 0, HIGHEST_INDEX, "message index")}`, DELETE_MS);
}
