/**
 * Finds the modem on its line, whatever state it was left in: a line -> a channel on which AT is answered, at the configured rate
 * if that can be had.
 * A modem that answers at once costs one AT. Otherwise it may be in the middle of an SMS, of a CIPSEND, in transparent mode, at
 * another rate, switched off, or no modem at all.
 * Source: SIM900 AT Command Manual V1.03 (IPR, +++); AN_SIM900_TCPIP V1.02 (guard times of +++); SIM900 Hardware Design
 * V1.05 (PWRKEY).
 */
import { type Clock, sleep } from "../core/clock.js";
import { ModemError } from "../core/errors.js";
import type { SerialLine } from "../core/serial-line.js";
import type { AtCommand, AtPort } from "./at-command.js";
import { at, fixedBaud, store } from "./sim900-commands.js";

/** What the search needs of a channel. */
export interface SearchChannel extends AtPort {
  writeRaw(bytes: Uint8Array): Promise<void>;
  readonly strayBytes: number;
  close(): Promise<void>;
}

/** Presses the modem's PWRKEY. */
export interface PowerKey {
  press(forMs: number, signal: AbortSignal): Promise<void>;
}

export interface FindOptions<Channel extends SearchChannel> {
  /** tcp: what stands at its end sets the rate, which is neither searched nor changed: it would hear the modem no more. */
  readonly line: Pick<SerialLine, "name" | "kind">;
  readonly baudBps: number;
  /** One that is open already, or null. It is closed if another rate has to be tried. */
  readonly channel: Channel | null;
  /** Opens the line anew. Rejects with a PortError. */
  readonly openChannel: (baudBps: number) => Promise<Channel>;
  readonly powerKey: PowerKey | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What is being tried, for the person who waits. */
  readonly say: (detail: string) => void;
}

/** After the configured one, the likely ones first [Bd]. */
const OTHER_RATES_BPS = [9600, 115_200, 19_200, 57_600, 38_400, 4800, 2400, 1200];
/** An AT is answered within some 20 ms; at 1200 baud its 9 bytes alone take 75 ms. */
const ANSWER_WITHIN_MS = 400;
/** The first AT after power-on or a change of the rate may be eaten by autobauding. */
const QUICK_TRIES = 2;
const ESCAPE = Uint8Array.of(0x1b);
/** Silence before and after +++; the document's 1000 ms and something over. */
const GUARD_MS = 1100;
/** More than the largest AT+CIPSEND can still wait for (1460 B), in pieces after which an AT is tried. */
const FILL_PIECES = 6;
const FILL_PIECE = new Uint8Array(256).fill(0x0d);
/** A filled CIPSEND is sent before AT is answered again: a round trip over GPRS. */
const TRIES_AFTER_FILL = 10;
/** Longer than the 1 s that switches the module on. */
const KEY_PRESS_MS = 1200;
/** From the key to a serial line that answers. */
const BOOT_MS = 5000;

/**
 * @returns a channel on which an AT was answered, at the configured rate unless the modem could not be set to that
 * @throws ModemError "modem/no-answer", "modem/not-a-modem"; PortError; the signal's reason. The line is closed then.
 */
export async function findModem<Channel extends SearchChannel>(
  options: FindOptions<Channel>,
): Promise<Channel> {
  const search = new Search(options);
  try {
    return await search.run();
  } catch (error) {
    await search.close();
    throw error;
  }
}

class Search<Channel extends SearchChannel> {
  readonly #options: FindOptions<Channel>;
  #channel: Channel | null;
  /** Bytes that were heard in this search and meant nothing, on channels that are closed. */
  #strayBytes = 0;
  /** What the present channel had heard before. */
  #strayBytesBefore: number;
  #refusals = 0;

  constructor(options: FindOptions<Channel>) {
    this.#options = options;
    this.#channel = options.channel;
    this.#strayBytesBefore = options.channel?.strayBytes ?? 0;
  }

  async run(): Promise<Channel> {
    try {
      return await this.#search();
    } catch (error) {
      const isLost = error instanceof ModemError && error.code === "modem/lost";
      if (!isLost || this.#options.line.kind !== "tcp") throw error;
      await this.close();
      throw this.#heardOther ? this.#notAModem("and hangs up without having answered AT with OK") : error;
    }
  }

  async #search(): Promise<Channel> {
    const { baudBps, powerKey, clock, signal, say } = this.#options;
    const channel = this.#channel ?? (await this.#open(baudBps));
    if (await this.#answers(channel, QUICK_TRIES)) return channel;
    say(`no answer to AT on ${this.#where(`${baudBps} baud`)}: it may be in the middle of something`);
    if (await this.#interrupt(channel)) return channel;
    const found = await this.#tryOtherRates();
    if (found !== null) return found;
    if (powerKey !== null) {
      say(`no answer to AT on ${this.#where("any rate")}: pressing PWRKEY for ${KEY_PRESS_MS} ms`);
      await powerKey.press(KEY_PRESS_MS, signal);
      const booting = await this.#open(baudBps);
      await sleep(clock, BOOT_MS, signal);
      if (await this.#answers(booting, TRIES_AFTER_FILL)) return booting;
      const foundOn = await this.#tryOtherRates();
      if (foundOn !== null) return foundOn;
    }
    throw await this.#failure();
  }

  async close(): Promise<void> {
    if (this.#channel === null) return;
    this.#strayBytes += this.#channel.strayBytes - this.#strayBytesBefore;
    const channel = this.#channel;
    this.#channel = null;
    await channel.close();
  }

  async #open(baudBps: number): Promise<Channel> {
    await this.close();
    this.#strayBytesBefore = 0;
    this.#channel = await this.#options.openChannel(baudBps);
    return this.#channel;
  }

  async #answers(channel: Channel, tries: number): Promise<boolean> {
    const { signal } = this.#options;
    for (let left = tries; left > 0; left -= 1) {
      try {
        await channel.run(at(ANSWER_WITHIN_MS), signal);
        return true;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ModemError) || error.code === "modem/lost") throw error;
        // ERROR is an answer as well, to what an earlier program had typed before our AT: the next one is clean.
        if (error.code === "modem/refused") this.#refusals += 1;
      }
    }
    return false;
  }

