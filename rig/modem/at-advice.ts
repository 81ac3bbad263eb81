/** What the AT terminal tells a person who does not know what to do: its help, and what to check when the modem is silent. Pure. */

export const HELP = `What is typed goes to the modem, with CR after it. AT+CMEE=1 makes errors say why.
  Ctrl-Z, .ctrlz   send 1A: ends the text of a message, and sends it
  Esc, .esc        send 1B: gives up the text of a message
  .hex 1A 0D       send these bytes
  help, ?, .help   this
  .quit            end (or Ctrl-D)
At the modem's > further lines are text: CR goes between them, none after the last.`;

export interface Silence {
  /** What was sent; "": single bytes. */
  readonly command: string;
  /** What came since then is no text. */
  readonly noise: boolean;
  /** The modem has said something before. */
  readonly answeredBefore: boolean;
}

export function silenceRemedy({ command, noise, answeredBefore }: Silence): string {
  if (noise) return "what came is no text; check the baud rate (--baud)";
  if (command !== "" && !/^\s*a[t/]/i.test(command)) {
    return "a command begins with AT; .help lists what does not";
  }
  if (answeredBefore) {
    return "it did answer before; check that it is still on (its power key), its supply, and the cable";
  }
  return "check its supply, its power key, the cable, and the baud rate (--baud)";
}
