/**
 * A 16x2 character display with an HD44780U, seen from its pins: takes levels and their times -> gives what the glass shows,
 * and counts what the driver did against the data sheet.
 * Simulated: bus timing, 4- and 8-bit transfers, execution times, the internal reset, memories, modes and shift (ROM A00).
 * Not simulated: what a read puts on the bus (on the bench R/W is tied to ground), cursor and blink on the glass, contrast.
 * Source: Hitachi HD44780U data sheet ADE-207-272(Z) rev. 0.0, called "sheet" below; its limits for 4.5 to 5.5 V.
 *
 * Where the sheet leaves open what a violation does:
 * - Bus timing (E, set-up, hold) is counted and the transfer happens all the same, with the levels from before E fell.
 * - Given while busy, an instruction is not carried out (sheet, p. 24: only the status read is), but its halves still pair up.
 *   In 4-bit mode an instruction begins with its first half: that may not come while busy either.
 */
import { Hd44780Controller } from "./hd44780-controller.js";
import { requireRange } from "./require-range.js";

/** Source: sheet, AC Characteristics (VCC = 4.5 to 5.5 V), Bus Timing Characteristics, Write Operation [us]. */
const TCYC_E_US = 0.5;
const PW_EH_US = 0.23;
const T_AS_US = 0.04;
const T_AH_US = 0.01;
const T_DSW_US = 0.08;
const T_H_US = 0.01;
/** After VCC reached 4.5 V; the busy flag itself falls after 10 ms (p. 23). Source: sheet, Figure 24, p. 46. */
const POWER_ON_US = 15_000;
/** After the first and the second "function set, 8 bits" of an initialisation by instruction. Source: sheet, Figure 24, p. 46. */
const INIT_WAITS_US = [4100, 100];
/** The sheet's execution times are for this oscillator frequency; the range is that of an external clock (AC Characteristics). */
const NOMINAL_KHZ = 270;
const MIN_KHZ = 125;
const MAX_KHZ = 350;

/** Far below any limit, far above the rounding of times given in us. */
const TOLERANCE_US = 1e-4;
const LISTED_VIOLATIONS = 100;

/** Levels at the display's connector; `data` holds D7..D4 in bits 7..4 and D3..D0 in bits 3..0. */
export interface LcdPins {
  readonly rs: 0 | 1;
  readonly rw: 0 | 1;
  readonly e: 0 | 1;
  readonly data: number;
}

const ALL_LOW: LcdPins = { rs: 0, rw: 0, e: 0, data: 0 };

/** tcycE, PWEH, tAS, tAH, tDSW, tH as in the sheet; `busy`: execution time; `power-on`, `init-wait`: Figure 24. */
export type TimingRule = "tcycE" | "PWEH" | "tAS" | "tAH" | "tDSW" | "tH" | "busy" | "power-on" | "init-wait";

export interface TimingViolation {
  readonly rule: TimingRule;
  readonly atUs: number;
  /** What was given, to compare with the limit; 0 for an address that changes while E is high (tAH). */
  readonly measuredUs: number;
  /** The least the sheet allows. */
  readonly limitUs: number;
}

export class Hd44780Part {
  /** Memories, address counter and modes, for looking at. */
  readonly controller = new Hd44780Controller();
  readonly #slowness: number;
  #timingViolations = 0;
  readonly #violations: TimingViolation[] = [];

  #rs: 0 | 1 = 0;
  #rw: 0 | 1 = 0;
  #e: 0 | 1 = 0;
  #data = 0;
  #timeUs = 0;
  /** E was seen to rise and has not fallen yet. */
  #pulse = false;
  #roseUs = Number.NEGATIVE_INFINITY;
  #fellUs = Number.NEGATIVE_INFINITY;
  #fellOnWrite = false;
  #addressChangedUs = Number.NEGATIVE_INFINITY;
  #dataChangedUs = Number.NEGATIVE_INFINITY;

  #upperHalf: number | undefined;
  #upperHalfRefused = false;
  #startedUs = Number.NEGATIVE_INFINITY;
  #busyForUs = 0;
  #busyRule: "busy" | "power-on" = "power-on";
  #initStep = 0;
  #initWaitUs = 0;

  /** @param options.oscillatorKhz 125..350, 270 if left out; execution times grow as it falls @throws RangeError */
  constructor(options: { readonly oscillatorKhz?: number } = {}) {
    const khz = requireRange("oscillatorKhz", options.oscillatorKhz ?? NOMINAL_KHZ, MIN_KHZ, MAX_KHZ, "kHz");
    this.#slowness = NOMINAL_KHZ / khz;
    this.powerOn();
  }

  /**
   * Power comes on: the internal reset runs. The record of violations stays.
   * @param atUs left out: the time of the last `setPins`; 0 at construction
   * @param pins where the levels start; an E that is high from the start makes no transfer when it falls
   */
  powerOn(atUs: number = this.#timeUs, pins: LcdPins = ALL_LOW): void {
    this.controller.reset();
    this.#restartTime(atUs, atUs);
    this.#rs = pins.rs;
    this.#rw = pins.rw;
    this.#e = pins.e;
    this.#data = pins.data & 0xff;
    this.#pulse = false;
    this.#upperHalf = undefined;
    this.#upperHalfRefused = false;
    this.#busyForUs = POWER_ON_US;
    this.#busyRule = "power-on";
    this.#initStep = 0;
    this.#initWaitUs = 0;
  }

  /** What a person reads on the glass: two rows of exactly 16 characters (hd44780-rom-a00.ts), blank while the display is off. */
  get lines(): readonly [string, string] {
    return this.controller.lines;
  }