  /** Out of a half-typed SMS, transparent mode and a half-filled CIPSEND. Never Ctrl-Z, which would send the SMS. */
  async #interrupt(channel: Channel): Promise<boolean> {
    const { clock, signal } = this.#options;
    await channel.writeRaw(ESCAPE);
    if (await this.#answers(channel, QUICK_TRIES)) return true;
    await sleep(clock, GUARD_MS, signal);
    await channel.writeRaw(Buffer.from("+++", "latin1"));
    await sleep(clock, GUARD_MS, signal);
    if (await this.#answers(channel, 1)) return true;
    for (let piece = 0; piece < FILL_PIECES; piece += 1) {
      // An empty line says nothing to a modem that listens, and fills the CIPSEND of one that does not.
      await channel.writeRaw(FILL_PIECE);
      await sleep(clock, this.#lineTimeMs(FILL_PIECE.length), signal);
      if (await this.#answers(channel, 1)) return true;
    }
    return this.#answers(channel, TRIES_AFTER_FILL);
  }

  async #tryOtherRates(): Promise<Channel | null> {
    if (this.#options.line.kind === "tcp") return null;
    for (const rateBps of this.#otherRates) {
      const channel = await this.#open(rateBps);
      if (await this.#answers(channel, QUICK_TRIES)) return await this.#setRate(channel, rateBps);
    }
    return null;
  }

  /** From the rate at which the modem was found to the configured one; back again where it is not heard there. */
  async #setRate(channel: Channel, foundBps: number): Promise<Channel> {
    const { baudBps, line, say } = this.#options;
    say(`the modem on ${line.name} speaks ${foundBps} baud: setting it to ${baudBps}`);
    const hint = `set modem.baud to ${foundBps}, or check that the adapter can do ${baudBps} baud`;
    if (!(await this.#takes(channel, fixedBaud(baudBps)))) {
      say(`the modem on ${line.name} refuses AT+IPR=${baudBps}: going on at ${foundBps} baud; ${hint}`);
      return channel;
    }
    const changed = await this.#open(baudBps);
    if (await this.#answers(changed, TRIES_AFTER_FILL)) {
      await this.#takes(changed, store());
      return changed;
    }
    const back = await this.#open(foundBps);
    const what = `the modem on ${line.name} took AT+IPR=${baudBps} at ${foundBps} baud, and is silent at ${baudBps} baud`;
    if (!(await this.#answers(back, QUICK_TRIES))) {
      throw new ModemError("modem/no-answer", `${what} and at ${foundBps} baud`, { hint });
    }
    say(`${what}: going on at ${foundBps} baud; ${hint}`);
    return back;
  }

  /** @returns false where the modem refuses the command */
  async #takes(channel: Channel, command: AtCommand<void>): Promise<boolean> {
    try {
      await channel.run(command, this.#options.signal);
      return true;
    } catch (error) {
      if (error instanceof ModemError && error.code === "modem/refused") return false;
      throw error;
    }
  }

  get #otherRates(): readonly number[] {
    return OTHER_RATES_BPS.filter((other) => other !== this.#options.baudBps);
  }

  /** Something was heard that no modem says. */
  get #heardOther(): boolean {
    return this.#strayBytes > 0 || this.#refusals > 0;
  }

  /** @param rates is left out where the rate is not ours */
  #where(rates: string): string {
    const { name, kind } = this.#options.line;
    return kind === "tcp" ? name : `${name} at ${rates}`;
  }

  #notAModem(what: string): ModemError {
    const { name, kind } = this.#options.line;
    const hint =
      kind === "tcp"
        ? "check that modem.port is the address of the modem's device server, and that this is set to the modem's baud rate"
        : "check that modem.port is the modem's and not an Arduino's";
    return new ModemError(
      "modem/not-a-modem",
      `something speaks on ${name} (${this.#strayBytes} bytes), ${what}`,
      { hint },
    );
  }

  async #failure(): Promise<ModemError> {
    const { line, baudBps, powerKey } = this.#options;
    await this.close();
    const rates = `${[baudBps, ...this.#otherRates].join(", ")} baud`;
    if (this.#heardOther) {
      return this.#notAModem(
        line.kind === "tcp" ? "but does not answer AT with OK" : `but does not answer AT with OK at ${rates}`,
      );
    }
    return new ModemError(
      "modem/no-answer",
      `no answer to AT on ${this.#where(rates)}, nor after ESC, +++ and ${FILL_PIECES * FILL_PIECE.length} bytes of filling` +
        (powerKey === null ? "" : `, nor after ${KEY_PRESS_MS} ms of PWRKEY`),
      {
        hint:
          line.kind === "tcp"
            ? "check the modem's supply (5 V / 2 A), its wires to the device server, the baud rate that is set there, and that PWRKEY was pressed for more than 1 s"
            : "check the modem's supply (5 V / 2 A), its cable, TX and RX (crossed: TX to RXD), and that PWRKEY was pressed for more than 1 s",
      },
    );
  }

  #lineTimeMs(bytes: number): number {
    return (bytes * 10_000) / this.#options.baudBps;
  }
}
