import {
  AVRIOPort,
  AVRTimer,
  CPU,
  portBConfig,
  portDConfig,
  timer0Config,
  timer1Config,
  timer2Config,
} from "avr8js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attachTimers } from "../../../rig/virtual/boards/timers.js";

const TIMERS = { "timer 0": timer0Config, "timer 1": timer1Config, "timer 2": timer2Config };
const REGISTERS = ["TCCRA", "TCCRB", "TIMSK", "TIFR", "OCRA", "OCRB", "TCNT"] as const;

interface Step {
  readonly register: (typeof REGISTERS)[number];
  readonly value: number;
  readonly thenCycles: number;
}

function makeCpu(attach: (cpu: CPU) => void): CPU {
  const cpu = new CPU(new Uint16Array(16), 2048);
  for (const port of [portBConfig, portDConfig]) new AVRIOPort(cpu, port);
  attach(cpu);
  return cpu;
}

/** A value of TCCRnB without forced compares, clocked by the chip itself (6 and 7 are pins on timers 0 and 1). */
function clockOf(value: number): number {
  return (value & 0x18) | Math.min(value & 0x07, 5);
}

function pass(cpu: CPU, cycles: number): void {
  for (let left = cycles; left > 0; left -= 2) {
    cpu.cycles += 2;
    cpu.tick();
  }
}

describe("attachTimers", () => {
  test.each(Object.keys(TIMERS) as (keyof typeof TIMERS)[])(
    "%s counts, flags and interrupts as avr8js's own in 500 random programs",
    (name) => {
      const config = TIMERS[name];
      const value = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 0xff), fc.nat(0xff));
      const step = fc.record({ register: fc.constantFrom(...REGISTERS), value, thenCycles: fc.nat(3000) });
      const run = (cpu: CPU, steps: readonly Step[]) =>
        steps.map(({ register, value: written, thenCycles }) => {
          cpu.writeData(config[register], register === "TCCRB" ? clockOf(written) : written);
          pass(cpu, 2 + thenCycles);
          return [cpu.readData(config.TCNT), cpu.readData(config.TIFR), cpu.nextInterrupt];
        });
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
          const eager = makeCpu((cpu) => {
            for (const each of Object.values(TIMERS)) new AVRTimer(cpu, each);
          });
          expect(run(makeCpu(attachTimers), steps)).toEqual(run(eager, steps));
        }),
        { numRuns: 500 },
      );
    },
  );
});
