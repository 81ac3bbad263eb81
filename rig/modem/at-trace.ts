/**
 * What crosses the modem's wire -> entries that may be shown: secrets masked, unprintable bytes as \xHH.
 * Source: the form of the `at` event (core/events.ts).
 */
import type { AtEvent } from "../core/events.js";

export interface AtTraceEntry {
  readonly direction: AtEvent["direction"];
  readonly kind: AtEvent["kind"];
  /** Bytes as latin1, lines without their end, secrets and all: for AtTrace alone. */
  readonly raw: string;
}

const MASK = "****";

export class AtTrace {
  readonly #secrets = new Set<string>();
  readonly #emit: (shown: Omit<AtEvent, "event">) => void;
  /** End of the last payload of each direction, where a secret may have begun that the next one goes on with. */
  readonly #tail: Record<AtEvent["direction"], string> = { ">": "", "<": "" };

  /** @param secrets texts of which no occurrence is shown; empty ones are ignored */
  constructor(secrets: readonly string[], emit: (shown: Omit<AtEvent, "event">) => void) {
    for (const secret of secrets) this.hide(secret);
    this.#emit = emit;
  }

  /** From now on no occurrence of this text is shown either. */
  hide(secret: string): void {
    if (secret !== "") this.#secrets.add(Buffer.from(secret, "utf8").toString("latin1"));
  }

  /** A text of the wire as it may be shown. */
  show(raw: string): string {
    return render(raw, this.#hidden(raw));
  }

  add(entry: AtTraceEntry): void {
    const { direction, kind, raw } = entry;
    this.#emit({
      direction,
      kind,
      text: kind === "payload" ? this.#payload(direction, raw) : this.show(raw),
    });
  }

  /** A secret may be cut by the border of two payloads: what may be its beginning is masked as well. */
  #payload(direction: AtEvent["direction"], raw: string): string {
    const tail = this.#tail[direction];
    const all = tail + raw;
    const hidden = this.#hidden(all);
    for (const secret of this.#secrets) {
      for (let length = Math.min(secret.length - 1, all.length); length > 0; length -= 1) {
        if (all.endsWith(secret.slice(0, length))) hidden.fill(true, all.length - length);
      }
    }
    const longest = Math.max(0, ...[...this.#secrets].map((secret) => secret.length - 1));
    this.#tail[direction] = longest === 0 ? "" : all.slice(-longest);
    return render(raw, hidden.slice(tail.length));
  }

  #hidden(text: string): boolean[] {
    const hidden = Array<boolean>(text.length).fill(false);
    for (const secret of this.#secrets) {
      for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
        hidden.fill(true, at, at + secret.length);
      }
    }
    return hidden;
  }
}

function render(raw: string, hidden: readonly boolean[]): string {
  let text = "";
  for (let index = 0; index < raw.length; index += 1) {
    if (!hidden[index]) text += printable(raw[index]!);
    else if (!hidden[index - 1]) text += MASK;
  }
  return text;
}

/** @returns the character (latin1) itself, or \xHH where it cannot be printed, or is the backslash of these */
export function printable(character: string): string {
  if (character >= " " && character <= "~" && character !== "\\") return character;
  return `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
