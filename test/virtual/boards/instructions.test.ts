import { avrInstruction, CPU } from "avr8js";
import { describe, expect, test } from "vitest";
import { executeInstruction } from "../../../rig/virtual/boards/instructions.js";

const FLASH_WORDS = 16_384;
const SREG = 95;

/** A repeatable stream of numbers 0..2^32-1 (Numerical Recipes' linear congruence). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}

describe("executeInstruction", () => {
  test("does what avr8js does for all 65536 opcodes, twice each: registers, memory, flags, PC and cycles", () => {
    const next = numbers(1);
    const flash = new Uint16Array(FLASH_WORDS);
    const [ours, theirs] = [new CPU(flash, 2048), new CPU(flash, 2048)];
    const wrong: string[] = [];
    for (let round = 0; round < 2; round++) {
      for (let opcode = 0; opcode < 0x1_0000; opcode++) {
        // Far from both ends of flash, where avr8js lets a branch run out.
        const pc = 0x1000 + (next() % 0x2000);
        flash[pc] = opcode;
        // What follows: an address in RAM or a register, and sometimes a two-word instruction to skip.
        flash[pc + 1] = [next() % 0x900, 0x9000, 0x940c, 0x9200, 0x940e][next() % 5]!;
        for (let register = 0; register < 32; register++) ours.data[register] = next();
        // X, Y and Z point into memory.
        for (const high of [27, 29, 31]) ours.data[high] = next() % 9;
        ours.data[SREG] = next();
        ours.SP = 0x400 + (next() % 0x400);
        ours.data[ours.SP + 1] = next() % 0x40;
        ours.pc = pc;
        ours.cycles = next();
        theirs.data.set(ours.data);
        theirs.pc = pc;
        theirs.cycles = ours.cycles;
        executeInstruction(ours);
        avrInstruction(theirs);
        if (
          ours.pc !== theirs.pc ||
          ours.cycles !== theirs.cycles ||
          Buffer.compare(ours.data, theirs.data) !== 0
        ) {
          wrong.push(
            `0x${opcode.toString(16)}: PC ${ours.pc} for ${theirs.pc}, cycles ${ours.cycles} for ${theirs.cycles}`,
          );
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test("gives registers' hooks the cycle that avr8js gives them, for LDS and STS of UDR0", () => {
    const seen = (execute: (cpu: CPU) => void) => {
      const flash = new Uint16Array(FLASH_WORDS);
      flash.set([0x9100, 0xc6, 0x9300, 0xc6]);
      const cpu = new CPU(flash, 2048);
      const cycles: number[] = [];
      cpu.readHooks[0xc6] = () => cycles.push(cpu.cycles);
      cpu.writeHooks[0xc6] = () => {
        cycles.push(cpu.cycles);
        return true;
      };
      execute(cpu);
      execute(cpu);
      return [...cycles, cpu.cycles];
    };
    expect(seen(executeInstruction)).toEqual(seen(avrInstruction));
  });

  test("wraps the program counter at the end of flash", () => {
    const flash = new Uint16Array(FLASH_WORDS);
    flash[FLASH_WORDS - 1] = 0xe00f;
    const cpu = new CPU(flash, 2048);
    cpu.pc = FLASH_WORDS - 1;
    executeInstruction(cpu);
    expect([cpu.pc, cpu.cycles, cpu.data[16]]).toEqual([0, 1, 0x0f]);
  });
});
