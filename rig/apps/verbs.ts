/** The verbs of plain mode's stdin and of scenarios: one line of text -> what to do. Pure. */
import type { BenchCommand } from "../virtual/bench-command.js";
import { MODEM_FAULTS, type ModemCommand, type ModemFault } from "../virtual/modem-command.js";

/** Whether the rig works the modem or leaves it alone. */
export interface ModeVerb {
  readonly verb: "mode";
  readonly mode: "auto" | "manual";
}

export type Verb =
  | BenchCommand
  | ModemCommand
  | ModeVerb
  | { readonly verb: "quit" }
  | { readonly verb: "help" };

/** A line that is no verb, or one with wrong words after it; the message says what is allowed. */
export class VerbError extends Error {}

const FORMS = [
  "lamps METER N",
  "load METER AMPS [pf X] [h3 X]",
  "volts V",
  "hz F",
  "cut bus METER",
  "mend bus METER",
  "cut link [N]",
  "mend link [N]",
  "unplug METER",
  "plug METER",
  "reset METER",
  "modem off|on",
  "modem auto|manual",
  "sim out|in",
  "network down|up",
  `fault modem ${[...Object.keys(MODEM_FAULTS), "none"].join("|")}`,
  "sms NUMBER TEXT",
  "help",
  "quit",
] as const;

/** Every verb with its words, for messages. */
export const VERB_LIST = FORMS.join(" | ");

const PHONE_NUMBER = /^\+?[0-9]{3,15}$/;

/**
 * @param line one line, without its end; values are checked for being numbers, their ranges by the bench
 * @throws VerbError
 */
export function parseVerb(line: string): Verb {
  const words = line.trim().split(/\s+/);
  const [verb = "", ...rest] = words;
  switch (verb) {
    case "quit":
    case "help":
      expectWords(words, 1);
      return { verb };
    case "lamps":
      expectWords(words, 3);
      return { verb, meter: rest[0]!, count: readNumber(words, rest[1]!) };
    case "load":
      return readLoad(words, rest);
    case "volts":
      expectWords(words, 2);
      return { verb, volts: readNumber(words, rest[0]!) };
    case "hz":
      expectWords(words, 2);
      return { verb, hz: readNumber(words, rest[0]!) };
    case "unplug":
    case "plug":
    case "reset":
      expectWords(words, 2);
      return { verb, meter: rest[0]! };
    case "cut":
    case "mend":
      return readCable(words, verb, rest);
    case "modem":
      return readModem(words);
    case "sim":
      return { verb, inserted: readChoice(words, "out", "in") === "in" };
    case "network":
      return { verb, up: readChoice(words, "down", "up") === "up" };
    case "fault":
      return readFault(words);
    case "sms":
      return readMessage(words, line);
    default:
      throw new VerbError(`there is no verb ${JSON.stringify(verb)}; there are: ${VERB_LIST}`);
  }
}

function readLoad(words: string[], rest: string[]): Verb {
  const [meter, amperes, ...options] = rest;
  if (meter === undefined || amperes === undefined || options.length % 2 !== 0) throw wrongForm(words);
  let powerFactor = 1;
  let thirdHarmonic = 0;
  for (let at = 0; at < options.length; at += 2) {
    const value = readNumber(words, options[at + 1]!);
    if (options[at] === "pf") powerFactor = value;
    else if (options[at] === "h3") thirdHarmonic = value;
    else throw wrongForm(words);
  }
  return { verb: "load", meter, currentA: readNumber(words, amperes), powerFactor, thirdHarmonic };
}

function readCable(words: string[], verb: "cut" | "mend", rest: string[]): Verb {
  if (rest[0] === "bus") {
    expectWords(words, 3);
    return { verb, what: "bus", meter: rest[1]! };
  }
  if (rest[0] === "link" && rest.length <= 2) {
    return { verb, what: "link", link: rest[1] === undefined ? "all" : readNumber(words, rest[1]) };
  }
  throw wrongForm(words);
}

function readModem(words: string[]): Verb {
  const choice = readChoice(words, "off", "on", "auto", "manual");
  if (choice === "auto" || choice === "manual") return { verb: "mode", mode: choice };
  return { verb: "modem", on: choice === "on" };
}

function readFault(words: string[]): Verb {
  expectWords(words, 3);
  const [, what, name = ""] = words;
  if (what !== "modem" || !(name === "none" || Object.hasOwn(MODEM_FAULTS, name))) throw wrongForm(words);
  return { verb: "fault", what, name: name as ModemFault | "none" };
}

/** The text is what stands behind the number, with its own spaces. */
function readMessage(words: string[], line: string): Verb {
  const [, number = "", text = ""] = /^\s*sms\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
  if (text === "") throw wrongForm(words);
  if (!PHONE_NUMBER.test(number)) {
    throw wrongForm(words, `${JSON.stringify(number)} is no phone number of 3 to 15 digits; `);
  }
  return { verb: "sms", number, text };
}

function readChoice<T extends string>(words: string[], ...choices: readonly T[]): T {
  expectWords(words, 2);
  const choice = choices.find((known) => known === words[1]);
  if (choice === undefined) throw wrongForm(words);
  return choice;
}

function expectWords(words: string[], count: number): void {
  if (words.length !== count) throw wrongForm(words);
}

function readNumber(words: string[], text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value))
    throw wrongForm(words, `${JSON.stringify(text)} is no number; `);
  return value;
}

function wrongForm(words: string[], problem = ""): VerbError {
  const forms = FORMS.filter((form) => form.split(" ")[0] === words[0]);
  return new VerbError(`${problem}it is: ${forms.join(" | ")}`);
}
