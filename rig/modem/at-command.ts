/**
 * The words of the AT channel: what a command is, what comes back, what comes unasked. Types only.
 * Source: SIM900 AT Command Manual V1.03, chapters 1 and 8.
 */

/** What the reader makes of the modem's bytes. */
export type AtElement =
  /** A line without its line end, bytes as latin1. */
  | { readonly type: "line"; readonly text: string }
  /** `> ` at the start of a line, while a command waits for it. */
  | { readonly type: "prompt" }
  /** Counted bytes after a header line (+CIPRXGET: 2,...) or after `+IPD,<n>:`; the header comes before it as a line. */
  | { readonly type: "payload"; readonly bytes: Uint8Array };

/** What a matcher makes of one element of the answer. */
export type Verdict<T> =
  /** Belongs to the answer; more is to come. */
  | { readonly kind: "more" }
  /** The answer is whole. */
  | { readonly kind: "done"; readonly value: T }
  /** A final result that says no; +CME ERROR, +CMS ERROR and ERROR are refused by the channel itself before. */
  | { readonly kind: "refused"; readonly text: string }
  /** Not part of this answer. */
  | { readonly kind: "foreign" };

export interface AtCommand<T> {
  /** The line, without its CR. */
  readonly text: string;
  /** As it may be shown, where the text holds a secret: AT+CPIN=****. */
  readonly shown?: string;
  /** From the last byte written to the final result. */
  readonly timeoutMs: number;
  /** What a person should look at where no answer comes: "the antenna and the signal". */
  readonly check?: string;
  /** Written as it is when the prompt has come. */
  readonly payload?: Uint8Array;
  /** Written where the payload may have been lost: what makes the modem leave the prompt and harms nothing if it never was there. */
  readonly escape?: Uint8Array;
  /** At most so many counted bytes may come after `+CIPRXGET: 2,`; without it that line is a line like any other. */
  readonly pullsUpToBytes?: number;
  /** After one of these the final result may never come: the command then has 2 s more. */
  readonly endedBy?: readonly Unsolicited["kind"][];
  /** A new matcher for one run of the command: called for each element that is no echo, no error result, no clear URC. */
  readonly match: () => (element: AtElement) => Verdict<T>;
}

/** What the modem says unasked. */
export type Unsolicited =
  /** RDY: the module has started (again); everything volatile is lost. */
  | { readonly kind: "ready" }
  /** NORMAL, UNDER-VOLTAGE or OVER-VOLTAGE POWER DOWN, as it was said: the module is off. */
  | { readonly kind: "power-down"; readonly text: string }
  /** UNDER-VOLTAGE WARNNING and the like, as it was said. */
  | { readonly kind: "supply"; readonly text: string }
  /** CLOSED: the peer has ended the TCP connection. */
  | { readonly kind: "closed" }
  /** +PDP: DEACT: the network has taken the bearer away. */
  | { readonly kind: "pdp-deact" }
  /** +CIPRXGET: 1: bytes wait to be pulled. */
  | { readonly kind: "data-waiting" }
  /** +IPD: bytes pushed. */
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  /** +CREG, +CGREG: registration state 0 to 5. */
  | { readonly kind: "registration"; readonly network: "gsm" | "gprs"; readonly stat: number }
  /** +CPIN: READY, NOT READY, NOT INSERTED, SIM PIN ... */
  | { readonly kind: "sim"; readonly state: string }
  /** +CMTI: a message was stored at this index. */
  | { readonly kind: "message"; readonly storage: string; readonly index: number }
  /** *PSUTTZ, +CTZV, DST, *PSNWID, as they were said. */
  | { readonly kind: "network-time"; readonly text: string }
  /** Call Ready, SMS Ready, +CFUN, RING, and so on. */
  | { readonly kind: "notice"; readonly text: string }
  /** A final result of a command that was given up, or a line that nothing explains. */
  | { readonly kind: "stray"; readonly text: string };

/** The AT channel as the sequences, the socket and the messages use it: one command at a time, the others wait their turn. */
export interface AtPort {
  /**
   * @throws ModemError "modem/timeout" (no final result; `text` says of what), "modem/no-prompt", "modem/refused" (with
   * `result`: the meaning in words in its message), "modem/lost" (the line is gone, or RDY came); the signal's reason
   */
  run<T>(command: AtCommand<T>, signal?: AbortSignal): Promise<T>;
}
