/** The real program in plain mode, as a person or a script runs it: its events, its stdin, its exit code. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { projectFile } from "../../rig/core/project-root.js";

export interface SeenEvent {
  readonly time: string;
  readonly event: string;
  readonly meter?: string;
  readonly [field: string]: unknown;
}

const MAIN = projectFile(".build", "rig", "apps", "main.js");
const RUN = `import(${JSON.stringify(pathToFileURL(MAIN).href)}).then(({ main }) => main(process.argv.slice(1)))`;

export class RigProcess {
  readonly events: SeenEvent[] = [];
  /** Lines of stdout that are no JSON object: there must be none. */
  readonly strayLines: string[] = [];
  stderr = "";
  /** Exit code, or the signal's name. */
  readonly exit: Promise<number | string>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #watchers = new Set<() => void>();

  constructor(...words: string[]) {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm test compiles before it tests`);
    this.#child = spawn(process.execPath, ["-e", RUN, "--", ...words]);
    const lines = createInterface({ input: this.#child.stdout });
    lines.on("line", (line) => {
      try {
        this.events.push(JSON.parse(line) as SeenEvent);
      } catch {
        this.strayLines.push(line);
      }
      for (const check of this.#watchers) check();
    });
    this.#child.stderr.on("data", (text: Buffer) => {
      this.stderr += text.toString();
    });
    const allRead = new Promise<void>((resolve) => lines.once("close", resolve));
    this.exit = new Promise((resolve) => {
      this.#child.once(
        "close",
        (code, signal) => void allRead.then(() => resolve(code ?? signal ?? "unknown")),
      );
    });
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#child.kill(signal);
  }

  all(event: string, meter?: string): SeenEvent[] {
    return this.events.filter(
      (seen) => seen.event === event && (meter === undefined || seen.meter === meter),
    );
  }

  /** Resolves when `condition` holds; rejects after `limitMs` with what was seen last. */
  until(what: string, condition: () => boolean, limitMs = 15_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        if (error === undefined) resolve();
        else reject(error);
      };
      const check = () => {
        if (condition()) settle();
      };
      const timer = setTimeout(() => {
        const last = this.events.slice(-5).map((event) => JSON.stringify(event));
        settle(new Error(`not within ${limitMs} ms: ${what}\n${last.join("\n")}\n${this.stderr}`));
      }, limitMs);
      this.#watchers.add(check);
      check();
    });
  }
}
