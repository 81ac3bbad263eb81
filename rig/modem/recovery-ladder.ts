/**
 * What to do after a failure of the link, and how long to wait before it: pure, failures in, steps out.
 * A rung is tried twice before the next; a failure that shows where the trouble sits starts at the rung that mends it.
 * Source: AN_SIM900_TCPIP V1.02 section 11 for the order of the rungs; the pauses keep the network from rejecting the SIM.
 */
import { RECOVERY_RUNGS, type RecoveryRung } from "../core/events.js";

/**
 * connection: a socket failed that had carried bytes both ways, so that everything below it works.
 * tcp: no connection, or one that brought nothing. pdp: no context, or the network took it away. attach: no packet service.
 * unregistered: no network for hours. silent: the modem does not answer, so that no command can mend it. restarted: it has restarted by itself or was switched off, and the bring-up is all that it needs.
 */
export type LinkFailure = "connection" | "tcp" | "pdp" | "attach" | "unregistered" | "silent" | "restarted";

const FIRST_RUNG: Record<Exclude<LinkFailure, "restarted">, RecoveryRung> = {
  connection: "mqtt",
  tcp: "tcp",
  pdp: "pdp",
  attach: "attach",
  unregistered: "restart",
  silent: "power-key",
};

const TRIES_PER_RUNG = 2;
/** The first failure is answered quickly, after 1 to 2 s: most are a broker or a cell that is back at once [ms]. */
const QUICK_PAUSE_MS = 1000;
/** Pause after the second failure, doubled with each that follows, up to the longest [ms]. */
const SECOND_PAUSE_MS = 5000;
/** What troubles the network least is tried most often: a connection costs it nothing, an attach may cost the SIM its welcome [ms]. */
const LONGEST_PAUSE_MS: Record<RecoveryRung | "none", number> = {
  none: 30_000,
  mqtt: 30_000,
  tcp: 60_000,
  pdp: 120_000,
  attach: 600_000,
  restart: 600_000,
  "power-key": 600_000,
};
/** A pause is varied by this part up or down, so that many rigs do not come back all at once [1]. */
const JITTER = 0.2;
/** How long a link has to last until the failures before it are forgotten; CONNECT OK alone proves nothing [ms]. */
export const STABLE_AFTER_MS = 180_000;

export interface LadderState {
  /** The rung that was tried last; null before any. */
  readonly rung: RecoveryRung | null;
  readonly triesOnRung: number;
  /** The last failure was a modem that did not answer. */
  readonly wasSilent: boolean;
  /** Failures since the link was stable. */
  readonly failures: number;
}

/** Where the ladder stands at the start, and again when the link has been stable for STABLE_AFTER_MS. */
export const LADDER_START: LadderState = { rung: null, triesOnRung: 0, wasSilent: false, failures: 0 };

/** A connection has carried bytes both ways: what fails now is a new trouble, and half of the old failures are forgotten. */
export function afterWorking({ failures }: LadderState): LadderState {
  return { ...LADDER_START, failures: failures >> 1 };
}

export interface RecoveryStep {
  /** null: the modem has restarted by itself; it is brought up as it is. */
  readonly rung: RecoveryRung | null;
  /** To be waited before it [ms]. */
  readonly pauseMs: number;
}

/**
 * @param hasPowerKey whether the rig can press PWRKEY; without it a restart is the last rung
 * @param random from 0 up to 1, for the jitter of the pause
 */
export function nextStep(
  state: LadderState,
  failure: LinkFailure,
  hasPowerKey: boolean,
  random: () => number,
): { readonly state: LadderState; readonly step: RecoveryStep } {
  const failures = state.failures + 1;
  if (failure === "restarted") {
    const pauseMs = failures === 1 ? 0 : pauseAfter(failures, LONGEST_PAUSE_MS.none, random);
    return { state: { ...state, failures }, step: { rung: null, pauseMs } };
  }
  const { rung, triesOnRung } = climb(state, failure, hasPowerKey);
  return {
    state: { rung, triesOnRung, wasSilent: failure === "silent", failures },
    step: { rung, pauseMs: pauseAfter(failures, LONGEST_PAUSE_MS[rung], random) },
  };
}

function climb(
  { rung, triesOnRung, wasSilent }: LadderState,
  failure: Exclude<LinkFailure, "restarted">,
  hasPowerKey: boolean,
): { rung: RecoveryRung; triesOnRung: number } {
  const needed = FIRST_RUNG[failure];
  const first = needed === "power-key" && !hasPowerKey ? "restart" : needed;
  // Bytes have gone both ways, or the modem answers again: what was mended on a higher rung is not what fails now.
  const isNew = rung === null || failure === "connection" || (wasSilent && failure !== "silent");
  if (isNew) return { rung: first, triesOnRung: rung === first ? triesOnRung + 1 : 1 };
  if (RECOVERY_RUNGS.indexOf(first) > RECOVERY_RUNGS.indexOf(rung)) return { rung: first, triesOnRung: 1 };
  if (triesOnRung < TRIES_PER_RUNG) return { rung, triesOnRung: triesOnRung + 1 };
  const higher = RECOVERY_RUNGS[RECOVERY_RUNGS.indexOf(rung) + 1];
  // Not even the last one helped: the trouble is elsewhere, and a modem that is switched off every time would not see it end.
  const isLast = higher === undefined || (higher === "power-key" && !hasPowerKey);
  return { rung: isLast ? first : higher, triesOnRung: 1 };
}

function pauseAfter(failures: number, longestMs: number, random: () => number): number {
  if (failures === 1) return QUICK_PAUSE_MS * (1 + random());
  const growing = SECOND_PAUSE_MS * 2 ** Math.min(failures - 2, 30);
  return Math.min(longestMs, growing) * (1 - JITTER + 2 * JITTER * random());
}
