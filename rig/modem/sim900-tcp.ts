/**
 * The commands of the SIM900's TCP/IP, one connection at a time, each with the form of its answer and its time limit.
 * Source: SIM900 AT Command Manual V1.03, chapter 8; AN_SIM900_TCPIP V1.02; time limits from the SIM800 AT Command Manual V1.10,
 * since no SIM900 document gives any.
 */
import {
  done,
  FOREIGN,
  finalOnly,
  informationThenOk,
  MORE,
  quoted,
  setting,
  wholeNumber,
} from "./answer-forms.js";
import type { AtCommand } from "./at-command.js";
import { LONGEST_PAYLOAD_BYTES } from "./at-reader.js";

/** Commands for which no document gives a time are answered at once. */
const SHORT_MS = 5000;
const CONTEXT_MS = 85_000;
const SHUT_MS = 65_000;
/** 75 s from IP STATUS, and what the result may take after that. */
const CONNECT_MS = 80_000;
/**
 * The module itself gives up after 645 s. A segment that has not been acknowledged within a minute will hardly be, and nothing
 * else can be asked meanwhile.
 */
const SEND_MS = 60_000;
/** 1460 bytes at 1200 baud take 12 s. */
const PULL_MS = 15_000;
/** Waits for the peer's FIN. */
const SLOW_CLOSE_MS = 30_000;
/** Of each text of AT+CSTT. */
const LONGEST_CONTEXT_TEXT = 50;
const LONGEST_HOST = 100;
const CARRIAGE_RETURN = 0x0d;
const NETWORK = "the antenna and the signal";

/** From any state to IP INITIAL. */
export const shut = (): AtCommand<void> => ({
  text: "AT+CIPSHUT",
  timeoutMs: SHUT_MS,
  match: finalOnly("SHUT OK"),
});

/** @returns "IP INITIAL", "CONNECT OK", "TCP CLOSED", "PDP DEACT" ...; OK comes before it */
export const status = (): AtCommand<string> => ({
  text: "AT+CIPSTATUS",
  timeoutMs: SHORT_MS,
  match: () => {
    let accepted = false;
    return (element) => {
      if (element.type !== "line") return FOREIGN;
      const state = /^STATE: ?(.+)$/.exec(element.text)?.[1];
      if (accepted && state !== undefined) return done(state);
      if (element.text !== "OK" || accepted) return FOREIGN;
      accepted = true;
      return MORE;
    };
  },
});
export const singleConnection = (): AtCommand<void> => setting("AT+CIPMUX=0", SHORT_MS);
/** Commands stay possible while connected; a stored AT+CIPMODE=1 would make a CONNECT OK impossible. */
export const commandMode = (): AtCommand<void> => setting("AT+CIPMODE=0", SHORT_MS);
/** A send is done when the peer has acknowledged it, not when the module has taken it. Before the connection. */
export const acknowledgedSend = (): AtCommand<void> => setting("AT+CIPQSEND=0", SHORT_MS);
/** Received bytes wait until they are pulled. Before the connection. */
export const manualReceive = (): AtCommand<void> => setting("AT+CIPRXGET=1", SHORT_MS);
/** Received bytes are pushed, after `+IPD,<n>:`. Before the connection. */
export const pushHeader = (): AtCommand<void> => setting("AT+CIPHEAD=1", SHORT_MS);

/** IP INITIAL -> IP START. @throws RangeError */
export function setContext(context: {
  readonly apn: string;
  readonly user: string;
  readonly password: string;
}): AtCommand<void> {
  const apn = quoted(context.apn, "the access point name", LONGEST_CONTEXT_TEXT);
  const user = quoted(context.user, "the access point's user", LONGEST_CONTEXT_TEXT);
  const password = quoted(context.password, "the access point's password", LONGEST_CONTEXT_TEXT);
  const shownPassword = context.password === "" ? password : '"****"';
  return {
    ...setting(`AT+CSTT=${apn},${user},${password}`, SHORT_MS),
    shown: `AT+CSTT=${apn},${user},${shownPassword}`,
  };
}

/** IP START -> IP GPRSACT. A wrong access point name shows here, or never. */
export const bringUpContext = (): AtCommand<void> => ({
  ...setting("AT+CIICR", CONTEXT_MS),
  endedBy: ["pdp-deact"],
  check: `the access point name, ${NETWORK}`,
});

/** IP GPRSACT -> IP STATUS: a needed step. @returns "10.78.245.128" */
export const localAddress = (): AtCommand<string> => ({
  text: "AT+CIFSR",
  timeoutMs: SHORT_MS,
  match: () => (element) =>
    element.type === "line" && /^\d{1,3}(?:\.\d{1,3}){3}$/.test(element.text) ? done(element.text) : FOREIGN,
});

