/**
 * Waits for what a person or the network has to give: the SIM, its PIN, the registration. No failure here is mended by a
 * restart, so that none is made: the modem is looked at again, and what it says by itself is listened to.
 * Source: SIM900 AT Command Manual V1.03, AT+CPIN; 3GPP TS 27.007, +CREG.
 */
import { type Clock, sleep } from "../core/clock.js";
import { describeError, ModemError } from "../core/errors.js";
import type { ModemState } from "../core/events.js";
import type { AtPort } from "./at-command.js";
import { MOST_WRONG_PINS, type PinMemory } from "./pin-memory.js";
import { ModemRefusal, orRefused } from "./result-codes.js";
import { enterPin, operator, registration, signalQuality, simState } from "./sim900-commands.js";

/** A SIM is busy in the modem's first seconds. */
const SIM_BUSY_PAUSE_MS = 1000;
const SIM_BUSY_TRIES = 10;
/** How often a SIM that is missing or locked is looked at again. */
const SIM_LOOK_MS = 10_000;
/** How often a modem that is not registered is asked, beside what it says by itself. */
const REGISTRATION_LOOK_MS = 5000;
/** After this the person at the bench is told what to check. */
const LONG_SEARCH_MS = 60_000;
/** A modem that has searched for so long is restarted: some stay stuck. */
const SEARCH_LIMIT_MS = 7_200_000;
/** Registration states. */
const HOME = 1;
const DENIED = 3;
const ROAMING = 5;
/** +CME ERROR. Source: SIM900 AT Command Manual V1.03, chapter 19. */
const SIM_NOT_INSERTED = 10;
const SIM_FAILURE = 13;

export interface AwaitNetworkOptions {
  readonly port: AtPort;
  /** What modem.pinFile holds now; null where none is configured. Throws where it cannot be read. */
  readonly readPin: () => string | null;
  /** null where no PIN file is configured. */
  readonly pinMemory: PinMemory | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly say: (state: ModemState, detail: string) => void;
  readonly sayCoverage: (signal: number | null, operator: string | null) => void;
  /** Resolves when the modem says something of its SIM or its registration, or after the limit; rejects with the signal's reason. */
  readonly waitForNews: (limitMs: number) => Promise<void>;
}

/**
 * Until the modem is registered, home or roaming.
 * @throws ModemError "modem/not-registered" after two hours; StorageError where it cannot be remembered that a PIN was tried; as
 * AtPort.run
 */
export async function awaitNetwork(options: AwaitNetworkOptions): Promise<void> {
  const { port, clock, signal, say, waitForNews } = options;
  await awaitSim(options);
  const startMs = clock.steadyMs();
  for (;;) {
    const stat = await port.run(registration(), signal);
    if (isRegistered(stat)) break;
    const searchedMs = clock.steadyMs() - startMs;
    if (searchedMs >= SEARCH_LIMIT_MS) {
      throw new ModemError("modem/not-registered", `not registered within ${SEARCH_LIMIT_MS / 3_600_000} h`, {
        hint: "check the antenna and the SIM",
      });
    }
    // Signal and operator first, so that both are told at once.
    await readCoverage(options);
    say("searching", describeSearch(stat, searchedMs >= LONG_SEARCH_MS));
    await waitForNews(REGISTRATION_LOOK_MS);
    // A SIM that was taken out looks like a network that cannot be found.
    await awaitSim(options);
  }
  await readCoverage(options);
}

/** @param stat as AT+CREG? gives it */
export function isRegistered(stat: number): boolean {
  return stat === HOME || stat === ROAMING;
}

/** Asks for signal and operator, for the events. Rejects as AtPort.run, except that a refusal means unknown. */
export async function readCoverage({
  port,
  signal,
  sayCoverage,
}: Pick<AwaitNetworkOptions, "port" | "signal" | "sayCoverage">): Promise<void> {
  const rssi = await port.run(signalQuality(), signal).catch(orRefused(null));
  sayCoverage(rssi, await port.run(operator(), signal).catch(orRefused(null)));
}

function describeSearch(stat: number, isLong: boolean): string {
  if (stat === DENIED) {
    return "the network refuses the SIM (AT+CREG? says 3): check that the SIM is activated and paid, and that its operator still serves 2G";
  }
  return isLong
    ? `not registered after ${LONG_SEARCH_MS / 1000} s (AT+CREG? says ${stat}): check the antenna, and that the SIM's operator still serves 2G here`
    : `searching for the network (AT+CREG? says ${stat})`;
}

/** Until the SIM is there and open; what is in the way is said. */
async function awaitSim(options: AwaitNetworkOptions): Promise<void> {
  for (;;) {
    try {
      await openSim(options);
      return;
    } catch (error) {
      if (!(error instanceof ModemError && SIM_TROUBLES.includes(error.code))) throw error;
      options.say("sim", describeError(error));
      await options.waitForNews(SIM_LOOK_MS);
    }
  }
}

