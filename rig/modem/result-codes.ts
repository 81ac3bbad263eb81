/**
 * Error results of the modem -> their meaning in words. `ERROR`, `+CME ERROR: <n or text>`, `+CMS ERROR: <n or text>`.
 * Source: SIM900 AT Command Manual V1.03, chapter 19 (CME, CMS); 3GPP TS 27.007 9.2 and TS 27.005 3.2.5.
 */
import { describeError, ModemError } from "../core/errors.js";
import { trace } from "../core/log.js";

const log = trace("rig:modem:refused");

const CME: Readonly<Record<number, string>> = {
  3: "operation not allowed",
  4: "operation not supported",
  10: "SIM not inserted",
  11: "SIM PIN required",
  12: "SIM PUK required",
  13: "SIM failure",
  14: "SIM busy",
  15: "SIM wrong",
  16: "incorrect password",
  17: "SIM PIN2 required",
  18: "SIM PUK2 required",
  20: "memory full",
  21: "invalid index",
  22: "not found",
  23: "memory failure",
  24: "text string too long",
  25: "invalid characters in text string",
  26: "dial string too long",
  27: "invalid characters in dial string",
  30: "no network service",
  31: "network timeout",
  32: "network not allowed, emergency calls only",
  100: "unknown",
  103: "illegal MS",
  106: "illegal ME",
  107: "GPRS services not allowed",
  111: "PLMN not allowed",
  112: "location area not allowed",
  113: "roaming not allowed in this location area",
  132: "GPRS service option not supported",
  133: "requested GPRS service option not subscribed",
  134: "GPRS service option temporarily out of order",
  148: "unspecified GPRS error",
  149: "PDP authentication failure",
  150: "invalid mobile class",
  160: "DNS resolution failed",
  161: "socket open failed",
  765: "invalid input value",
  767: "operation failed",
  772: "SIM powered down",
};

const CMS: Readonly<Record<number, string>> = {
  300: "ME failure",
  302: "operation not allowed",
  303: "operation not supported",
  304: "invalid PDU mode parameter",
  305: "invalid text mode parameter",
  310: "SIM not inserted",
  311: "SIM PIN required",
  313: "SIM failure",
  314: "SIM busy",
  315: "SIM wrong",
  316: "SIM PUK required",
  318: "SIM PUK2 required",
  321: "invalid memory index",
  322: "memory full",
  330: "SMSC address unknown",
  331: "no network service",
  332: "network timeout",
  500: "unknown",
  512: "SIM not ready",
  515: "PS busy",
  517: "SM not ready",
};

/** A final result that says no. */
export interface ErrorResult {
  readonly family: "CME" | "CMS" | "plain";
  /** null for plain ERROR and where the modem says it in words (AT+CMEE=2). */
  readonly number: number | null;
  /** "SIM not inserted"; "ERROR" where the modem says no more. */
  readonly meaning: string;
}

/** @returns null if the line is no error result */
export function parseErrorResult(line: string): ErrorResult | null {
  if (line === "ERROR") return { family: "plain", number: null, meaning: "ERROR" };
  const match = /^\+(CME|CMS) ERROR: *(\S.*)$/.exec(line);
  if (match === null) return null;
  const family = match[1] as "CME" | "CMS";
  const said = match[2]!.trim();
  if (!/^\d{1,5}$/.test(said)) return { family, number: null, meaning: said };
  const number = Number(said);
  const meaning = (family === "CME" ? CME : CMS)[number] ?? "not in the tables";
  return { family, number, meaning: `${meaning} (+${family} ERROR: ${number})` };
}

/** The modem has said no: "modem/refused". */
export class ModemRefusal extends ModemError {
  /** The error result; null where the command failed with a result of its own, such as CONNECT FAIL. */
  readonly result: ErrorResult | null;

  constructor(shownCommand: string, said: ErrorResult | string) {
    const meaning = typeof said === "string" ? said : said.meaning;
    super("modem/refused", `the modem refused ${shownCommand}: ${meaning}`);
    this.result = typeof said === "string" ? null : said;
  }
}

/** For `catch`, where a refusal changes nothing or there is another way: then this value, otherwise the error is thrown again. */
export function orRefused<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (!(error instanceof ModemRefusal)) throw error;
    log("%s", describeError(error));
    return instead;
  };
}
