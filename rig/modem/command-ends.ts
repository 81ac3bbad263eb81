/**
 * When the answer to a command that a person typed is whole: its last line, and how long that may take. Pure.
 * Source: AN_SIM900_TCPIP V1.02 (final results that are not OK); longest times: SIM800 AT Command Manual V1.10, since the
 * SIM900's gives none.
 */

export interface CommandEnd {
  /** Error results end every command beside it. */
  readonly lastLine: RegExp;
  readonly limitMs: number;
}

const OK = /^OK$/;
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|OK)$/;
const ENDS: readonly (readonly [command: RegExp, end: CommandEnd])[] = [
  [/\+CIPSTART=/i, { lastLine: /^(?:\d, ?)?(?:CONNECT(?: OK| FAIL)?|ALREADY CONNECT)$/, limitMs: 160_000 }],
  [/\+CIPSHUT$/i, { lastLine: /^SHUT OK$/, limitMs: 65_000 }],
  [/\+CIPCLOSE(?:=.*)?$/i, { lastLine: /^(?:\d, ?)?CLOSE OK$/, limitMs: 20_000 }],
  [/\+CIPSEND(?:=\d.*)?$/i, { lastLine: /^(?:(?:\d, ?)?SEND (?:OK|FAIL)|DATA ACCEPT:.*)$/, limitMs: 75_000 }],
  [/\+CIPSTATUS$/i, { lastLine: /^STATE:/, limitMs: 5000 }],
  [/\+CIFSR$/i, { lastLine: ADDRESS, limitMs: 5000 }],
  [/\+CDNSGIP=/i, { lastLine: /^\+CDNSGIP:/, limitMs: 30_000 }],
  [/\+CPOWD=1$/i, { lastLine: /^NORMAL POWER DOWN$/, limitMs: 10_000 }],
  [/\+CIICR$/i, { lastLine: OK, limitMs: 85_000 }],
  [/\+CGATT=/i, { lastLine: OK, limitMs: 75_000 }],
  [/\+COPS=/i, { lastLine: OK, limitMs: 120_000 }],
  [/\+CMGS=/i, { lastLine: OK, limitMs: 60_000 }],
  [/\+CMG[DL]=/i, { lastLine: OK, limitMs: 25_000 }],
  [/\+CFUN=/i, { lastLine: OK, limitMs: 10_000 }],
];
const OTHERS: CommandEnd = { lastLine: OK, limitMs: 5000 };

/** @param line a command line; of several commands joined by ; the last one ends it */
export function commandEnd(line: string): CommandEnd {
  const last = line.trim().split(";").at(-1) ?? "";
  return ENDS.find(([command]) => command.test(last))?.[1] ?? OTHERS;
}
