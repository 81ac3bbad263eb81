import { CPU } from "avr8js";
import { describe, expect, test } from "vitest";
import { loadFirmware } from "../../../rig/virtual/boards/firmware.js";
import { Uart } from "../../../rig/virtual/boards/uart.js";
import { CLOCK_HZ, Uno } from "../../../rig/virtual/boards/uno.js";
import { concat, reportAnalog, samplingInterval, writePort } from "../firmata-bytes.js";

// Data sheet section 20.11: addresses and bits.
const UCSR0A = 0xc0;
const UCSR0B = 0xc1;
const UBRR0L = 0xc4;
const UDR0 = 0xc6;
const RXC0 = 0x80;
const UDRE0 = 0x20;
const DOR0 = 0x08;
const UDRIE0 = 0x20;
const RXEN0 = 0x10;
const TXEN0 = 0x08;
/** UBRR0 = 16: 10 bits of 16 * 17 cycles. */
const BYTE_CYCLES = 2720;

function makeUart() {
  const cpu = new CPU(new Uint16Array(16_384), 2048);
  const sent: { byte: number; cycle: number }[] = [];
  const uart = new Uart(cpu, (byte) => sent.push({ byte, cycle: cpu.cycles }));
  cpu.writeData(UBRR0L, 16);
  cpu.writeData(UCSR0B, RXEN0 | TXEN0);
  const runTo = (cycle: number) => {
    while (cpu.cycles < cycle) {
      cpu.cycles++;
      cpu.tick();
    }
  };
  return { cpu, uart, sent, runTo };
}

describe("Uart", () => {
  test("keeps a received byte while UDRIE0 is switched on and off before it is read", () => {
    const { cpu, uart, runTo } = makeUart();
    uart.receive(Uint8Array.of(0x5a));
    runTo(BYTE_CYCLES);
    cpu.writeData(UCSR0B, RXEN0 | TXEN0 | UDRIE0);
    cpu.writeData(UCSR0B, RXEN0 | TXEN0);
    cpu.writeData(UCSR0A, cpu.readData(UCSR0A));
    expect(cpu.readData(UCSR0A) & RXC0).toBe(RXC0);
    expect(cpu.readData(UDR0)).toBe(0x5a);
    expect(cpu.readData(UCSR0A) & RXC0).toBe(0);
  });

  test("receives one byte every 2720 cycles, not sooner", () => {
    const { cpu, uart, runTo } = makeUart();
    uart.receive(Uint8Array.of(1, 2));
    runTo(BYTE_CYCLES - 1);
    expect(cpu.readData(UCSR0A) & RXC0).toBe(0);
    runTo(BYTE_CYCLES);
    expect(cpu.readData(UDR0)).toBe(1);
    runTo(2 * BYTE_CYCLES - 1);
    expect(cpu.readData(UCSR0A) & RXC0).toBe(0);
    runTo(2 * BYTE_CYCLES);
    expect(cpu.readData(UDR0)).toBe(2);
    expect(uart.queuedBytes).toBe(0);
  });

  test("holds three unread bytes, loses the fourth and says so in DOR0", () => {
    const { cpu, uart, runTo } = makeUart();
    uart.receive(Uint8Array.of(1, 2, 3, 4));
    runTo(4 * BYTE_CYCLES);
    expect(cpu.readData(UCSR0A) & DOR0).toBe(DOR0);
    expect([cpu.readData(UDR0), cpu.readData(UDR0), cpu.readData(UDR0)]).toEqual([1, 2, 3]);
    expect(cpu.readData(UCSR0A) & (RXC0 | DOR0)).toBe(0);
    expect(uart.overruns).toBe(1);
  });

  test("takes a second byte while the first is sent, and sends the two without a gap", () => {
    const { cpu, sent, runTo } = makeUart();
    cpu.writeData(UDR0, 0x11);
    expect(cpu.readData(UCSR0A) & UDRE0).toBe(UDRE0);
    cpu.writeData(UDR0, 0x22);
    expect(cpu.readData(UCSR0A) & UDRE0).toBe(0);
    // Full: this one is ignored, as the data sheet says.
    cpu.writeData(UDR0, 0x33);
    runTo(3 * BYTE_CYCLES);
    expect(sent).toEqual([
      { byte: 0x11, cycle: BYTE_CYCLES },
      { byte: 0x22, cycle: 2 * BYTE_CYCLES },
    ]);
  });

  test("loses 0 of 100000 bytes each way when StandardFirmata sends and receives at full rate", {
    timeout: 120_000,
  }, () => {
    const MESSAGES = 33_334; // of 3 bytes, each way
    const codes: { channel: number; code: number }[] = [];
    const received: number[] = [];
    const uno = new Uno({
      program: loadFirmware(undefined),
      analog: (channel) => {
        const code = (codes.length * 397) % 1024;
        codes.push({ channel, code });
        return ((code + 0.5) * 5) / 1024;
      },
      transmitted: (byte) => received.push(byte),
    });
    uno.powerOn(0);
    uno.runTo(3 * CLOCK_HZ);
    uno.receive(samplingInterval(1));
    uno.runTo(3.5 * CLOCK_HZ);
    received.length = 0;
    codes.length = 0;
    // Two channels at 1 ms ask for more than the line can carry: it never rests.
    uno.receive(concat(reportAnalog(0), reportAnalog(1)));
    const seen: number[] = [];
    uno.pins.onPortChange((port) => {
      if (port !== 1) return;
      seen.push([8, 9, 10, 11, 12, 13].reduce((bits, pin, bit) => bits | (uno.pins.level(pin, 0) << bit), 0));
    });
    // Six pins of D8-D13 in an order that never repeats a value twice running, so each message is one change.
    const sent = Array.from({ length: MESSAGES }, (_, index) => ((index + 1) * 29) % 64);
    uno.receive(concat(...sent.map((levels) => writePort(1, levels))));
    const startCycle = uno.cycles;
    while (uno.queuedBytes > 0 || received.length < 3 * MESSAGES) uno.runTo(uno.cycles + CLOCK_HZ / 10);
    const seconds = (uno.cycles - startCycle) / CLOCK_HZ;

    expect(uno.overruns).toBe(0);
    expect(seen).toEqual(sent);
    const expected = codes.flatMap(({ channel, code }) => [0xe0 | channel, code & 0x7f, code >> 7]);
    expect(received).toEqual(expected.slice(0, received.length));
    // 100000 bytes at 5882 B/s take 17.0 s: both directions were full all the time.
    expect(seconds).toBeLessThan(17.3);
  });
});
