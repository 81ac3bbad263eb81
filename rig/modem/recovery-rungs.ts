/** What each rung of the recovery ladder does to the modem. Source: AN_SIM900_TCPIP V1.02 section 11. */
import { type Clock, sleep } from "../core/clock.js";
import { describeError, ModemError } from "../core/errors.js";
import type { RecoveryRung } from "../core/events.js";
import { trace } from "../core/log.js";
import type { AtCommand, AtPort } from "./at-command.js";
import type { PowerKey } from "./find-modem.js";
import { attach, restart } from "./sim900-commands.js";
import { close, shut } from "./sim900-tcp.js";

const log = trace("rig:modem:rungs");

/** For the person at the bench. */
export const RUNG_IN_WORDS: Record<RecoveryRung, string> = {
  mqtt: "connecting anew",
  tcp: "closing the modem's socket and connecting anew",
  pdp: "shutting the context down and bringing it up anew",
  attach: "leaving the packet service and joining it anew",
  restart: "restarting the modem (AT+CFUN=1,1)",
  "power-key": "switching the modem off and on by PWRKEY",
};

/** Log-off after the key, until it can be switched on again. Source: SIM900 Hardware Design V1.05: 1.7 s and 0.8 s. */
const SWITCH_OFF_MS = 3000;
const KEY_PRESS_MS = 1200;

export interface RungOptions {
  readonly port: AtPort;
  readonly powerKey: PowerKey | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Does what restarts the modem; if that was taken, resolves when the modem has restarted, or should have. */
  readonly expectRestart: (cause: () => Promise<boolean>) => Promise<void>;
}

/** A command that fails is passed over: what the rung could not mend shows in what follows. Rejects with the signal's reason. */
export async function performRung(
  rung: RecoveryRung,
  { port, powerKey, clock, signal, expectRestart }: RungOptions,
): Promise<void> {
  const attempt = async (command: AtCommand<void>) => {
    try {
      await port.run(command, signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ModemError)) throw error;
      log("%s: %s", rung, describeError(error));
      return error.code === "modem/restarted";
    }
  };
  if (rung === "mqtt") return;
  if (rung === "tcp") {
    await attempt(close({ quick: true }));
  } else if (rung === "pdp" || rung === "attach") {
    await attempt(shut());
    if (rung === "attach") await attempt(attach(false));
  } else if (rung === "restart" || powerKey === null) {
    await expectRestart(() => attempt(restart()));
  } else {
    // It was on, or there would be nothing to recover: the first press switches it off, the second on.
    await powerKey.press(KEY_PRESS_MS, signal);
    await sleep(clock, SWITCH_OFF_MS, signal);
    await expectRestart(async () => {
      await powerKey.press(KEY_PRESS_MS, signal);
      return true;
    });
  }
}
