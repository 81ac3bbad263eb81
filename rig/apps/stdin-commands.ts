/** Plain mode's stdin: one verb a line -> done on the bench, or a sentence why not. */
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { describeError } from "../core/errors.js";
import type { CommandEvent, EmitEvent } from "../core/events.js";
import type { BenchHost } from "../virtual/bench-host.js";
import { parseVerb, VERB_LIST } from "./verbs.js";

export interface VerbContext {
  /** null on a bench of real boards, where a hand is needed. */
  readonly bench: BenchHost | null;
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

/** Carries out one line. @returns what became of it */
function doVerb(line: string, { bench, quit }: VerbContext): Pick<CommandEvent, "outcome" | "text"> {
  try {
    const verb = parseVerb(line);
    if (verb.verb === "help") return { outcome: "done", text: VERB_LIST };
    if (verb.verb === "quit") {
      quit();
      return { outcome: "done", text: "stopping" };
    }
    if (bench === null) {
      return { outcome: "needs-hand", text: `the bench is real and needs a hand for this: ${line}` };
    }
    bench.command(verb);
    return { outcome: "done", text: line };
  } catch (error) {
    return { outcome: "refused", text: describeError(error) };
  }
}
