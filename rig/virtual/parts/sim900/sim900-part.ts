/**
 * A SIM900 module on its carrier board, seen from outside: supply, PWRKEY, SIM holder, antenna, serial line.
 * Keeps what survives a loss of supply (stored profile, SIM card); each start gets a firmware of its own.
 * Source: SIM900 Hardware Design V1.05 (PWRKEY, power-down); SIM900 AT Command Manual V1.03, 1.4 (boot).
 */
import type { Clock } from "../../../core/clock.js";
import { Firmware } from "./firmware.js";
import type { Latency } from "./latency.js";
import type { MobileNetwork } from "./network.js";
import { ModuleClock } from "./network-time.js";
import { PowerScope } from "./power-scope.js";
import { factoryProfile, type Profile } from "./settings.js";
import { SimCard } from "./sim-card.js";
import type { Uart } from "./uart.js";

/** What the module says to its maker's download tool at power-on, at this rate whatever it is set to. */
const BOOT_NOISE = Uint8Array.of(0x00, 0x49, 0x49, 0x49, 0x49, 0xff, 0xff, 0xff, 0xff);
const BOOT_NOISE_BAUD_BPS = 115_200;
const BOOT_NOISE_MS = 100;
/** From power to a live serial line: 2 to 3 s. */
const BOOT_MS = 2200;
/** PWRKEY low for longer than this switches on, or off. */
const POWER_KEY_MS = 1000;
/** For the answer to leave the line before a restart that was asked for. */
const ANSWER_MS = 50;
/** Log-off from the network before it is really off. */
const LOG_OFF_MS = 1700;

export interface Sim900Options {
  readonly clock: Clock;
  readonly latency: Latency;
  readonly network: MobileNetwork;
  readonly uart: Uart;
  /** The rate that is stored in the module, as by AT+IPR and AT&W. */
  readonly ipr: number;
}

export class Sim900Part {
  readonly card = new SimCard();
  readonly #options: Sim900Options;
  readonly #moduleClock: ModuleClock;
  #profile: Profile;
  #supplied = true;
  /** Runs while the module is on, from the first moment of its start. */
  #scope: PowerScope | null = null;
  #firmware: Firmware | null = null;
  #cancelKey: (() => void) | null = null;
  #cancelLogOff: (() => void) | null = null;

  /** The module has been on and registered for long. */
  constructor(options: Sim900Options) {
    this.#options = options;
    this.#profile = factoryProfile(options.ipr);
    this.#moduleClock = new ModuleClock(() => options.clock.steadyMs());
    this.#scope = new PowerScope(options.clock);
    this.#firmware = this.#makeFirmware(this.#scope);
    this.#firmware.startedLongAgo();
  }

  /** Null while it is off or starting. */
  get firmware(): Firmware | null {
    return this.#firmware;
  }

  /** The supply comes (PWRKEY is tied, so the module starts), or goes. */
  setSupply(on: boolean): void {
    if (on && this.#scope === null) {
      this.#supplied = true;
      this.#boot();
    } else if (!on) {
      this.#supplied = false;
      this.#off();
      this.#moduleClock.forget();
    }
  }

  /** The supply dips: everything begins anew. */
  brownOut(): void {
    if (this.#supplied && this.#scope !== null) this.#restart();
  }

  /** @param pressed the level of PWRKEY: low */
  setPowerKey(pressed: boolean): void {
    this.#cancelKey?.();
    this.#cancelKey = null;
    if (!pressed || !this.#supplied) return;
    this.#cancelKey = this.#options.clock.after(POWER_KEY_MS, () => {
      this.#cancelKey = null;
      if (this.#scope === null) this.#boot();
      else this.#powerDown(true);
    });
  }

  /** @param present whether the card is in its holder and readable */
  setCard(present: boolean): void {
    if (this.card.present === present) return;
    this.card.present = present;
    this.card.powerUp();
    this.#firmware?.cardChanged();
  }

  stop(): void {
    this.setPowerKey(false);
    this.#off();
  }

  #boot(): void {
    const { uart, clock } = this.#options;
    const scope = new PowerScope(clock);
    this.#scope = scope;
    uart.setBaud(this.#profile.ipr);
    this.card.powerUp();
    scope.after(BOOT_NOISE_MS, () => uart.sendAt(BOOT_NOISE_BAUD_BPS, BOOT_NOISE));
    scope.after(BOOT_MS, () => {
      this.#firmware = this.#makeFirmware(scope);
      this.#firmware.start();
    });
  }

  #off(): void {
    this.#cancelLogOff?.();
    this.#cancelLogOff = null;
    this.#firmware = null;
    this.#scope?.end();
    this.#scope = null;
    this.#options.uart.cut();
  }

  #restart(): void {
    this.#off();
    this.#boot();
  }

  /** @param properly it logs off, and says so */
  #powerDown(properly: boolean): void {
    if (!properly || this.#firmware === null) {
      this.#off();
      return;
    }
    if (this.#cancelLogOff !== null) return;
    this.#firmware.sayGoodbye();
    this.#options.uart.onByte = null;
    this.#cancelLogOff = this.#options.clock.after(LOG_OFF_MS, () => this.#off());
  }

  #makeFirmware(scope: PowerScope): Firmware {
    const { latency, network, uart } = this.#options;
    return new Firmware({
      scope,
      latency,
      uart,
      network,
      card: this.card,
      clock: this.#moduleClock,
      stored: this.#profile,
      store: (profile) => {
        this.#profile = { ...profile };
      },
      restart: () => scope.after(ANSWER_MS, () => this.#restart()),
      powerDown: (properly) => this.#powerDown(properly),
    });
  }
}
