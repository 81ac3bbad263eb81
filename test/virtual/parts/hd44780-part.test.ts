// Expected values: Hitachi HD44780U data sheet ADE-207-272(Z) rev. 0.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Hd44780Part } from "../../../rig/virtual/parts/hd44780-part.js";
import { LcdWires } from "./lcd-wires.js";

const BLANK = " ".repeat(16);

function initialised(): { display: Hd44780Part; wires: LcdWires } {
  const display = new Hd44780Part();
  const wires = new LcdWires(display);
  wires.initialise();
  return { display, wires };
}

/** Two E pulses of one kind of timing, on a display that is idle in 4-bit mode. */
function rulesBroken(drive: (wires: LcdWires) => void): string[] {
  const { display, wires } = initialised();
  drive(wires);
  return display.violations.map(({ rule }) => rule);
}

describe("Hd44780Part at power-on", () => {
  it("is dark, 8 bits wide, one line, incrementing, address 0 (Reset Function, p. 23)", () => {
    const { lines, controller } = new Hd44780Part();
    expect(lines).toEqual([BLANK, BLANK]);
    expect(controller.interfaceBits).toBe(8);
    expect(controller.lineCount).toBe(1);
    expect(controller.font).toBe("5x8");
    expect(controller.entryMode).toEqual({ increment: true, shift: false });
    expect(controller.displayControl).toEqual({ display: false, cursor: false, blink: false });
    expect([controller.addressSpace, controller.addressCounter]).toEqual(["ddram", 0]);
  });

  it("takes nothing 14.9 ms after power and counts it; takes it 15.1 ms after", () => {
    const display = new Hd44780Part();
    const wires = new LcdWires(display, 14_900);
    wires.half(0, 0x2);
    expect(display.controller.interfaceBits).toBe(8);
    expect(display.violations).toEqual([
      { rule: "power-on", atUs: 14_903, measuredUs: 14_903, limitUs: 15_000 },
    ]);
    wires.nowUs = 15_100;
    wires.half(0, 0x2);
    expect(display.controller.interfaceBits).toBe(4);
    expect(display.timingViolations).toBe(1);
  });

  it("forgets everything but the record of violations when power comes again, and is busy for 15 ms more", () => {
    const { display, wires } = initialised();
    wires.text("x");
    display.powerOn();
    expect(display.lines).toEqual([BLANK, BLANK]);
    expect(display.controller.interfaceBits).toBe(8);
    wires.half(0, 0x3);
    expect(display.violations.map(({ rule }) => rule)).toEqual(["power-on"]);
    wires.nowUs += 15_000;
    wires.initialise();
    wires.text("y");
    expect(display.lines[0]).toBe("y".padEnd(16));
    expect(display.timingViolations).toBe(1);
  });

  it("makes no transfer of an E that was high from the start", () => {
    const display = new Hd44780Part();
    display.powerOn(0, { rs: 0, rw: 0, e: 1, data: 0x20 });
    display.setPins({ rs: 1, rw: 0, e: 0, data: 0 }, 20_000);
    expect(display.controller.interfaceBits).toBe(8);
    expect(display.timingViolations).toBe(0);
  });
});

describe("Hd44780Part initialised by instruction (Figure 24, p. 46)", () => {
  it("has 4 bits, two lines and a shown text, and nothing to complain of", () => {
    const { display, wires } = initialised();
    wires.text("Hello");
    wires.command(0x80 | 0x40);
    wires.text("World");
    expect(display.lines).toEqual(["Hello".padEnd(16), "World".padEnd(16)]);
    expect(display.controller.interfaceBits).toBe(4);
    expect(display.controller.lineCount).toBe(2);
    expect(display.violations).toEqual([]);
  });

  it("counts 1 ms where 4.1 ms must pass and 60 us where 100 us must pass", () => {
    const display = new Hd44780Part();
    const wires = new LcdWires(display);
    wires.half(0, 0x3);
    wires.nowUs += 997;
    wires.half(0, 0x3);
    wires.nowUs += 57;
    wires.half(0, 0x3);
    const found = display.violations.map(({ rule, measuredUs, limitUs }) => [rule, measuredUs, limitUs]);
    expect(found).toEqual([
      ["init-wait", 1000, 4100],
      ["init-wait", 60, 100],
    ]);
  });

  it("needs no such wait when the internal reset is relied on (Table 12, p. 42)", () => {
    const display = new Hd44780Part();
    const wires = new LcdWires(display);
    wires.half(0, 0x2);
    wires.nowUs += 40;
    wires.command(0x28);
    expect(display.controller.lineCount).toBe(2);
    expect(display.timingViolations).toBe(0);
  });

  it.each([
    [0x00, 1],
    [0x0f, 2],
  ])(
    "without Function Set 0x28 takes N from D3-D0 of the 8-bit phase: %i gives %i line(s)",
    (open, lineCount) => {
      const display = new Hd44780Part();
      const wires = new LcdWires(display);
      wires.openData = open;
      for (const half of [0x3, 0x3, 0x3, 0x2]) {
        wires.half(0, half);
        wires.nowUs += 5000;
      }
      for (const instruction of [0x08, 0x01, 0x06, 0x0c]) wires.command(instruction);
      wires.command(0x80 | 0x40);
      wires.text("second");
      expect(display.controller.lineCount).toBe(lineCount);
      expect(display.lines[1]).toBe(lineCount === 2 ? "second".padEnd(16) : BLANK);
    },
  );

  it("is reached again from 4-bit mode, between bytes and in the middle of one", () => {
    for (const strayHalves of [0, 1]) {
      const { display, wires } = initialised();
      for (let i = 0; i < strayHalves; i++) wires.half(0, 0x0);
      wires.nowUs += 5000;
      wires.initialise();
      wires.text("again");
      expect(display.lines).toEqual(["again".padEnd(16), BLANK]);
      expect(display.timingViolations).toBe(0);
    }
  });
});

