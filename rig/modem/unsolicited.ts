/**
 * Lines that the modem says unasked -> Unsolicited. Some of them are also answers; who waits for an answer decides then.
 * Source: SIM900 AT Command Manual V1.03; AN_SIM900_TCPIP V1.02; spelling of the supply warnings as the firmware has it.
 */
import type { Unsolicited } from "./at-command.js";

export interface Recognised {
  readonly said: Unsolicited;
  /** The same line can be the answer to a command. */
  readonly maybeAnswer: boolean;
}

type Recogniser = readonly [form: RegExp, said: (match: RegExpExecArray) => Unsolicited, maybeAnswer?: true];

const notice = (match: RegExpExecArray): Unsolicited => ({ kind: "notice", text: match[0] });

const RECOGNISERS: readonly Recogniser[] = [
  [/^RDY$/, () => ({ kind: "ready" }), true],
  [/^NORMAL POWER DOWN$/, ([text]) => ({ kind: "power-down", text }), true],
  [/^(?:UNDER|OVER)-VOLTAGE POWER DOWN$/, ([text]) => ({ kind: "power-down", text })],
  [/^(?:UNDER|OVER)-VOLTAGE WARN.*$/, ([text]) => ({ kind: "supply", text })],
  [/^CLOSED$/, () => ({ kind: "closed" })],
  [/^\+PDP: ?DEACT$/, () => ({ kind: "pdp-deact" })],
  [/^\+CIPRXGET: ?1$/, () => ({ kind: "data-waiting" }), true],
  // With AT+CREG=2 area and cell follow. The answer to AT+CREG? has one field more, before the state.
  [/^\+CREG: ?([0-5])(?:,"?[0-9A-F]{2,8}"?,"?[0-9A-F]{2,8}"?)?$/i, registration("gsm"), true],
  [/^\+CGREG: ?([0-5])(?:,"?[0-9A-F]{2,8}"?,"?[0-9A-F]{2,8}"?)?$/i, registration("gprs"), true],
  [/^\+CPIN: ?(.+)$/, (match) => ({ kind: "sim", state: match[1]! }), true],
  [
    /^\+CMTI: ?"(\w+)", ?(\d{1,5})$/,
    (match) => ({ kind: "message", storage: match[1]!, index: Number(match[2]) }),
  ],
  [/^(?:\*PSUTTZ|\*PSNWID|\+CTZV|DST):.*$/, ([text]) => ({ kind: "network-time", text })],
  [/^(?:Call Ready|SMS Ready|RING|CHARGE-ONLY MODE|\+SAPBR \d: ?DEACT|\+CMT:.*)$/, notice],
  [/^(?:NO CARRIER|\+(?:CFUN|CSMINS|CMTE): ?.*)$/, notice, true],
];

function registration(network: "gsm" | "gprs"): (match: RegExpExecArray) => Unsolicited {
  return (match) => ({ kind: "registration", network, stat: Number(match[1]) });
}

/** @returns null if nothing like this line comes unasked */
export function recogniseUnsolicited(line: string): Recognised | null {
  for (const [form, said, maybeAnswer = false] of RECOGNISERS) {
    const match = form.exec(line);
    if (match !== null) return { said: said(match), maybeAnswer };
  }
  return null;
}

/** `+CMT:` says that the next line is the text of a message, whatever it looks like. */
export function announcesMessageText(line: string): boolean {
  return line.startsWith("+CMT:");
}
