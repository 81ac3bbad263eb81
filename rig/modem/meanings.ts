/**
 * What the modem's lines mean, in words for a person at a terminal: a line -> a sentence. Pure.
 * Source: SIM900 AT Command Manual V1.03; AN_SIM900_TCPIP V1.02 (states); 3GPP TS 27.007, 7.2 (registration) and 8.5 (signal).
 */
import { parseNetworkTime } from "./network-time.js";
import { parseErrorResult } from "./result-codes.js";

type Meaning = string | ((match: RegExpExecArray) => string | undefined);

/** Lines that always are the same. */
const WORDS: Readonly<Record<string, string>> = {
  OK: "done",
  RDY: "the module has started: echo, sockets and settings that are not stored are lost",
  "Call Ready": "the SIM and the telephone functions are ready",
  "SMS Ready": "messages can be sent and received",
  RING: "someone calls",
  "NO CARRIER": "the call, or the connection in transparent mode, has ended",
  "NORMAL POWER DOWN": "the module is off",
  "CHARGE-ONLY MODE": "the module charges a battery and does nothing else",
  "SHUT OK": "all connections and the PDP context are down: the state is IP INITIAL",
  "CLOSE OK": "the TCP connection is closed; the PDP context stays",
  "SEND OK": "the peer's TCP has acknowledged the bytes",
  "SEND FAIL": "whether the bytes arrived is unknown: close the connection",
  CONNECT: "connected in transparent mode: what is typed now goes to the peer",
  "CONNECT OK": "the TCP connection is open",
  "CONNECT FAIL": "the TCP connection was not opened: check host and port",
  "ALREADY CONNECT": "a connection is open already: AT+CIPCLOSE first",
  CLOSED: "the peer has closed the TCP connection",
  "+PDP: DEACT": "the network has taken the PDP context away: AT+CIPSHUT, then AT+CSTT and AT+CIICR again",
  "+CPIN: READY": "the SIM is ready",
  "+CPIN: SIM PIN": "the SIM wants its PIN: AT+CPIN=1234; after three wrong ones it is locked",
  "+CPIN: SIM PUK": "the SIM is locked by wrong PINs: its PUK unlocks it, in a telephone",
  "+CPIN: PH_SIM PIN": "the module is locked to another SIM",
  "+CPIN: PH_SIM PUK": "the module is locked to another SIM, and wants its PUK",
  "+CPIN: SIM PIN2": "the SIM wants its second PIN",
  "+CPIN: SIM PUK2": "the second PIN is locked, and its PUK is wanted",
  "+CPIN: NOT READY": "the SIM is not ready",
  "+CPIN: NOT INSERTED": "there is no SIM: check that it sits right",
  "+COPS: 0": "no operator: not registered",
};

/** Source: AN_SIM900_TCPIP V1.02, figure 2; AT Command Manual V1.03, AT+CIPSTATUS. */
const STATES: Readonly<Record<string, string>> = {
  "IP INITIAL": "nothing is set up: AT+CSTT comes next",
  "IP START": "the access point name is set: AT+CIICR comes next",
  "IP CONFIG": "the PDP context is being brought up",
  "IP GPRSACT": "the PDP context is up: AT+CIFSR comes next",
  "IP STATUS": "the address is known: AT+CIPSTART comes next",
  "IP PROCESSING": "several connections are allowed, and at least one is in use",
  "TCP CONNECTING": "the TCP connection is being opened",
  "UDP CONNECTING": "the UDP connection is being opened",
  "SERVER LISTENING": "the module waits for connections",
  "CONNECT OK": "the connection is open: AT+CIPSEND sends",
  "TCP CLOSING": "the TCP connection is being closed",
  "UDP CLOSING": "the UDP connection is being closed",
  "TCP CLOSED": "the TCP connection is closed: AT+CIPSTART opens another",
  "UDP CLOSED": "the UDP connection is closed",
  "PDP DEACT": "the network has taken the PDP context away: AT+CIPSHUT comes next",
};

/** Source: 3GPP TS 27.007, 7.2. */
const REGISTRATION = [
  "not registered, and not searching",
  "registered, home network",
  "not registered, searching",
  "registration denied by the network",
  "unknown",
  "registered, roaming",
];

/** Source: AT Command Manual V1.03, AT+CDNSGIP. */
const DNS_ERRORS: Readonly<Record<string, string>> = {
  "10": "general failure",
  "11": "no answer after all retries",
  "12": "no server",
  "14": "not a valid name",
};

const FUNCTIONALITY: Readonly<Record<string, string>> = {
  "0": "radio and SIM are off",
  "1": "everything is on",
  "4": "the radio is off",
};

const STORED: Readonly<Record<string, string>> = {
  "REC UNREAD": "received, not read before",
  "REC READ": "received, read before",
  "STO UNSENT": "stored to be sent",
  "STO SENT": "stored, sent",
};

