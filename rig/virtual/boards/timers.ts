/**
 * The three timers of the ATmega328P: avr8js's, woken only when something can come of it.
 * avr8js 0.21.1 wakes each running timer at every count, 3 x 250 000 times a second under Arduino firmware, which costs a
 * fifth of the emulation. Its `count` catches up any number of counts at once, so between two overflows a timer may sleep,
 * as long as whoever reads or changes a register of it wakes it first. A timer whose compare units drive a pin or raise
 * an interrupt is left as avr8js has it, woken at every count.
 * Source: ATmega328P data sheet DS40002061A, sections 15 to 18; avr8js 0.21.1, peripherals/timer.ts (private fields).
 */
import { AVRTimer, type CPU, timer0Config, timer1Config, timer2Config } from "avr8js";

type TimerConfig = ConstructorParameters<typeof AVRTimer>[1];

/** The parts of AVRTimer that this file relies on; the version is pinned in package.json. */
interface TimerInside {
  count: (reschedule?: boolean, external?: boolean) => void;
  readonly tcnt: number;
  readonly lastCycle: number;
  readonly divider: number;
  readonly updateDivider: boolean;
  readonly timerMode: number;
  readonly ocrA: number;
  readonly nextOcrA: number;
  readonly ocrB: number;
  readonly nextOcrB: number;
  readonly TOP: number;
}

/** COMnA and COMnB in TCCRnA: any set bit connects a pin. */
const COMPARE_OUTPUTS = 0xf0;
/** avr8js's numbers of the modes that count up and down. */
const PHASE_CORRECT_MODES = [1, 4];
/** TOP of 8-bit phase-correct PWM, in which Arduino's start-up code leaves timers 1 and 2. */
const EIGHT_BIT_TOP = 0xff;

/** Below this an instruction takes longer than a count, and waking would come counts late. */
const MIN_DIVIDER = 8;

/** Gives `cpu` its three timers; the ports must be there already. */
export function attachTimers(cpu: CPU): void {
  for (const config of [timer0Config, timer1Config, timer2Config]) attachTimer(cpu, config);
}

function attachTimer(cpu: CPU, config: TimerConfig): void {
  const timer = new AVRTimer(cpu, config) as unknown as TimerInside;
  const countInAvr8js = timer.count;
  timer.count = (reschedule = true, external = false) => {
    // With a new clock source, avr8js arranges the next call itself.
    const newSource = timer.updateDivider;
    countInAvr8js(false, external);
    if (!reschedule || newSource || timer.divider === 0) return;
    const wakeCycle = timer.lastCycle + countsToSleep(cpu, config, timer) * timer.divider;
    cpu.addClockEvent(timer.count, wakeCycle - cpu.cycles);
  };
  const flags = config.TIFR;
  cpu.readHooks[flags] = () => {
    timer.count(false);
    return cpu.data[flags]!;
  };
  const { TIFR, TIMSK, TCCRA, TCCRB, OCRA, OCRB, ICR } = config;
  for (const register of [TIFR, TIMSK, TCCRA, TCCRB, OCRA, OCRB, ICR]) {
    const write = cpu.writeHooks[register];
    if (register === 0 || write === undefined) continue;
    cpu.writeHooks[register] = (...args) => {
      timer.count(false);
      const written = write(...args);
      // The old waking time may be too late under the new settings.
      cpu.updateClockEvent(timer.count, 0);
      return written;
    };
  }
}

/** Counts until the timer must be looked at again, at least 1. */
function countsToSleep(cpu: CPU, config: TimerConfig, timer: TimerInside): number {
  const { TIMSK, TCCRA, OCIEA, OCIEB, TOIE } = config;
  const enabled = cpu.data[TIMSK]!;
  if ((enabled & (OCIEA | OCIEB)) !== 0 || (cpu.data[TCCRA]! & COMPARE_OUTPUTS) !== 0) return 1;
  const { TOP, tcnt, divider } = timer;
  if (divider < MIN_DIVIDER || tcnt > TOP) return 1;
  // Never a whole round: avr8js takes a count that ends where it began for no count.
  if (!PHASE_CORRECT_MODES.includes(timer.timerMode)) return Math.max(1, Math.min(TOP + 1 - tcnt, TOP));
  const settled = timer.ocrA === timer.nextOcrA && timer.ocrB === timer.nextOcrB;
  // At TOP avr8js wraps at 8 bits or turns, by how it got there; it does so once a call.
  const between = TOP === EIGHT_BIT_TOP && tcnt < TOP;
  return settled && between && (enabled & TOIE) === 0 ? EIGHT_BIT_TOP : 1;
}
