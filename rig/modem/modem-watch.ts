/**
 * What goes on beside the connection, over the same channel: signal and operator, the network's time, messages, and whether the
 * modem is alive at all.
 */
import type { Clock } from "../core/clock.js";
import { describeError, ModemError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import { trace } from "../core/log.js";
import type { AtPort } from "./at-command.js";
import { readCoverage } from "./await-network.js";
import { isSilence } from "./link-failure.js";
import { Messages, prepareMessages } from "./messages.js";
import type { ModemReport } from "./modem-report.js";
import { NetworkTime } from "./network-time.js";
import { ModemRefusal } from "./result-codes.js";
import { at } from "./sim900-commands.js";

const log = trace("rig:modem:watch");

/** Signal and operator: some 100 bytes, 0.4 % of a line of 9600 baud. */
const LOOK_MS = 30_000;
const NETWORK_TIME_EVERY_MS = 3_600_000;

export interface ModemWatchOptions {
  readonly clock: Clock;
  readonly emit: EmitEvent;
  readonly report: ModemReport;
  /** Messages can be sent from now on. */
  readonly onMessages: () => void;
}

export class ModemWatch {
  readonly #options: ModemWatchOptions;
  readonly #networkTime: NetworkTime;
  #messages: Messages | null = null;
  #timeCheckedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ModemWatchOptions) {
    this.#options = options;
    const { clock, emit } = options;
    const zoneMinutes = () => -new Date(clock.nowMs()).getTimezoneOffset();
    this.#networkTime = new NetworkTime({ clock, zoneMinutes, emit });
  }

  /** null while the modem cannot send any. */
  get messages(): Messages | null {
    return this.#messages;
  }

  /** The modem has to be set up anew. */
  forget(): void {
    this.#messages = null;
  }

  /** *PSUTTZ and the like. */
  heardTime(text: string): void {
    this.#networkTime.heard(text);
  }

  /** +CMTI */
  heardMessage(index: number, signal: AbortSignal): void {
    this.#messages?.receive(index, signal).catch(logFailure);
  }

  /** Once the modem is registered: the network's time, and what messages need. Rejects as AtPort.run. */
  async begin(port: AtPort, signal: AbortSignal): Promise<void> {
    await this.#attend(port, signal, true);
  }

  async #attend(port: AtPort, signal: AbortSignal, isEarly: boolean): Promise<void> {
    const { clock } = this.#options;
    this.#networkTime.look();
    if (clock.steadyMs() - this.#timeCheckedMs >= NETWORK_TIME_EVERY_MS) {
      const isKnown = await this.#networkTime.check(port, signal, isEarly);
      if (isKnown || !isEarly) this.#timeCheckedMs = clock.steadyMs();
    }
    if (this.#messages === null) await this.#prepareMessages(port, signal);
  }

  /**
   * Looks again and again, until the returned function is called.
   * @param onSilent the modem does not answer any more
   */
  keepLooking(port: AtPort, signal: AbortSignal, onSilent: (reason: ModemError) => void): () => void {
    const { report } = this.#options;
    const sayCoverage = report.sayCoverage.bind(report);
    let looking = false;
    let stopped = false;
    const look = async () => {
      if (looking) return;
      looking = true;
      try {
        await readCoverage({ port, signal, sayCoverage });
        await this.#attend(port, signal, false);
      } catch (cause) {
        logFailure(cause);
        // A network that does not answer in time is no silent modem.
        if (signal.aborted || !isSilence(cause) || (await answers(port, signal).catch(() => true))) return;
        // A look outlives its link: what comes of it is not the next one's.
        if (stopped) return;
        onSilent(
          new ModemError("modem/silent", "the modem does not answer any more", {
            cause,
            hint: "check its supply and its cable; while a peer acknowledges nothing, the SIM900 itself is deaf for up to 645 s",
          }),
        );
      } finally {
        looking = false;
      }
    };
    const cancel = this.#options.clock.every(LOOK_MS, () => void look());
    return () => {
      stopped = true;
      cancel();
    };
  }

  /** A SIM may be ready for calls before it is for messages: then the next look tries again. */
  async #prepareMessages(port: AtPort, signal: AbortSignal): Promise<void> {
    const { emit, onMessages } = this.#options;
    try {
      await prepareMessages(port, signal);
    } catch (error) {
      if (!(error instanceof ModemRefusal)) throw error;
      logFailure(error);
      return;
    }
    this.#messages = new Messages({ port, emit });
    this.#messages.sweep(signal).catch(logFailure);
    onMessages();
  }
}

/** Whether the modem is there at all. Rejects with the signal's reason. */
export async function answers(port: AtPort, signal: AbortSignal): Promise<boolean> {
  try {
    await port.run(at(), signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    logFailure(error);
    return false;
  }
}

function logFailure(error: unknown): void {
  log("%s", describeError(error));
}