const SIM_TROUBLES = [
  "modem/no-sim",
  "modem/sim-busy",
  "modem/pin-wanted",
  "modem/pin-refused",
  "modem/puk-wanted",
];

/**
 * Enters the PIN where it is wanted: once, never again when it was refused, and never a third one. A PUK is left to a person.
 * @throws ModemError "modem/no-sim", "modem/sim-busy", "modem/pin-wanted", "modem/pin-refused", "modem/puk-wanted"; as AtPort.run
 */
async function openSim(options: AwaitNetworkOptions): Promise<void> {
  const { port, signal, pinMemory } = options;
  let state = await readSimState(options);
  if (state === "SIM PIN") {
    const pin = readPin(options);
    if (pin === null || pinMemory === null) {
      throw new ModemError("modem/pin-wanted", "the SIM wants its PIN, and no modem.pinFile is configured", {
        hint: "write the PIN into a file that you alone can read and name it as modem.pinFile, or switch the PIN off in a phone",
      });
    }
    if (pinMemory.objection(pin) !== null) throw pinRefused(pinMemory, pin);
    pinMemory.remember(pin);
    try {
      await port.run(enterPin(pin), signal);
    } catch (error) {
      throw error instanceof ModemRefusal ? pinRefused(pinMemory, pin, error) : error;
    }
    for (let tries = 0; state === "SIM PIN" && tries < SIM_BUSY_TRIES; tries += 1) {
      await sleep(options.clock, SIM_BUSY_PAUSE_MS, signal);
      state = await readSimState(options);
    }
    if (state === "SIM PIN") throw pinRefused(pinMemory, pin);
  }
  if (state === "READY") {
    pinMemory?.forget();
    return;
  }
  if (/PUK/.test(state)) {
    throw new ModemError(
      "modem/puk-wanted",
      `the SIM is locked: it wants its ${state.replace(/^SIM /, "")}`,
      {
        hint: "put it into a phone and unlock it there; ten wrong PUKs destroy it, so that the rig does not try",
      },
    );
  }
  throw new ModemError("modem/no-sim", `the modem has no SIM that it can use (AT+CPIN? says ${state})`, {
    hint: "switch the modem off, put the SIM in, switch it on again; many modules look for it only at their start",
  });
}

/** @returns as AT+CPIN? says it, once the SIM is not busy any more; after a PIN it is for some seconds */
async function readSimState({ port, clock, signal }: AwaitNetworkOptions): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await port.run(simState(), signal);
    } catch (error) {
      if (!(error instanceof ModemRefusal)) throw error;
      const number = error.result?.number;
      if (number === SIM_NOT_INSERTED || number === SIM_FAILURE) return error.result?.meaning ?? "";
      if (tries >= SIM_BUSY_TRIES) {
        throw new ModemError(
          "modem/sim-busy",
          `the SIM could not be read for ${SIM_BUSY_TRIES} s: ${error.message}`,
          {
            cause: error,
            hint: "check that the SIM sits well in its holder",
          },
        );
      }
    }
    await sleep(clock, SIM_BUSY_PAUSE_MS, signal);
  }
}

/** @throws ModemError "modem/pin-wanted" where the file cannot be read or holds no PIN: a person may be at it just now */
function readPin({ readPin }: AwaitNetworkOptions): string | null {
  let pin: string | null;
  try {
    pin = readPin();
  } catch (cause) {
    throw new ModemError(
      "modem/pin-wanted",
      `the SIM wants its PIN, and modem.pinFile gives none: ${(cause as Error).message}`,
      { cause, hint: "write the PIN, 4 to 8 digits, into that file; it is looked at again every 10 s" },
    );
  }
  if (pin === null || /^\d{4,8}$/.test(pin)) return pin;
  throw new ModemError("modem/pin-wanted", "the SIM wants its PIN, and the file modem.pinFile holds none", {
    hint: "a PIN is 4 to 8 digits, and the file holds nothing else; it is looked at again every 10 s",
  });
}

function pinRefused(memory: PinMemory, pin: string, cause?: unknown): ModemError {
  const inPhone = `put the SIM into a phone, enter its right PIN there, and switch the PIN off, or correct modem.pinFile and delete ${memory.file}`;
  const objection = memory.objection(pin);
  if (objection === "too-many") {
    return new ModemError(
      "modem/pin-refused",
      `the SIM did not take ${MOST_WRONG_PINS} PINs of modem.pinFile, and a third wrong one would lock it: no other is tried`,
      { cause, hint: inPhone },
    );
  }
  if (objection === "unreadable") {
    return new ModemError(
      "modem/pin-refused",
      `no PIN is tried, since ${memory.file} does not tell which were refused already, and three wrong ones lock the SIM`,
      { cause, hint: inPhone },
    );
  }
  return new ModemError("modem/pin-refused", "the SIM did not take the PIN of modem.pinFile", {
    cause,
    hint: `it is not tried again, since three wrong ones lock the SIM: write the right one into the file, one other is tried (or, if this one is right, delete ${memory.file})`,
  });
}