  /** Since construction. */
  get timingViolations(): number {
    return this.#timingViolations;
  }

  /** The first 100 of them. */
  get violations(): readonly TimingViolation[] {
    return this.#violations;
  }

  /** First half of a byte in 4-bit mode, 0..15, as long as the second has not come; else undefined. */
  get pendingHalf(): number | undefined {
    return this.#upperHalf;
  }

  /**
   * The levels from `timeUs` on; to be called whenever one changes. Pins that change together come in one call.
   * A time before the last one is taken as a new start of the clock: no limit reaches across it.
   * @param timeUs may have a fraction
   */
  setPins(pins: LcdPins, timeUs: number): void {
    if (timeUs < this.#timeUs) this.#restartTime(timeUs, Number.NEGATIVE_INFINITY);
    this.#timeUs = timeUs;
    const wasE = this.#e;
    this.#e = pins.e;
    if (wasE === 1 && pins.e === 0 && this.#pulse) this.#fall(timeUs);
    this.#noteChanges(pins, timeUs);
    if (wasE === 0 && pins.e === 1) this.#rise(timeUs);
    this.#rs = pins.rs;
    this.#rw = pins.rw;
    this.#data = pins.data & 0xff;
  }

  /** Forgets every earlier instant; what is under way counts as begun at `startedUs`. */
  #restartTime(timeUs: number, startedUs: number): void {
    this.#timeUs = timeUs;
    this.#startedUs = startedUs;
    this.#roseUs = Number.NEGATIVE_INFINITY;
    this.#fellUs = Number.NEGATIVE_INFINITY;
    this.#addressChangedUs = Number.NEGATIVE_INFINITY;
    this.#dataChangedUs = Number.NEGATIVE_INFINITY;
  }

  #rise(atUs: number): void {
    this.#require("tAS", atUs - this.#addressChangedUs, T_AS_US, atUs);
    this.#require("tcycE", atUs - this.#roseUs, TCYC_E_US, atUs);
    this.#roseUs = atUs;
    this.#pulse = true;
  }

  #fall(atUs: number): void {
    this.#pulse = false;
    this.#fellUs = atUs;
    this.#fellOnWrite = this.#rw === 0;
    this.#require("PWEH", atUs - this.#roseUs, PW_EH_US, atUs);
    if (this.#fellOnWrite) this.#require("tDSW", atUs - this.#dataChangedUs, T_DSW_US, atUs);
    this.#transfer(atUs);
  }

  /** Hold times, and when the levels that set-up times count from changed last. */
  #noteChanges(pins: LcdPins, atUs: number): void {
    if (pins.rs !== this.#rs || pins.rw !== this.#rw) {
      const heldUs = this.#pulse ? 0 : atUs - this.#fellUs;
      this.#require("tAH", heldUs, T_AH_US, atUs);
      this.#addressChangedUs = atUs;
    }
    const wires = this.controller.interfaceBits === 4 ? 0xf0 : 0xff; // D3-D0 do not count in 4-bit mode
    if (((pins.data ^ this.#data) & wires) !== 0) {
      if (this.#fellOnWrite) this.#require("tH", atUs - this.#fellUs, T_H_US, atUs);
      this.#dataChangedUs = atUs;
    }
  }

  /** One E pulse: a byte, or half of one. */
  #transfer(atUs: number): void {
    const statusRead = this.#rw === 1 && this.#rs === 0; // allowed at any time
    const refused = this.#upperHalfRefused || (!statusRead && this.#refuses(atUs));
    let byte = this.#data;
    if (this.controller.interfaceBits === 4) {
      if (this.#upperHalf === undefined) {
        this.#upperHalf = this.#data >> 4;
        this.#upperHalfRefused = refused;
        return;
      }
      byte = (this.#upperHalf << 4) | (this.#data >> 4);
      this.#upperHalf = undefined;
      this.#upperHalfRefused = false;
    }
    if (refused || statusRead) return;
    this.#busyForUs =
      this.#slowness * (this.#rw === 1 ? this.controller.readData() : this.controller.write(this.#rs, byte));
    this.#busyRule = "busy";
    this.#startedUs = atUs;
    this.#noteInitStep(byte);
  }

  /** Counts an instruction that comes too early; true if the controller will not take it. */
  #refuses(atUs: number): boolean {
    const elapsedUs = atUs - this.#startedUs;
    if (!this.#require(this.#busyRule, elapsedUs, this.#busyForUs, atUs)) return true;
    this.#require("init-wait", elapsedUs, this.#initWaitUs, atUs);
    return false;
  }

  /** The waits of Figure 24 bind a driver that starts with "function set, 8 bits"; any other first instruction relies on the reset. */
  #noteInitStep(byte: number): void {
    const eightBits = this.#rs === 0 && this.#rw === 0 && (byte & 0xf0) === 0x30;
    this.#initWaitUs = eightBits ? (INIT_WAITS_US[this.#initStep] ?? 0) : 0;
    this.#initStep = eightBits ? this.#initStep + 1 : INIT_WAITS_US.length;
  }

  /** Counts a violation if `measuredUs` is below the limit; true if it is not. */
  #require(rule: TimingRule, measuredUs: number, limitUs: number, atUs: number): boolean {
    if (!(measuredUs < limitUs - TOLERANCE_US)) return true;
    this.#timingViolations++;
    if (this.#violations.length < LISTED_VIOLATIONS)
      this.#violations.push({ rule, atUs, measuredUs, limitUs });
    return false;
  }
}