describe("Hd44780Part in 4-bit mode", () => {
  it("latches when E falls, not when it rises", () => {
    const { display, wires } = initialised();
    wires.half(1, 0x4);
    wires.nowUs += 1;
    wires.set(1, 1, 0x10);
    wires.nowUs += 1;
    expect(display.pendingHalf).toBe(4);
    wires.set(1, 1, 0x20);
    wires.nowUs += 1;
    wires.set(1, 0, 0x20);
    expect(display.pendingHalf).toBeUndefined();
    expect(display.lines[0]).toBe("B".padEnd(16));
    expect(display.timingViolations).toBe(0);
  });

  it("pairs 4 | 3 4 | 1 5 | as 0x43, 0x41 and half of 0x5_ after one half too many", () => {
    const { display, wires } = initialised();
    for (const half of [0x4, 0x3, 0x4, 0x1, 0x5]) {
      wires.half(1, half);
      wires.nowUs += 50;
    }
    expect(display.lines[0]).toBe("CA".padEnd(16));
    expect(display.pendingHalf).toBe(5);
    expect(display.timingViolations).toBe(0);
  });

  it("takes no notice of D3-D0", () => {
    const broken = rulesBroken((wires) => {
      wires.half(1, 0x4);
      wires.set(1, 0, 0x40); // D3-D0 change as E falls
    });
    expect(broken).toEqual([]);
  });
});

describe("Hd44780Part bus timing (Bus Timing Characteristics, 4.5 to 5.5 V)", () => {
  it.each([
    { cycles: 3, broken: ["PWEH"] },
    { cycles: 4, broken: [] },
  ])("E high for $cycles cycles of 62.5 ns against 230 ns", ({ cycles, broken }) => {
    const found = rulesBroken((wires) => {
      wires.set(1, 0, 0x4f);
      wires.nowUs += 1;
      wires.set(1, 1, 0x4f);
      wires.nowUs += cycles / 16;
      wires.set(1, 0, 0x4f);
    });
    expect(found).toEqual(broken);
  });

  it.each([
    { cycles: 7, broken: ["tcycE"] },
    { cycles: 8, broken: [] },
  ])("E rising $cycles cycles of 62.5 ns after it rose, against 500 ns", ({ cycles, broken }) => {
    const found = rulesBroken((wires) => {
      wires.nowUs += 1;
      wires.set(1, 0, 0x4f);
      for (const e of [1, 0, 1, 0] as const) {
        wires.nowUs += e === 1 ? (cycles - 4) / 16 : 4 / 16;
        wires.set(1, e, 0x4f);
      }
    });
    expect(found).toEqual(broken);
  });

  it("counts RS that changes with E rising (tAS 40 ns), and takes the half all the same", () => {
    const { display, wires } = initialised();
    wires.set(1, 1, 0x4f);
    wires.nowUs += 1;
    wires.set(1, 0, 0x4f);
    expect(display.violations).toEqual([
      { rule: "tAS", atUs: wires.nowUs - 1, measuredUs: 0, limitUs: 0.04 },
    ]);
    expect(display.pendingHalf).toBe(4);
  });

  it("lets data change with E rising", () => {
    const found = rulesBroken((wires) => {
      wires.set(1, 0, 0x0f);
      wires.nowUs += 1;
      wires.set(1, 1, 0x4f);
      wires.nowUs += 1;
      wires.set(1, 0, 0x4f);
    });
    expect(found).toEqual([]);
  });

  it("counts RS that changes with E falling, or while E is high (tAH)", () => {
    const withFall = rulesBroken((wires) => {
      wires.set(0, 0, 0x4f);
      wires.nowUs += 1;
      wires.set(0, 1, 0x4f);
      wires.nowUs += 1;
      wires.set(1, 0, 0x4f);
    });
    expect(withFall).toEqual(["tAH"]);
    const whileHigh = rulesBroken((wires) => {
      wires.set(0, 1, 0x0f);
      wires.nowUs += 1;
      wires.set(1, 1, 0x0f);
      wires.nowUs += 1;
      wires.set(1, 0, 0x0f);
    });
    expect(whileHigh).toEqual(["tAH"]);
  });

  it("counts data that changes with E falling (tH 10 ns) and takes what was there before", () => {
    const { display, wires } = initialised();
    wires.set(1, 0, 0x4f);
    wires.nowUs += 1;
    wires.set(1, 1, 0x4f);
    wires.nowUs += 1;
    wires.set(1, 0, 0x8f);
    expect(display.violations.map(({ rule, measuredUs, limitUs }) => [rule, measuredUs, limitUs])).toEqual([
      ["tH", 0, 0.01],
    ]);
    expect(display.pendingHalf).toBe(4);
  });

  it("counts data that changes one cycle of 62.5 ns before E falls (tDSW 80 ns), not two", () => {
    const found = [1, 2].map((cycles) =>
      rulesBroken((wires) => {
        wires.set(1, 0, 0x0f);
        wires.nowUs += 1;
        wires.set(1, 1, 0x0f);
        wires.nowUs += 1;
        wires.set(1, 1, 0x4f);
        wires.nowUs += cycles / 16;
        wires.set(1, 0, 0x4f);
      }),
    );
    expect(found).toEqual([["tDSW"], []]);
  });
});

