/**
 * One AVR instruction, the common ones by a table and the rest by avr8js.
 * avr8js 0.21.1 finds an instruction by up to a hundred comparisons in alphabetical order. Two thirds of what StandardFirmata
 * executes are twelve loads, stores, moves and jumps that leave the flags alone; done here they halve the time.
 * Every other instruction, and all that touches the flags, stays with avr8js; a test holds all 65 536 opcodes to it.
 * Source: AVR Instruction Set Manual DS40002198; cycles and the order of hooks as in avr8js, cpu/instruction.ts.
 */
import { avrInstruction, type CPU } from "avr8js";

/** Words of flash of the ATmega328P, less one: the program counter wraps. */
const PC_MASK = 0x3fff;
/** Below are registers, which have hooks; from here on there is only memory. */
const FIRST_RAM_ADDRESS = 0x100;
const SREG = 95;
const SP = 93;
const Z = 30;

/** A constant of our own: an imported binding can be a getter, and this is called millions of times a second. */
const executeInAvr8js = avrInstruction;

const OTHER = 0;
const LDS = 1;
const STS = 2;
const LDI = 3;
const LDD_Z = 4;
const MOV = 5;
const MOVW = 6;
const RJMP = 7;
const BRBS = 8;
const BRBC = 9;
const SBRC = 10;
const SBRS = 11;
const RET = 12;

const KINDS = Uint8Array.from({ length: 0x1_0000 }, (_, opcode) => kindOf(opcode));

function kindOf(opcode: number): number {
  if ((opcode & 0xfe0f) === 0x9000) return LDS;
  if ((opcode & 0xfe0f) === 0x9200) return STS;
  if ((opcode & 0xf000) === 0xe000) return LDI;
  if ((opcode & 0xd208) === 0x8000 && displacement(opcode) !== 0) return LDD_Z;
  if ((opcode & 0xfc00) === 0x2c00) return MOV;
  if ((opcode & 0xff00) === 0x0100) return MOVW;
  if ((opcode & 0xf000) === 0xc000) return RJMP;
  if ((opcode & 0xfc00) === 0xf000) return BRBS;
  if ((opcode & 0xfc00) === 0xf400) return BRBC;
  if ((opcode & 0xfe08) === 0xfc00) return SBRC;
  if ((opcode & 0xfe08) === 0xfe00) return SBRS;
  if (opcode === 0x9508) return RET;
  return OTHER;
}

/** Executes the instruction at the program counter of a CPU with 16 384 words of flash. */
export function executeInstruction(cpu: CPU): void {
  const { data, progMem, pc } = cpu;
  const opcode = progMem[pc]!;
  switch (KINDS[opcode]!) {
    case LDS: {
      const address = progMem[(pc + 1) & PC_MASK]!;
      // A hook sees the cycle in which the access happens.
      cpu.cycles++;
      data[registerD(opcode)] = address < FIRST_RAM_ADDRESS ? cpu.readData(address) : data[address]!;
      cpu.pc = (pc + 2) & PC_MASK;
      cpu.cycles++;
      return;
    }
    case STS: {
      const address = progMem[(pc + 1) & PC_MASK]!;
      if (address < FIRST_RAM_ADDRESS) cpu.writeData(address, data[registerD(opcode)]!);
      else data[address] = data[registerD(opcode)]!;
      cpu.pc = (pc + 2) & PC_MASK;
      cpu.cycles += 2;
      return;
    }
    case LDI:
      data[((opcode & 0xf0) >> 4) + 16] = (opcode & 0x0f) | ((opcode & 0xf00) >> 4);
      break;
    case LDD_Z: {
      const address = (data[Z]! | (data[Z + 1]! << 8)) + displacement(opcode);
      cpu.cycles++;
      data[registerD(opcode)] = address < FIRST_RAM_ADDRESS ? cpu.readData(address) : data[address]!;
      break;
    }
    case MOV:
      data[registerD(opcode)] = data[(opcode & 0x0f) | ((opcode & 0x200) >> 5)]!;
      break;
    case MOVW: {
      const from = 2 * (opcode & 0x0f);
      const to = 2 * ((opcode & 0xf0) >> 4);
      data[to] = data[from]!;
      data[to + 1] = data[from + 1]!;
      break;
    }
    case RJMP:
      cpu.pc = (pc + 1 + (opcode & 0x7ff) - (opcode & 0x800)) & PC_MASK;
      cpu.cycles += 2;
      return;
    case BRBS:
      if (((data[SREG]! >> (opcode & 7)) & 1) === 1) {
        branch(cpu, opcode);
        return;
      }
      break;
    case BRBC:
      if (((data[SREG]! >> (opcode & 7)) & 1) === 0) {
        branch(cpu, opcode);
        return;
      }
      break;
    case SBRC:
      if (((data[registerD(opcode)]! >> (opcode & 7)) & 1) === 0) {
        skip(cpu);
        return;
      }
      break;
    case SBRS:
      if (((data[registerD(opcode)]! >> (opcode & 7)) & 1) === 1) {
        skip(cpu);
        return;
      }
      break;
    case RET: {
      const pointer = (data[SP]! | (data[SP + 1]! << 8)) + 2;
      data[SP] = pointer;
      data[SP + 1] = pointer >> 8;
      cpu.pc = ((data[pointer - 1]! << 8) + data[pointer]!) & PC_MASK;
      cpu.cycles += 4;
      return;
    }
    default:
      executeInAvr8js(cpu);
      return;
  }
  cpu.pc = (pc + 1) & PC_MASK;
  cpu.cycles++;
}

function registerD(opcode: number): number {
  return (opcode & 0x1f0) >> 4;
}

/** The six bits of the displacement of LDD, which lie apart. */
function displacement(opcode: number): number {
  return (opcode & 7) | ((opcode & 0xc00) >> 7) | ((opcode & 0x2000) >> 8);
}

function branch(cpu: CPU, opcode: number): void {
  cpu.pc = (cpu.pc + 1 + ((opcode & 0x1f8) >> 3) - ((opcode & 0x200) >> 3)) & PC_MASK;
  cpu.cycles += 2;
}

function skip(cpu: CPU): void {
  const words = isTwoWords(cpu.progMem[(cpu.pc + 1) & PC_MASK]!) ? 2 : 1;
  cpu.pc = (cpu.pc + 1 + words) & PC_MASK;
  cpu.cycles += 1 + words;
}

/** LDS, STS, JMP and CALL carry an address in a second word. */
function isTwoWords(opcode: number): boolean {
  const form = opcode & 0xfe0f;
  return form === 0x9000 || form === 0x9200 || (opcode & 0xfe0c) === 0x940c;
}
