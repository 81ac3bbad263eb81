/** The line to the modem over its openings: which channel is open now, and what was heard on all of them. */
import type { Clock } from "../core/clock.js";
import type { ModemError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import type { SerialLine } from "../core/serial-line.js";
import { AtChannel } from "./at-channel.js";
import type { Unsolicited } from "./at-command.js";
import { AtTrace } from "./at-trace.js";
import { findModem, type PowerKey } from "./find-modem.js";

export interface ModemLineOptions {
  readonly line: SerialLine;
  readonly clock: Clock;
  readonly secrets: readonly string[];
  /** Where `at` events go; null: they are not wanted. */
  readonly emit: EmitEvent | null;
  readonly onUnsolicited: (said: Unsolicited) => void;
  /** The open line is gone, and nobody here has closed it. */
  readonly onLost: (loss: ModemError) => void;
}

export class ModemLine {
  readonly #options: ModemLineOptions;
  readonly #trace: AtTrace;
  #channel: AtChannel | null = null;
  #finding = false;
  /** Of the channels that are closed. */
  #pastStrayBytes = 0;

  constructor(options: ModemLineOptions) {
    this.#options = options;
    const { emit, secrets } = options;
    this.#trace = new AtTrace(secrets, (shown) => emit?.({ event: "at", ...shown }));
  }

  /** Open, and the modem was found on it; null between. */
  get channel(): AtChannel | null {
    return this.#finding ? null : this.#channel;
  }

  /** Bytes that nothing explains, since the start. */
  get strayBytes(): number {
    return this.#pastStrayBytes + (this.#channel?.strayBytes ?? 0);
  }

  /** Adds a text that may never be shown. */
  hide(secret: string): void {
    this.#trace.hide(secret);
  }

  /** What was on the wire, as it may be shown: without secrets. */
  show(raw: string): string {
    return this.#trace.show(raw);
  }

  /** @returns a channel on which the modem answers. Rejects as findModem does; the line is closed then. */
  async find(options: {
    readonly baudBps: number;
    readonly powerKey: PowerKey | null;
    readonly signal: AbortSignal;
    readonly say: (detail: string) => void;
  }): Promise<AtChannel> {
    const { line, clock } = this.#options;
    this.#finding = true;
    try {
      return await findModem({
        ...options,
        line,
        clock,
        channel: this.#channel,
        openChannel: (baudBps) => this.#open(baudBps, options.signal),
      });
    } catch (error) {
      this.#retire();
      throw error;
    } finally {
      this.#finding = false;
    }
  }

  async close(): Promise<void> {
    const channel = this.#channel;
    this.#retire();
    await channel?.close();
  }

  async #open(baudBps: number, signal: AbortSignal): Promise<AtChannel> {
    this.#retire();
    const { line, clock, emit, onUnsolicited, onLost } = this.#options;
    const stream = await line.open(baudBps, signal);
    const channel = new AtChannel(stream, {
      clock,
      onUnsolicited,
      onTrace: (entry) => {
        if (emit !== null) this.#trace.add(entry);
      },
    });
    this.#channel = channel;
    void channel.closed.then((loss) => {
      if (this.channel === channel) onLost(loss);
    });
    return channel;
  }

  #retire(): void {
    this.#pastStrayBytes += this.#channel?.strayBytes ?? 0;
    this.#channel = null;
  }
}