describe("Hd44780Part execution times (Table 6, pp. 24-25)", () => {
  /** A byte, then the first half of the next one `gapUs` after its last E fell. */
  function secondInstruction(byte: number, rs: 0 | 1, gapUs: number, oscillatorKhz = 270): Hd44780Part {
    const display = new Hd44780Part({ oscillatorKhz });
    const wires = new LcdWires(display);
    wires.initialise();
    wires.byte(rs, byte, gapUs - 3);
    wires.byte(1, 0x41);
    return display;
  }

  it.each([
    ["entry mode set", 0x06, 0, 36, 38],
    ["data", 0x42, 1, 36, 38],
    ["clear display", 0x01, 0, 1519, 1521],
    ["return home", 0x02, 0, 1519, 1521],
  ] as const)("%s (%i, RS %i): busy %f us after it, free %f us after it", (_, byte, rs, shortUs, longUs) => {
    const early = secondInstruction(byte, rs, shortUs);
    expect(early.violations.map(({ rule, measuredUs }) => [rule, measuredUs])).toEqual([["busy", shortUs]]);
    expect(early.lines[0]).not.toContain("A");
    const late = secondInstruction(byte, rs, longUs);
    expect(late.timingViolations).toBe(0);
    expect(late.lines[0]).toContain("A");
  });

  it("scales with the oscillator: 37 us become 52.6 us at 190 kHz", () => {
    expect(secondInstruction(0x06, 0, 52, 190).timingViolations).toBe(1);
    expect(secondInstruction(0x06, 0, 53, 190).timingViolations).toBe(0);
    expect(() => new Hd44780Part({ oscillatorKhz: 0 })).toThrow(
      /oscillatorKhz must be 125 to 350 kHz, not 0/,
    );
  });

  it("keeps the halves paired when an instruction is refused", () => {
    const display = secondInstruction(0x01, 0, 100);
    expect(display.pendingHalf).toBeUndefined();
    expect(display.timingViolations).toBe(1);
  });

  it("lists the first 100 violations and counts all", () => {
    const { display, wires } = initialised();
    for (let i = 0; i < 150; i++) wires.byte(0, 0x01, 1); // 9 us each: all within the first one's 1.52 ms
    expect(display.timingViolations).toBe(149);
    expect(display.violations).toHaveLength(100);
  });

  it("takes a clock that starts again as a new beginning", () => {
    const { display, wires } = initialised();
    wires.nowUs = 5;
    wires.text("ok");
    expect(display.lines[0]).toBe("ok".padEnd(16));
    expect(display.timingViolations).toBe(0);
  });
});

describe("Hd44780Part read cycles", () => {
  it("count their halves, move the address after data, and let the status be read while busy", () => {
    const { display, wires } = initialised();
    wires.half(1, 0x0, 1);
    wires.half(1, 0x0, 1);
    expect(display.controller.addressCounter).toBe(1);
    wires.half(0, 0x0, 1);
    wires.half(0, 0x0, 1);
    expect(display.controller.addressCounter).toBe(1);
    expect(display.timingViolations).toBe(0);
    expect(display.lines[0]).toBe(BLANK);
  });
});

describe("Hd44780Part on any wire", () => {
  const level = fc.constantFrom<0 | 1>(0, 1);
  const step = fc.record({
    pins: fc.record({ rs: level, rw: level, e: level, data: fc.integer({ min: 0, max: 255 }) }),
    waitUs: fc.oneof(fc.constantFrom(0, 1 / 16, 40, 2000), fc.double({ min: -1e5, max: 1e5, noNaN: false })),
  });

  it("shows two rows of 16 characters, whatever the pins do", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { display, wires } = initialised();
        for (const { pins, waitUs } of steps) {
          wires.nowUs += waitUs;
          display.setPins(pins, wires.nowUs);
          expect(display.lines.map((line) => line.length)).toEqual([16, 16]);
        }
        expect(display.controller.addressCounter).toBeLessThan(128);
        expect(display.violations.length).toBeLessThanOrEqual(100);
      }),
      { numRuns: 100 },
    );
  });
});
