/**
 * CPU time of the virtual bench against avr8js alone: two boards with the same firmware, sampling A0 at 1 kHz.
 * "Alone" is the bare loop of avr8js's own parts, one board after the other; it gives the row its peer.
 */
import {
  AVRADC,
  AVRIOPort,
  AVRTimer,
  AVRTWI,
  AVRUSART,
  adcConfig,
  avrInstruction,
  CPU,
  portBConfig,
  portCConfig,
  portDConfig,
  timer0Config,
  timer1Config,
  timer2Config,
  twiConfig,
  usart0Config,
} from "avr8js";
import { configSchema } from "../../rig/core/config.js";
import { VirtualBench } from "../../rig/virtual/bench.js";
import { loadFirmware } from "../../rig/virtual/boards/firmware.js";
import { reportAnalog, samplingInterval } from "../virtual/firmata-bytes.js";

const CLOCK_HZ = 16e6;
const BOOT_S = 3;
const SETTLE_S = 0.2;
const WARM_UP_S = 2;
/** Both sides take turns, so that a busy machine slows both alike. */
const TURNS = 5;

export interface BenchSpeed {
  /** CPU seconds for one second of two boards in bare avr8js. */
  readonly aloneCpuS: number;
  /** CPU seconds for one second of the bench with the same two boards, its mains, displays and wires. */
  readonly benchCpuS: number;
  /** benchCpuS / aloneCpuS, each the best turn. */
  readonly ratio: number;
}

/** @param secondsPerTurn simulated time of each of five turns a side [s] */
export function measureBenchSpeed(secondsPerTurn = 1): BenchSpeed {
  const alone = aloneRunner();
  const bench = benchRunner();
  alone(WARM_UP_S);
  bench(WARM_UP_S);
  let aloneCpuS = Number.POSITIVE_INFINITY;
  let benchCpuS = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < TURNS; turn++) {
    aloneCpuS = Math.min(aloneCpuS, cpuSecondsOf(() => alone(secondsPerTurn)) / secondsPerTurn);
    benchCpuS = Math.min(benchCpuS, cpuSecondsOf(() => bench(secondsPerTurn)) / secondsPerTurn);
  }
  return { aloneCpuS, benchCpuS, ratio: benchCpuS / aloneCpuS };
}

function cpuSecondsOf(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1e6;
}

function aloneRunner(): (seconds: number) => void {
  const program = loadFirmware(undefined);
  const boards = [aloneBoard(program), aloneBoard(program)];
  for (const board of boards) {
    runAlone(board.cpu, BOOT_S);
    board.send(samplingInterval(1));
    runAlone(board.cpu, SETTLE_S);
    board.send(reportAnalog(0));
  }
  return (seconds) => {
    for (const { cpu } of boards) runAlone(cpu, seconds);
  };
}

function runAlone(cpu: CPU, seconds: number): void {
  const execute = avrInstruction;
  const end = cpu.cycles + seconds * CLOCK_HZ;
  while (cpu.cycles < end) {
    execute(cpu);
    cpu.tick();
  }
}

function aloneBoard(program: Uint16Array) {
  const cpu = new CPU(program);
  for (const config of [portBConfig, portCConfig, portDConfig]) new AVRIOPort(cpu, config);
  for (const config of [timer0Config, timer1Config, timer2Config]) new AVRTimer(cpu, config);
  new AVRADC(cpu, adcConfig).channelValues[0] = 2.5;
  new AVRTWI(cpu, twiConfig, CLOCK_HZ);
  const uart = new AVRUSART(cpu, usart0Config, CLOCK_HZ);
  const waiting: number[] = [];
  const next = () => {
    if (!uart.rxBusy && waiting.length > 0) uart.writeByte(waiting.shift()!);
  };
  uart.onRxComplete = next;
  return {
    cpu,
    send(bytes: Uint8Array) {
      waiting.push(...bytes);
      next();
    },
  };
}

function benchRunner(): (seconds: number) => void {
  const config = configSchema.parse({
    meters: [{ id: "main", voltage: {} }, { id: "neighbour" }],
    links: [{ between: ["main", "neighbour"] }],
  });
  const bench = new VirtualBench(config);
  const sendAll = (bytes: Uint8Array) => {
    for (const meter of bench.meterIds) bench.send(meter, bytes);
  };
  bench.advanceUs(BOOT_S * 1e6);
  sendAll(samplingInterval(1));
  bench.advanceUs(SETTLE_S * 1e6);
  sendAll(reportAnalog(0));
  return (seconds) => {
    bench.advanceUs(seconds * 1e6);
    for (const meter of bench.meterIds) bench.takeSent(meter);
  };
}
