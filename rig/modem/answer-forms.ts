/**
 * The forms that answers have, as matchers: what a command's answer looks like and what it is worth.
 * Source: SIM900 AT Command Manual V1.03, 1.4 (information, then the final result).
 */
import type { AtCommand, AtElement, Verdict } from "./at-command.js";

export type Matcher<T> = (element: AtElement) => Verdict<T>;

export const MORE = { kind: "more" } as const;
export const FOREIGN = { kind: "foreign" } as const;

export function done<T>(value: T): Verdict<T> {
  return { kind: "done", value };
}

/** Nothing but the final result, "OK" if left out. */
export function finalOnly(final = "OK"): () => Matcher<void> {
  return () => (element) => (element.type === "line" && element.text === final ? done(undefined) : FOREIGN);
}

/** One line of information of this form, then OK. Without it the value is that of `missing`, or the command is refused. */
export function informationThenOk<T>(
  form: RegExp,
  value: (match: RegExpExecArray) => T,
  missing?: () => T,
): () => Matcher<T> {
  return () => {
    let found: { readonly value: T } | null = null;
    return (element) => {
      if (element.type !== "line") return FOREIGN;
      if (element.text === "OK") {
        if (found !== null) return done(found.value);
        return missing === undefined ? { kind: "refused", text: "OK without an answer" } : done(missing());
      }
      const match = found === null ? form.exec(element.text) : null;
      if (match === null) return FOREIGN;
      found = { value: value(match) };
      return MORE;
    };
  };
}

/** A command that only sets something. */
export function setting(text: string, timeoutMs: number): AtCommand<void> {
  return { text, timeoutMs, match: finalOnly() };
}

/**
 * Text in the quotes of a command.
 * @throws RangeError that names what, but not the text, which may be a secret
 */
export function quoted(text: string, what: string, longest: number): string {
  if (!/^[ !#-~]*$/.test(text) || text.length > longest) {
    throw new RangeError(`${what}: at most ${longest} printable ASCII characters without quotes`);
  }
  return `"${text}"`;
}

/** @throws RangeError */
export function wholeNumber(value: number, low: number, high: number, what: string): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`${what} ${value}: a whole number from ${low} to ${high}`);
  }
  return value;
}
