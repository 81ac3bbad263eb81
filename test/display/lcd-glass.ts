/**
 * A small HD44780 for the display tests: takes the levels of RS, E and D4-D7 with their times, keeps what the glass shows,
 * and lists every breach of the data sheet. It ignores what text does not need: shifts, cursors, characters of one's own.
 * Source: Hitachi HD44780U data sheet ADE-207-272(Z), Table 6, Figure 24, AC characteristics.
 */
export interface LcdLevels {
  readonly rs: boolean;
  readonly e: boolean;
  /** D7 to D4 as bit 3 to bit 0. */
  readonly nibble: number;
}

/** Busy times with the address counter's, at the oscillator's 270 kHz and at its slowest, 190 kHz. */
const EXECUTION_US = 41;
const SLOWEST_EXECUTION_US = (41 * 270) / 190;
const SLOWEST_CLEAR_US = (1520 * 270) / 190;

export class LcdGlass {
  readonly faults: string[] = [];
  /** Instructions taken, as hex; characters are not listed. */
  readonly instructions: string[] = [];
  characters = 0;
  #levels: LcdLevels = { rs: false, e: false, nibble: 0 };
  #memory = Array<string>(128).fill("#");
  #address = 0;
  #on = false;
  #twoLines = false;
  #fourBit = false;
  #high: number | null = null;
  #functionSets = 0;
  #lastFallUs = Number.NEGATIVE_INFINITY;
  #riseAllowedUs = Number.NEGATIVE_INFINITY;
  #fallAllowedUs = Number.NEGATIVE_INFINITY;

  get lines(): [string, string] {
    if (!this.#on) return [" ".repeat(16), " ".repeat(16)];
    const row = (from: number) => this.#memory.slice(from, from + 16).join("");
    return [row(0x00), this.#twoLines ? row(0x40) : " ".repeat(16)];
  }

  drive(levels: LcdLevels, atUs: number): void {
    const before = this.#levels;
    this.#levels = levels;
    const rises = !before.e && levels.e;
    const falls = before.e && !levels.e;
    if (before.rs !== levels.rs && (before.e || levels.e)) this.#fault("RS changed at or under E", atUs);
    if (falls && before.nibble !== levels.nibble) this.#fault("data changed as E fell", atUs);
    if (rises && atUs < this.#riseAllowedUs) this.#fault("E rose while busy", atUs);
    if (!falls) return;
    if (atUs < this.#fallAllowedUs) this.#fault("E fell while busy at 190 kHz", atUs);
    this.#lastFallUs = atUs;
    this.#take(levels.nibble, levels.rs);
  }

  #take(nibble: number, rs: boolean): void {
    if (!this.#fourBit) {
      if (rs || (nibble !== 0x3 && nibble !== 0x2)) {
        this.#fault(`nibble ${nibble} before 4-bit mode`, this.#lastFallUs);
        return;
      }
      this.instructions.push(`${nibble.toString(16)}.`);
      this.#fourBit = nibble === 0x2;
      this.#functionSets++;
      this.#busy(this.#functionSets === 1 ? 4100 : this.#functionSets === 2 ? 100 : null);
      return;
    }
    if (this.#high === null) {
      this.#high = nibble;
      return;
    }
    const byte = (this.#high << 4) | nibble;
    this.#high = null;
    if (rs) {
      this.#memory[this.#address] = String.fromCharCode(byte);
      this.#address = this.#address === 0x27 ? 0x40 : this.#address === 0x67 ? 0 : this.#address + 1;
      this.characters++;
      this.#busy(null);
      return;
    }
    this.instructions.push(byte.toString(16).padStart(2, "0"));
    if (byte & 0x80) this.#address = byte & 0x7f;
    else if (byte & 0x40) this.#address = 0;
    else if (byte & 0x20) {
      this.#fourBit = (byte & 0x10) === 0;
      this.#twoLines = (byte & 0x08) !== 0;
    } else if (byte & 0x08) this.#on = (byte & 0x04) !== 0;
    else if (byte === 0x01) {
      this.#memory.fill(" ");
      this.#address = 0;
    }
    this.#busy(byte === 0x01 ? SLOWEST_CLEAR_US : null);
  }

  /** @param fixedUs null for an ordinary instruction */
  #busy(fixedUs: number | null): void {
    this.#riseAllowedUs = this.#lastFallUs + (fixedUs ?? EXECUTION_US);
    this.#fallAllowedUs = this.#lastFallUs + (fixedUs ?? SLOWEST_EXECUTION_US);
  }

  #fault(what: string, atUs: number): void {
    this.faults.push(`${what} at ${atUs} us`);
  }

  /** Left in 4-bit mode by whoever drove it before. @param high nibble that waits for its other half, null for none */
  static inFourBitMode(high: number | null): LcdGlass {
    const glass = new LcdGlass();
    glass.#fourBit = true;
    glass.#high = high;
    return glass;
  }
}
