/**
 * A line of commands taken apart: the text between "AT" and the return -> its commands in order.
 * Source: SIM900 AT Command Manual V1.03, 1.4: basic (`E0`, `&W`), S parameters (`S0=1`) and extended (`+CSQ`, joined by `;`).
 */

export interface Argument {
  readonly text: string;
  readonly quoted: boolean;
}

export interface ParsedCommand {
  /** Upper case: "+CIPSTART", "E", "&W", "S3". */
  readonly name: string;
  readonly form: "run" | "read" | "test" | "set";
  readonly args: readonly Argument[];
}

const BASIC = /^(S\d{1,3}|&?[A-Z])(\?|=\??)?(\d*)/i;
const EXTENDED = /^[+*][A-Z0-9]+/i;

/** @returns null: not a line of commands */
export function parseCommandLine(body: string): ParsedCommand[] | null {
  const commands: ParsedCommand[] = [];
  let rest = withoutSpaces(body);
  while (rest !== "") {
    if (rest.startsWith(";")) {
      rest = rest.slice(1);
      continue;
    }
    const [command, length] = EXTENDED.test(rest) ? parseExtended(rest) : parseBasic(rest);
    if (command === null) return null;
    commands.push(command);
    rest = rest.slice(length);
  }
  return commands;
}

function parseBasic(text: string): [ParsedCommand | null, number] {
  const match = BASIC.exec(text);
  if (match === null) return [null, 0];
  const [whole, name, sign, number] = match;
  const form = sign === "?" ? "read" : sign === "=?" ? "test" : sign === "=" || number !== "" ? "set" : "run";
  const args = form === "set" ? [{ text: number!, quoted: false }] : [];
  return [{ name: name!.toUpperCase(), form, args }, whole.length];
}

function parseExtended(text: string): [ParsedCommand | null, number] {
  const end = endOfCommand(text);
  const command = text.slice(0, end);
  const name = EXTENDED.exec(command)![0];
  const tail = command.slice(name.length);
  const parsed = (form: ParsedCommand["form"], args: readonly Argument[] = []): [ParsedCommand, number] => [
    { name: name.toUpperCase(), form, args },
    end,
  ];
  if (tail === "") return parsed("run");
  if (tail === "?") return parsed("read");
  if (tail === "=?") return parsed("test");
  if (!tail.startsWith("=")) return [null, 0];
  const args = parseArguments(tail.slice(1));
  return args === null ? [null, 0] : parsed("set", args);
}

/** Where the command ends: at a semicolon outside of quotes, or with the line. */
function endOfCommand(text: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (text[at] === ";" && !quoted) return at;
  }
  return text.length;
}

/** @returns null: quotes that do not match */
function parseArguments(text: string): Argument[] | null {
  const args: Argument[] = [];
  for (const [, quotedText, bareText] of `${text},`.matchAll(/(?:"([^"]*)"|([^",]*)),/g)) {
    args.push({ text: quotedText ?? bareText ?? "", quoted: quotedText !== undefined });
  }
  const read = args.reduce((length, arg) => length + arg.text.length + (arg.quoted ? 3 : 1), 0);
  return read === text.length + 1 ? args : null;
}

function withoutSpaces(text: string): string {
  return text.replace(/"[^"]*"|\s+/g, (part) => (part.startsWith('"') ? part : ""));
}
