/** Tells the starts of the modem that were to be expected from those that came by themselves, which are the supply's. */
import type { Clock } from "../core/clock.js";
import { Bell } from "./bell.js";

/** From AT+CFUN=1,1 to RDY takes 3 to 5 s; with autobaud it is not said. */
const RESTART_LIMIT_MS = 10_000;
/** From PWRKEY to RDY, with some to spare. */
const KEY_TO_RDY_MS = 10_000;
/** Some answer a little before their RDY. */
const ANSWER_TO_RDY_MS = 5000;

/** asked-for: a rung of the recovery waits for it. switched-on: somebody pressed PWRKEY, or gave it its supply. */
export type Start = "asked-for" | "switched-on" | "by-itself";

export class RestartWatch {
  readonly #clock: Clock;
  readonly #started: Bell;
  #restart: "unexpected" | "expected" | "seen" = "unexpected";
  /** Before the modem was found, a start of it is no news. */
  #mayStartUntilMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = new Bell(clock);
  }

  /** RDY */
  heard(): Start {
    if (this.#restart !== "unexpected") {
      this.#restart = "seen";
      this.#started.ring();
      return "asked-for";
    }
    return this.#clock.steadyMs() < this.#mayStartUntilMs ? "switched-on" : "by-itself";
  }

  /** It is off, or nobody knows what becomes of it: whenever it starts, somebody has switched it on. */
  mayBeOff(): void {
    this.#mayStartUntilMs = Number.POSITIVE_INFINITY;
  }

  /** It answers, so that it has started or is about to. */
  found(): void {
    this.#mayStartUntilMs = Math.min(this.#mayStartUntilMs, this.#clock.steadyMs() + ANSWER_TO_RDY_MS);
  }

  /** PWRKEY was pressed. */
  pressed(): void {
    this.#mayStartUntilMs = Math.max(this.#mayStartUntilMs, this.#clock.steadyMs() + KEY_TO_RDY_MS);
  }

  /** Does what restarts the modem; if that was taken, resolves when it has restarted, or should have. */
  async expect(cause: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    this.#restart = "expected";
    try {
      const taken = await cause();
      if (taken && this.#restart === "expected") await this.#started.wait(signal, RESTART_LIMIT_MS);
    } finally {
      this.#restart = "unexpected";
    }
  }
}