const onOff = (on: string, off: string): Meaning => {
  return ([, value]) => (value === "0" ? off : on);
};

const FORMS: readonly (readonly [form: RegExp, meaning: Meaning])[] = [
  [/^STATE: ?(.+)$/, ([, state]) => lookUp(STATES, state!)],
  [/^\+CSQ: ?(\d+),(\d+)$/, ([, rssi, ber]) => describeSignal(Number(rssi), Number(ber))],
  // An answer has one field more than what comes unasked, and the state is its second.
  [/^\+(CREG|CGREG): ?(?:\d,)?([0-5])(?:,"?[0-9A-Fa-f]{2,}"?.*)?$/, describeRegistration],
  [/^\+COPS: ?\d,\d,"(.*)"$/, ([, name]) => `the operator is ${name}`],
  [/^\+CGATT: ?([01])$/, onOff("attached to GPRS", "not attached to GPRS: AT+CGATT=1")],
  [/^\+CIPSEND: ?(\d+)$/, ([, most]) => `fewer than ${most} B can be sent at once`],
  [
    /^DATA ACCEPT: ?(?:\d,)?(\d+)$/,
    ([, count]) => `the module has taken ${count} B; AT+CIPACK tells of their arrival`,
  ],
  [
    /^\+CIPACK: ?(\d+), ?(\d+), ?(\d+)$/,
    ([, sent, taken, open]) => `sent ${sent} B, acknowledged ${taken} B, under way ${open} B`,
  ],
  [/^\+CIPRXGET: ?1(?:,\d)?$/, "bytes have arrived: AT+CIPRXGET=2,1460 reads them"],
  [/^\+CIPRXGET: ?2,(\d+),(\d+)$/, ([, given, left]) => `${given} B follow, ${left} B are left`],
  [/^\+CIPRXGET: ?4,(\d+)$/, ([, waiting]) => `${waiting} B wait to be read`],
  [/^\+IPD,(\d+)(?:,\w+)?:$/, ([, count]) => `${count} B from the peer follow`],
  [/^\+RECEIVE,(\d),(\d+):$/, ([, id, count]) => `${count} B from the peer of connection ${id} follow`],
  [/^\+CIPMUX: ?([01])$/, onOff("up to eight connections", "one connection")],
  [/^\+CIPMODE: ?([01])$/, onOff("transparent mode", "AT commands while connected")],
  [/^\+CIPRXGET: ?0$/, "bytes are given as they arrive"],
  [/^\+CDNSGIP: ?1,"(.*?)","(.*?)"/, ([, name, address]) => `${name} is ${address}`],
  [/^\+CDNSGIP: ?0,(\d+)$/, ([, code]) => `no address: ${lookUp(DNS_ERRORS, code!) ?? `error ${code}`}`],
  [/^(\d{1,3}(?:\.\d{1,3}){3})$/, "the module's own address"],
  [/^\+SAPBR ?1: ?DEACT$/, "the network has taken the bearer away"],
  [/^\+CCLK: ?"(.*)"$/, ([, value]) => describeTime(value!)],
  [/^\*PSUTTZ: ?(.*)$/, ([line]) => describeTime(line)],
  [/^\+CTZV: ?"?([+-]\d+)/, ([, quarters]) => `the network's zone is ${formatHours(Number(quarters) / 4)}`],
  [/^DST: ?(\d)$/, ([, hours]) => (hours === "0" ? "no summer time" : `summer time, ${hours} h`)],
  [/^\*PSNWID: ?.*$/, "the network's name, as it tells it"],
  [/^\+CLTS: ?([01])$/, onOff("the network's time is told", "the network's time is not told")],
  [/^\+CMTI: ?"(\w+)", ?(\d+)$/, ([, , index]) => `a message has come: AT+CMGR=${index} reads it`],
  [/^\+CMT: ?"(.*?)"/, ([, number]) => `a message from ${number} follows`],
  [/^\+CMGS: ?(\d+)$/, ([, reference]) => `the network has taken the message, reference ${reference}`],
  [/^\+CMG[RL]: ?(?:\d+,)?"([A-Z ]+)","(.*?)"/, ([, status, number]) => describeStored(status!, number!)],
  [
    /^\+CPMS: ?(?:"\w+",)?(\d+),(\d+)/,
    ([, used, total]) => `${used} of ${total} places for messages are used`,
  ],
  [
    /^\+CSCA: ?"(.*?)"/,
    ([, number]) => (number === "" ? "no message centre is set" : "the message centre's number"),
  ],
  [/^\+CSCS: ?"(.*)"$/, ([, set]) => `texts and numbers are in the character set ${set}`],
  [/^\+CMGF: ?([01])$/, onOff("messages are text", "messages are PDUs")],
  [/^\+CNMI: ?[0-3],([0-3])/, onOff("new messages are told of", "new messages are not told of")],
  [
    /^\+CMEE: ?([0-2])$/,
    ([, mode]) => ["errors say no reason", "errors have numbers", "errors have words"][Number(mode)],
  ],
  [
    /^\+IPR: ?(\d+)$/,
    ([, rate]) => (rate === "0" ? "the baud rate is found from the first AT" : `fixed at ${rate} baud`),
  ],
  [/^\+ICF: ?.*$/, "the framing of the serial line"],
  [/^\+IFC: ?(\d),(\d)$/, ([, a, b]) => (a === "0" && b === "0" ? "no flow control" : "flow control is on")],
  [/^\+CFUN: ?(\d)$/, ([, level]) => lookUp(FUNCTIONALITY, level!)],
  [/^\+CSMINS: ?\d,([01])$/, onOff("a SIM is inserted", "no SIM is inserted")],
  [
    /^\+CBC: ?\d+,(\d+),(\d+)$/,
    ([, percent, milliV]) => `supply ${(Number(milliV) / 1000).toFixed(2)} V (${percent} %)`,
  ],
  [/^\+CMTE: ?(-?\d+)/, "the module is too hot or too cold"],
  [/^(UNDER|OVER)-VOLTAGE (WARN|POWER DOWN)/, describeSupply],
  [/^(?:Revision:.*|SIM\d{3}\w* R\S+)$/, "the firmware"],
  [/^\d{15}$/, "the module's IMEI"],
  [/^C: ?\d,/, "one of the connections"],
];

/**
 * @param line as the modem says it, without its line end
 * @returns undefined for a line that has no fixed meaning, such as a message's text
 */
export function explainLine(line: string): string | undefined {
  const error = parseErrorResult(line);
  if (error !== null) {
    return error.family === "plain"
      ? "refused without a reason; with AT+CMEE=1 most commands give one"
      : error.meaning.replace(/ \(\+CM[ES] ERROR: \d+\)$/, "");
  }
  // With several connections allowed, each result has the connection's number before it.
  const [, id, result] = /^(\d), ?([A-Z][A-Z ]+)$/.exec(line) ?? [];
  const ofConnection = result === undefined ? undefined : lookUp(WORDS, result);
  if (ofConnection !== undefined) return `connection ${id}: ${ofConnection}`;
  const word = lookUp(WORDS, line);
  if (word !== undefined) return word;
  for (const [form, meaning] of FORMS) {
    const match = form.exec(line);
    if (match !== null) return typeof meaning === "string" ? meaning : meaning(match);
  }
  return undefined;
}

/** The modem's own text is the key: it may be the name of something that every object has. */
function lookUp(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Source: AT Command Manual V1.03, AT+CSQ: 0 is -115 dBm or less, 1 is -111, 2 to 30 are -110 to -54, 31 is -52 or more. */
function describeSignal(rssi: number, ber: number): string | undefined {
  const errors = ber <= 7 ? `, bit errors of class ${ber} of 7` : "";
  if (rssi === 99) return "no signal is known: check the antenna";
  if (rssi > 31) return undefined;
  if (rssi === 0) return `-115 dBm or less: check the antenna${errors}`;
  const dbm = rssi === 1 ? "-111 dBm" : rssi === 31 ? "-52 dBm or more" : `${2 * rssi - 114} dBm`;
  const quality = rssi < 10 ? "weak" : rssi < 15 ? "fair" : rssi < 20 ? "good" : "strong";
  return `${dbm}, ${quality}${errors}`;
}

function describeRegistration([, kind, stat]: RegExpExecArray): string | undefined {
  return `${REGISTRATION[Number(stat)]} (${kind === "CREG" ? "GSM" : "GPRS"})`;
}

function describeTime(text: string): string {
  const moment = parseNetworkTime(text);
  if (moment === undefined) return "no time from the network";
  const utc = new Date(moment.utcMs).toISOString().replace("T", " ").slice(0, 19);
  return `${utc} UTC, the zone is ${formatHours(moment.zoneQuarters / 4)}`;
}

/** Hours of a zone: 2 -> "UTC+2", -3.5 -> "UTC-3.5". */
function formatHours(hours: number): string {
  return `UTC${hours < 0 ? "" : "+"}${hours}`;
}

function describeStored(status: string, number: string): string | undefined {
  const stored = lookUp(STORED, status);
  if (stored === undefined) return undefined;
  return `a message, ${stored}; ${status.startsWith("REC") ? "from" : "to"} ${number}; its text follows`;
}

function describeSupply([, side, what]: RegExpExecArray): string {
  const remedy =
    side === "UNDER"
      ? "it must give 2 A for moments, by short thick wires"
      : "it must give 3.2 to 4.8 V at the module";
  const consequence =
    what === "WARN" ? "soon the module turns itself off" : "the module has turned itself off";
  return `the supply is too ${side === "UNDER" ? "low" : "high"}: ${consequence}; ${remedy}`;
}
