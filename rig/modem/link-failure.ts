/** An error of the link -> where the trouble sits, for the recovery ladder. */
import { ModemError, PortError, StorageError } from "../core/errors.js";
import { SUPPLY_HINT } from "./modem-report.js";
import type { LinkFailure } from "./recovery-ladder.js";

const FAILURES: Readonly<Record<string, LinkFailure>> = {
  "modem/restarted": "restarted",
  "modem/off": "restarted",
  "modem/pdp-deact": "pdp",
  "modem/no-context": "pdp",
  "modem/wrong-state": "pdp",
  "modem/refused": "pdp",
  "modem/not-attached": "attach",
  "modem/silent": "silent",
  "modem/timeout": "silent",
  "modem/not-registered": "unregistered",
};

/** @param carriedBothWays whether the socket that failed had done so */
export function linkFailureOf(error: unknown, carriedBothWays: boolean): LinkFailure {
  const known = error instanceof ModemError ? FAILURES[error.code] : undefined;
  return known ?? (carriedBothWays ? "connection" : "tcp");
}

/** No answer in time: of one command, or of the whole modem. */
export function isSilence(error: unknown): boolean {
  return error instanceof ModemError && ["modem/silent", "modem/timeout"].includes(error.code);
}

/** PWRKEY cannot be pressed: the board that presses it is not there. */
export function isKeyAway(error: unknown): error is ModemError {
  return error instanceof ModemError && error.code === "modem/no-power-key";
}

/** The line, or what is at its end, is for a person to mend: no rung helps. */
export function isForAPerson(error: unknown): boolean {
  if (error instanceof PortError || error instanceof StorageError) return true;
  return (
    error instanceof ModemError && ["modem/lost", "modem/no-answer", "modem/not-a-modem"].includes(error.code)
  );
}

/** For AT+CIPSTATUS in IP INITIAL where a context was up: one that the network takes away leaves PDP DEACT behind. */
export function restartedUnheard(): ModemError {
  return new ModemError(
    "modem/restarted",
    "the modem restarted by itself: its context is gone (IP INITIAL)",
    {
      hint: SUPPLY_HINT,
    },
  );
}
