/**
 * How long the module and the network take, each time a little different, the same again for the same seed.
 * No SIM900 document gives response times but upper bounds (75 s for CIPSTART, 85 s for CIICR): these are the quick end of what is seen in the field.
 */

/** From and to [ms]. */
export type SpanMs = readonly [number, number];

/** Any command that only asks or sets something. */
export const COMMAND_MS: SpanMs = [8, 30];
export const CIICR_MS: SpanMs = [1200, 1800];
export const CIPSTART_MS: SpanMs = [700, 1200];
export const CIPSHUT_MS: SpanMs = [250, 600];
export const CGATT_MS: SpanMs = [500, 1200];
/** One way between the module and a peer; there and back are about 400 ms. */
export const ONE_WAY_MS: SpanMs = [160, 240];
export const MESSAGE_MS: SpanMs = [2000, 4000];
export const DELETE_MESSAGE_MS: SpanMs = [60, 200];
export const REGISTRATION_MS: SpanMs = [1600, 2400];
export const ATTACH_MS: SpanMs = [200, 600];
export const DNS_MS: SpanMs = [500, 1000];
export const NETWORK_TIME_MS: SpanMs = [300, 900];

export class Latency {
  #state: number;

  /** @param seed 0..2^32-1 */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A time within the span [ms], whole. */
  of([fromMs, toMs]: SpanMs): number {
    return Math.round(fromMs + this.#uniform() * (toMs - fromMs));
  }

  /** @returns true in that share of all cases, 0 to 1 */
  chance(share: number): boolean {
    return this.#uniform() < share;
  }

  /** 0 <= u < 1. Source: mulberry32 by Tommy Ettinger. */
  #uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
