/**
 * Repeatable Gaussian noise for the virtual bench: the same seed and stream give the same numbers in the same order.
 * Source: sfc32 by Chris Doty-Humphrey (PractRand 0.9, RNG sfc32), made normal by G. E. P. Box and M. E. Muller,
 * Annals of Mathematical Statistics 29 (1958), p. 610.
 */
import { requireWhole } from "./require-range.js";

/** The generator's own author discards this many outputs after seeding, so that near seeds part company. */
const WARM_UP_ROUNDS = 12;

export class GaussianNoise {
  #a = 0;
  #b: number;
  #c: number;
  #counter = 1;
  /** Box-Muller makes two independent numbers at a time; the second waits here. */
  #spare: number | undefined;

  /**
   * @param seed 0..2^32-1, one for a whole bench
   * @param stream 0..2^32-1, tells the sources of one bench apart: drawing from one leaves the others as they were
   */
  constructor(seed: number, stream: number) {
    this.#b = requireWhole("seed", seed, 0, 0xffff_ffff);
    this.#c = requireWhole("stream", stream, 0, 0xffff_ffff);
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.#uniform();
  }

  /** The next number of mean 0 and standard deviation 1; at most 6.66 away from 0. */
  next(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.#uniform())); // 1 - u is never 0
    const angleRad = 2 * Math.PI * this.#uniform();
    this.#spare = radius * Math.sin(angleRad);
    return radius * Math.cos(angleRad);
  }

  /** 0 <= u < 1 in steps of 2^-32. */
  #uniform(): number {
    const output = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + output) | 0;
    return (output >>> 0) / 2 ** 32;
  }
}
