/**
 * The registers of a meter, pure: readings -> energy and demand. State goes in and comes out as a plain object that can be kept
 * as JSON (register-file.ts keeps it).
 * Energy: import only, counted in whole milliwatt-hours; what is less waits as a remainder, so nothing is lost to rounding.
 * Demand: mean power of consecutive blocks of one period, aligned to the UTC clock; the highest completed block is the maximum
 * demand, as in the COSEM demand register (IEC 62056-6-2, class 5, one period).
 */

/** 1 mWh = 3.6 J; W * ms = mJ. */
const MILLIJOULES_PER_MWH = 3600;
/**
 * How much a block's measured time may differ from its period, and how far the clock may jump between two readings before the
 * block counts as interrupted: a lost second costs a block of 15 minutes, the grain of time stamps does not.
 */
const TOLERANCE_SHARE = 0.001;
const LEAST_TOLERANCE_MS = 100;

export interface Registers {
  /** Import energy register, never decreasing [mWh, whole]. */
  readonly energyMilliWh: number;
  /** Energy that does not fill a milliwatt-hour yet [mJ, 0 up to 3600]. */
  readonly energyRemainderMilliJ: number;
  /** The demand block that is running; null before the first reading after power-up. */
  readonly block: DemandBlock | null;
  /** Highest completed block [W], and when it ended [ms since 1970]; null while none is complete. */
  readonly maxDemand: { readonly powerW: number; readonly endMs: number } | null;
}

export interface DemandBlock {
  readonly periodMs: number;
  /** A whole multiple of the period [ms since 1970]. */
  readonly startMs: number;
  /** End of the last reading in it [ms since 1970]. */
  readonly lastEndMs: number;
  /** Measured time in it [ms], which is not the clock's time when the clock was set. */
  readonly coveredMs: number;
  readonly energyMilliJ: number;
  /** Measured without a gap from the block's start; only such a block can become the maximum demand. */
  readonly unbroken: boolean;
}

export interface RegisterReading {
  /** Negative (export) and NaN count as no import. */
  readonly activePowerW: number;
  /** How long that power lasted, by steady time [ms]. */
  readonly durationMs: number;
  /** Wall-clock time of the reading's end [ms since 1970]; only demand blocks go by it. */
  readonly endMs: number;
}

export const EMPTY_REGISTERS: Registers = {
  energyMilliWh: 0,
  energyRemainderMilliJ: 0,
  block: null,
  maxDemand: null,
};

/** @param demandPeriodMs integration period of the demand; a block of another period is given up */
export function applyReading(
  registers: Registers,
  reading: RegisterReading,
  demandPeriodMs: number,
): Registers {
  const { activePowerW, durationMs, endMs } = reading;
  if (!(durationMs > 0) || !Number.isFinite(durationMs)) return registers;
  const energyMilliJ = Number.isFinite(activePowerW) ? Math.max(0, activePowerW) * durationMs : 0;
  const remainder = registers.energyRemainderMilliJ + energyMilliJ;
  const whole = Math.floor(remainder / MILLIJOULES_PER_MWH);
  const counted = {
    ...registers,
    energyMilliWh: registers.energyMilliWh + whole,
    energyRemainderMilliJ: Math.max(0, remainder - whole * MILLIJOULES_PER_MWH),
  };
  // A power that is not known cannot be part of a block: the gap it leaves shows in the block's measured time.
  if (!Number.isFinite(activePowerW) || !Number.isFinite(endMs)) return counted;
  return addToBlocks(counted, { energyMilliJ, durationMs, endMs }, demandPeriodMs);
}

/** The time without power is missing in the block that was running: it is given up, and the next one is not whole. */
export function afterPowerUp(registers: Registers): Registers {
  return { ...registers, block: null };
}

/** The registers with an energy of at least `floorWh`, which somebody was shown already. */
export function raisedTo(registers: Registers, floorWh: number): Registers {
  const floorMilliWh = Math.round(floorWh * 1000);
  if (registers.energyMilliWh >= floorMilliWh) return registers;
  return { ...registers, energyMilliWh: floorMilliWh, energyRemainderMilliJ: 0 };
}

export function energyWh({ energyMilliWh }: Registers): number {
  return energyMilliWh / 1000;
}

/** Mean power of the running block so far [W]; 0 before the first reading. */
export function runningDemandW({ block }: Registers): number {
  return block === null || block.coveredMs === 0 ? 0 : block.energyMilliJ / block.coveredMs;
}

/** Highest completed block [W]; 0 while none is complete: the mean of a part of a block can be far above the block's. */
export function maxDemandW({ maxDemand }: Registers): number {
  return maxDemand?.powerW ?? 0;
}

interface Piece {
  readonly energyMilliJ: number;
  readonly durationMs: number;
  readonly endMs: number;
}

function addToBlocks(registers: Registers, reading: Piece, periodMs: number): Registers {
  const last = registers.block;
  const lastEndMs = last === null || last.periodMs !== periodMs ? null : last.lastEndMs;
  let fromMs = reading.endMs - reading.durationMs;
  // Time stamps have grain: a reading that follows the last one begins where that ended, and after it.
  const follows = lastEndMs !== null && Math.abs(fromMs - lastEndMs) <= toleranceMs(periodMs);
  if (follows && lastEndMs < reading.endMs) fromMs = lastEndMs;
  const spanMs = reading.endMs - fromMs;
  let state = registers;
  let block = lastEndMs === null ? null : last;
  while (fromMs < reading.endMs) {
    const startMs = Math.floor(fromMs / periodMs) * periodMs;
    const toMs = Math.min(reading.endMs, startMs + periodMs);
    if (block !== null && block.startMs !== startMs) {
      state = complete(state, block);
      block = null;
    }
    const share = (toMs - fromMs) / spanMs;
    const joined = block === null ? fromMs - startMs <= toleranceMs(periodMs) : block.unbroken && follows;
    block = {
      periodMs,
      startMs,
      lastEndMs: toMs,
      coveredMs: (block?.coveredMs ?? 0) + reading.durationMs * share,
      energyMilliJ: (block?.energyMilliJ ?? 0) + reading.energyMilliJ * share,
      unbroken: joined,
    };
    fromMs = toMs;
  }
  return { ...state, block };
}

function toleranceMs(periodMs: number): number {
  return Math.max(LEAST_TOLERANCE_MS, TOLERANCE_SHARE * periodMs);
}

/** Bills a block that is over, if it was measured whole: once each, from its start to its end, neither short nor stretched. */
function complete(registers: Registers, block: DemandBlock): Registers {
  const { periodMs, startMs, lastEndMs, coveredMs, energyMilliJ, unbroken } = block;
  const endMs = startMs + periodMs;
  const limitMs = toleranceMs(periodMs);
  const whole = unbroken && endMs - lastEndMs <= limitMs && Math.abs(coveredMs - periodMs) <= limitMs;
  if (!whole) return registers;
  const powerW = energyMilliJ / coveredMs;
  const beaten = registers.maxDemand === null || powerW > registers.maxDemand.powerW;
  return beaten ? { ...registers, maxDemand: { powerW, endMs } } : registers;
}
