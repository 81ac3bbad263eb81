/**
 * The commands of the SIM900 that the rig uses, each with the form of its answer and its time limit: module, SIM, network.
 * Source: SIM900 AT Command Manual V1.03; time limits from the SIM800 AT Command Manual V1.10, since no SIM900 document gives any.
 */
import { done, FOREIGN, informationThenOk, setting } from "./answer-forms.js";
import type { AtCommand } from "./at-command.js";

/** Commands for which no document gives a time are answered at once. */
const SHORT_MS = 5000;
const PIN_MS = 5000;
const RESTART_MS = 10_000;
const OPERATOR_MS = 45_000;
const ATTACH_MS = 75_000;
const NETWORK = "the antenna and the signal";

// The module.

/** @param timeoutMs the answer takes a few milliseconds, unless the module is busy or not there */
export const at = (timeoutMs = 1000): AtCommand<void> => setting("AT", timeoutMs);
export const echoOff = (): AtCommand<void> => setting("ATE0", SHORT_MS);
/** Errors as numbers, +CME ERROR: <n>. */
export const errorCodes = (): AtCommand<void> => setting("AT+CMEE=1", SHORT_MS);
/** Two of the lines are enough on three wires. */
export const noFlowControl = (): AtCommand<void> => setting("AT+IFC=0,0", SHORT_MS);
/** A fixed rate instead of the factory's autobaud, under which no RDY is sent. OK comes at the old rate. */
export const fixedBaud = (baudBps: number): AtCommand<void> => setting(`AT+IPR=${baudBps}`, SHORT_MS);
/** @returns the fixed rate [Bd]; 0 where it is found by autobauding */
export const baudRate = (): AtCommand<number> => ({
  text: "AT+IPR?",
  timeoutMs: SHORT_MS,
  match: informationThenOk(/^\+IPR: ?(\d{1,6})$/, (match) => Number(match[1])),
});
/** Keeps echo and baud rate over power-down. */
export const store = (): AtCommand<void> => setting("AT&W", SHORT_MS);
/** RDY follows after some seconds, where the baud rate is fixed. */
export const restart = (): AtCommand<void> => ({
  text: "AT+CFUN=1,1",
  timeoutMs: RESTART_MS,
  // Some are gone before they say OK.
  match: () => (element) =>
    element.type === "line" && ["OK", "RDY"].includes(element.text) ? done(undefined) : FOREIGN,
});
/** @returns "SIM900 R11.0" */
export const identity = (): AtCommand<string> => ({
  text: "ATI",
  timeoutMs: SHORT_MS,
  match: informationThenOk(/^[^+*].*\d.*$/, ([text]) => text),
});

// SIM and network.

/** @returns "READY", "SIM PIN", "SIM PUK" ... In the first seconds the module refuses to say. */
export const simState = (): AtCommand<string> => ({
  text: "AT+CPIN?",
  timeoutMs: PIN_MS,
  match: informationThenOk(/^\+CPIN: ?(.+)$/, (match) => match[1]!),
});

/** Three wrong ones lock the SIM. @throws RangeError that does not show the PIN */
export function enterPin(pin: string): AtCommand<void> {
  if (!/^\d{4,8}$/.test(pin)) throw new RangeError("the PIN: 4 to 8 digits");
  return { ...setting(`AT+CPIN=${pin}`, PIN_MS), shown: "AT+CPIN=****" };
}

/** Changes are said unasked. */
export const reportRegistration = (): AtCommand<void> => setting("AT+CREG=1", SHORT_MS);
/** @returns 0 idle, 1 home, 2 searching, 3 denied, 4 unknown, 5 roaming */
export const registration = (): AtCommand<number> => ({
  text: "AT+CREG?",
  timeoutMs: SHORT_MS,
  // +CREG: <n>,<stat>[,"lac","ci"]: what comes unasked lacks <n>.
  match: informationThenOk(
    /^\+CREG: ?[0-2], ?([0-5])(?:, ?"?[0-9A-F]{0,8}"?, ?"?[0-9A-F]{0,8}"?)?$/i,
    (match) => Number(match[1]),
  ),
});

/** @returns 0 to 31, from -115 dBm in steps of 2 dB; null where it is unknown */
export const signalQuality = (): AtCommand<number | null> => ({
  text: "AT+CSQ",
  timeoutMs: SHORT_MS,
  match: informationThenOk(/^\+CSQ: ?(\d|[12]\d|3[01]|99), ?\d{1,2}$/, (match) =>
    match[1] === "99" ? null : Number(match[1]),
  ),
});

/** @returns the operator's name; null while not registered */
export const operator = (): AtCommand<string | null> => ({
  text: "AT+COPS?",
  timeoutMs: OPERATOR_MS,
  check: NETWORK,
  match: informationThenOk(/^\+COPS: ?\d(?:, ?\d, ?"([^"]*)".*)?$/, (match) => match[1] ?? null),
});

/** Whether the module is attached to GPRS. */
export const attached = (): AtCommand<boolean> => ({
  text: "AT+CGATT?",
  timeoutMs: ATTACH_MS,
  check: NETWORK,
  match: informationThenOk(/^\+CGATT: ?([01])$/, (match) => match[1] === "1"),
});
export const attach = (on: boolean): AtCommand<void> => ({
  ...setting(`AT+CGATT=${on ? 1 : 0}`, ATTACH_MS),
  check: `${NETWORK}, and that the SIM may use data`,
});

/** @returns as it is said, "26/11/24,12:00:00+04": local time, offset from UTC in quarters of an hour */
export const clock = (): AtCommand<string> => ({
  text: "AT+CCLK?",
  timeoutMs: SHORT_MS,
  match: informationThenOk(/^\+CCLK: ?"([^"]+)"$/, (match) => match[1]!),
});
/** The network's time sets the module's clock, and is said unasked. */
export const reportNetworkTime = (): AtCommand<void> => setting("AT+CLTS=1", SHORT_MS);
