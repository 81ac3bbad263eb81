/**
 * While the screen is on, a line that anything writes to the same terminal would garble it. What goes to stderr (warnings,
 * DEBUG traces) is held and written once the screen is gone; where stderr is redirected to a file it goes there at once.
 * What libraries print on the console's stdout goes the way of stderr.
 */
import { format } from "node:util";

/** Newest text that is held; what is older is dropped and counted. */
const HELD_CHARACTERS = 65_536;

/** The part of process.stderr that is needed. */
export interface ErrorStream {
  readonly isTTY?: boolean;
  write: (...args: never[]) => boolean;
}
export type ConsoleMethods = Pick<Console, "log" | "info" | "debug">;

/**
 * @param stderr held only if it is a terminal
 * @param printer the console whose stdout methods are redirected
 * @returns a function that puts everything back and writes what was held
 */
export function holdOutput(stderr: ErrorStream, printer: ConsoleMethods): () => void {
  const write = stderr.write;
  const { log, info, debug } = printer;
  let held = "";
  let dropped = 0;
  if (stderr.isTTY === true) {
    stderr.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      held += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
      dropped += Math.max(0, held.length - HELD_CHARACTERS);
      held = held.slice(-HELD_CHARACTERS);
      const done = rest.find((argument) => typeof argument === "function");
      if (done !== undefined) queueMicrotask(() => (done as () => void)());
      return true;
    }) as ErrorStream["write"];
  }
  const toStderr = (...args: unknown[]) => {
    (stderr.write as (text: string) => boolean)(`${format(...args)}\n`);
  };
  Object.assign(printer, { log: toStderr, info: toStderr, debug: toStderr });
  return () => {
    Object.assign(printer, { log, info, debug });
    if (stderr.isTTY !== true) return;
    stderr.write = write;
    const note = dropped === 0 ? "" : `(${dropped} characters of older output were dropped)\n`;
    if (held !== "") (stderr.write as (text: string) => boolean)(note + held);
  };
}
