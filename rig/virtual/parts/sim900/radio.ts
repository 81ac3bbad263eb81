/**
 * The module's side of the radio network: registration, packet attach, signal.
 * Conditions (function level, SIM, coverage) -> status, its reports, and what hangs on it.
 * Source: SIM900 AT Command Manual V1.03, AT+CREG, AT+CGREG, AT+CGATT, AT+CSQ.
 */
import { ATTACH_MS, type Latency, REGISTRATION_MS } from "./latency.js";
import type { PowerScope } from "./power-scope.js";

/** Not registered and not searching; at home; searching. */
export type RegistrationStatus = 0 | 1 | 2;

/** Location area and cell, as AT+CREG=2 adds them. */
const PLACE = '"1A2B","3C4D"';
/** -74 dBm (-110 dBm at 2, and 2 dB a step): a fair signal indoors. */
const SIGNAL_STEPS = 20;
const SIGNAL_UNKNOWN = 99;

export interface RadioOptions {
  readonly scope: PowerScope;
  readonly latency: Latency;
  readonly urc: (text: string) => void;
  readonly coverage: () => boolean;
  readonly simReady: () => boolean;
  readonly onRegistered: () => void;
  readonly onDetached: () => void;
}

export class Radio {
  /** AT+CREG and AT+CGREG: 0 no report, 1 the status, 2 the status and the place. */
  readonly reports = { CREG: 0, CGREG: 0 };
  /** AT+CFUN: 0 minimum, 1 full, 4 no radio. */
  functionLevel = 1;
  readonly #options: RadioOptions;
  #status: RegistrationStatus = 0;
  #attached = false;
  /** AT+CGATT=0 was said: it does not attach by itself any more. */
  #keepsDetached = false;
  #cancelSearch: (() => void) | null = null;

  constructor(options: RadioOptions) {
    this.#options = options;
  }

  get status(): RegistrationStatus {
    return this.#status;
  }

  get registered(): boolean {
    return this.#status === 1;
  }

  get attached(): boolean {
    return this.#attached;
  }

  /** AT+CSQ's rssi, 99 without a network. */
  signal(): number {
    return this.#options.coverage() ? SIGNAL_STEPS : SIGNAL_UNKNOWN;
  }

  /** "<n>,<stat>" and with n = 2 the place. */
  query(kind: "CREG" | "CGREG"): string {
    const n = this.reports[kind];
    return `+${kind}: ${n},${this.#described(kind)}`;
  }

  /** It has been on for long. */
  beRegistered(): void {
    this.#status = 1;
    this.#attached = true;
  }

  /** Looks at the conditions anew. */
  review(): void {
    const { scope, latency, coverage, simReady } = this.#options;
    const searches = this.functionLevel === 1 && simReady();
    if (searches && coverage()) {
      if (this.#status === 1 || this.#cancelSearch !== null) return;
      this.#setStatus(2);
      this.#cancelSearch = scope.after(latency.of(REGISTRATION_MS), () => {
        this.#cancelSearch = null;
        this.#setStatus(1);
        this.#options.onRegistered();
        this.#attachLater();
      });
      return;
    }
    this.#cancelSearch?.();
    this.#cancelSearch = null;
    this.#setStatus(searches ? 2 : 0);
    this.#detach();
  }

  /** AT+CGATT. @returns whether it is so now */
  attach(wanted: boolean): boolean {
    this.#keepsDetached = !wanted;
    if (!wanted) this.#detach();
    else if (this.registered) this.#setAttached(true);
    return this.#attached === wanted;
  }

  #attachLater(): void {
    this.#options.scope.after(this.#options.latency.of(ATTACH_MS), () => {
      if (this.registered && !this.#keepsDetached) this.#setAttached(true);
    });
  }

  #detach(): void {
    if (!this.#attached) return;
    this.#setAttached(false);
    this.#options.onDetached();
  }

  #setStatus(status: RegistrationStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#report("CREG");
  }

  #setAttached(attached: boolean): void {
    if (this.#attached === attached) return;
    this.#attached = attached;
    this.#report("CGREG");
  }

  #report(kind: "CREG" | "CGREG"): void {
    if (this.reports[kind] > 0) this.#options.urc(`+${kind}: ${this.#described(kind)}`);
  }

  #described(kind: "CREG" | "CGREG"): string {
    const status = kind === "CREG" || this.#attached ? this.#status : this.#status === 1 ? 2 : this.#status;
    return this.reports[kind] === 2 && status === 1 ? `1,${PLACE}` : String(status);
  }
}