/**
 * Done when the peer has accepted. ALREADY CONNECT is refused: the socket that is there belongs to the past, and needs a close.
 * Some say ERROR and then, late, ALREADY CONNECT: that is refused at the ERROR, and the rest is stray.
 * A result before the OK is a late one of an earlier attempt.
 * @throws RangeError
 */
export function connectTcp(host: string, port: number): AtCommand<void> {
  wholeNumber(port, 1, 65_535, "TCP port");
  return {
    text: `AT+CIPSTART="TCP",${quoted(host, "host", LONGEST_HOST)},${port}`,
    timeoutMs: CONNECT_MS,
    check: `that ${host}:${port} can be reached from the Internet, ${NETWORK}`,
    endedBy: ["pdp-deact"],
    match: () => {
      let accepted = false;
      let state = "";
      return (element) => {
        if (element.type !== "line") return FOREIGN;
        const { text } = element;
        if (text === "ALREADY CONNECT") return { kind: "refused", text };
        if (!accepted) {
          accepted = text === "OK";
          return accepted ? MORE : FOREIGN;
        }
        if (text.startsWith("STATE:")) {
          state = text;
          return MORE;
        }
        if (text === "CONNECT OK") return done(undefined);
        if (text === "CONNECT FAIL")
          return { kind: "refused", text: state === "" ? text : `${text}, ${state}` };
        if (text === "CONNECT") return { kind: "refused", text: "CONNECT: the modem is in transparent mode" };
        return FOREIGN;
      };
    },
  };
}

/** @returns how many bytes the network lets one send carry [bytes]; what is sent must be less */
export const sendSize = (): AtCommand<number> => ({
  text: "AT+CIPSEND?",
  timeoutMs: SHORT_MS,
  match: informationThenOk(/^\+CIPSEND: ?(\d{1,5})$/, (match) => Number(match[1])),
});

/**
 * Done when the peer's TCP has acknowledged the bytes. After any failure it is unknown what of them arrived: the connection is
 * broken, also because a modem whose prompt was lost is given CRs in their place.
 * @param bytes 1 to 1460
 */
export function send(bytes: Uint8Array): AtCommand<void> {
  wholeNumber(bytes.length, 1, LONGEST_PAYLOAD_BYTES, "bytes to send:");
  return {
    text: `AT+CIPSEND=${bytes.length}`,
    timeoutMs: SEND_MS,
    payload: bytes,
    escape: new Uint8Array(bytes.length).fill(CARRIAGE_RETURN),
    check: NETWORK,
    endedBy: ["closed", "pdp-deact"],
    match: () => {
      let prompted = false;
      return (element) => {
        if (element.type === "prompt") prompted = true;
        if (element.type === "payload") return FOREIGN;
        if (element.type === "prompt") return MORE;
        if (prompted && element.text === "SEND OK") return done(undefined);
        if (prompted && element.text === "SEND FAIL") return { kind: "refused", text: element.text };
        return FOREIGN;
      };
    },
  };
}

export interface Pulled {
  readonly bytes: Uint8Array;
  /** That wait in the module still [bytes]. */
  readonly left: number;
}

/**
 * A run that fails or is cancelled has lost the bytes that it pulled: the connection is broken then.
 * @param maxBytes 1 to 1460
 */
export function pull(maxBytes: number): AtCommand<Pulled> {
  wholeNumber(maxBytes, 1, LONGEST_PAYLOAD_BYTES, "bytes to pull:");
  return {
    text: `AT+CIPRXGET=2,${maxBytes}`,
    timeoutMs: PULL_MS,
    pullsUpToBytes: maxBytes,
    match: () => {
      let given: number | null = null;
      let left = 0;
      let bytes: Uint8Array = new Uint8Array(0);
      let isPlain = true;
      return (element) => {
        if (element.type === "prompt") return FOREIGN;
        if (element.type === "payload") {
          bytes = element.bytes;
          return MORE;
        }
        const header = given === null ? /^\+CIPRXGET: ?2, ?(\d{1,4}), ?(\d{1,6})$/.exec(element.text) : null;
        if (header !== null) {
          given = Number(header[1]);
          left = Number(header[2]);
          return MORE;
        }
        if (element.text !== "OK") {
          isPlain = false;
          return FOREIGN;
        }
        // Some say nothing but OK where nothing waits; after another line that may have been a header, bytes may be lost.
        if (given === null && isPlain && bytes.length === 0) return done({ bytes, left });
        if (given === bytes.length) return done({ bytes, left });
        return { kind: "refused", text: `${given ?? "no"} bytes announced, ${bytes.length} came` };
      };
    },
  };
}

/** quick: without waiting for the peer. */
export const close = (options: { readonly quick: boolean }): AtCommand<void> => ({
  text: options.quick ? "AT+CIPCLOSE=1" : "AT+CIPCLOSE",
  timeoutMs: options.quick ? SHORT_MS : SLOW_CLOSE_MS,
  match: finalOnly("CLOSE OK"),
});
