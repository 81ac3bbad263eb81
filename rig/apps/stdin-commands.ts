/** Plain mode's stdin: one verb a line -> done on the bench, at the modem or by the rig, or a sentence why not. */
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { describeError } from "../core/errors.js";
import type { CommandEvent, EmitEvent } from "../core/events.js";
import type { Modem } from "../modem/modem.js";
import type { BenchHost } from "../virtual/bench-host.js";
import type { VirtualModem } from "../virtual/virtual-modem.js";
import { parseVerb, VERB_LIST } from "./verbs.js";

export interface VerbContext {
  /** modem: a virtual modem by itself, without boards and driver. */
  readonly place: "rig" | "modem";
  /** null on a bench of real boards, where a hand is needed. */
  readonly bench: Pick<BenchHost, "command"> | null;
  /** null where the modem is real, or there is none. */
  readonly virtualModem: Pick<VirtualModem, "command"> | null;
  /** The rig's driver of its modem; null where there is none. */
  readonly modem: Pick<Modem, "setMode"> | null;
  readonly quit: () => void;
  readonly emit: EmitEvent;
}

/** Listens until the input ends; an end is no wish to stop. */
export function listenForVerbs(input: Readable, context: VerbContext): void {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", (line) => {
    const command = line.trim();
    if (command !== "") context.emit({ event: "command", command, ...doVerb(command, context) });
  });
}

type Outcome = Pick<CommandEvent, "outcome" | "text">;

/** Carries out one line. @returns what became of it */
function doVerb(line: string, context: VerbContext): Outcome {
  try {
    const verb = parseVerb(line);
    const { place, bench, virtualModem, modem, quit } = context;
    const needsHand = {
      outcome: "needs-hand",
      text: `the bench is real and needs a hand for this: ${line}`,
    } as const;
    switch (verb.verb) {
      case "help":
        return { outcome: "done", text: VERB_LIST };
      case "quit":
        quit();
        return { outcome: "done", text: "stopping" };
      case "mode":
        if (modem === null) return place === "modem" ? notHere : noModem;
        modem.setMode(verb.mode);
        break;
      case "modem":
      case "sim":
      case "network":
      case "fault":
      case "sms":
        if (virtualModem === null) return modem === null ? noModem : needsHand;
        virtualModem.command(verb);
        break;
      default:
        if (bench === null) return place === "modem" ? notHere : needsHand;
        bench.command(verb);
    }
    return { outcome: "done", text: line };
  } catch (error) {
    return { outcome: "refused", text: describeError(error) };
  }
}

const noModem: Outcome = {
  outcome: "refused",
  text: "there is no modem here: the configuration says modem: none",
};
const notHere: Outcome = { outcome: "refused", text: "there is a virtual modem here and nothing else" };
