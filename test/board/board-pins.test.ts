import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FirmataPins } from "../../rig/board/board-pins.js";
import { FirmataBoard } from "../../rig/board/firmata-board.js";
import { FakeFirmata } from "../support/fake-firmata.js";
import { ManualClock } from "../support/manual-clock.js";

let clock: ManualClock;
let firmware: FakeFirmata;
let board: FirmataBoard;
let pins: FirmataPins;

async function bringUp(minor: number): Promise<void> {
  clock = new ManualClock();
  firmware = new FakeFirmata(clock, { bootMs: 0, minor });
  const stream = await firmware.open();
  const connecting = FirmataBoard.connect(stream, { portName: firmware.name, clock });
  await clock.advance(100);
  board = await connecting;
  pins = new FirmataPins(board.io, (message) => board.write(message));
  firmware.received.length = 0;
}

/** What the board got since the last call. */
async function sent(): Promise<number[]> {
  await clock.advance(0);
  return firmware.received.splice(0);
}

beforeEach(() => bringUp(5));
afterEach(async () => {
  await board.close();
  firmware.dispose();
});

describe("FirmataPins.writePort", () => {
  it("sends one message of 3 bytes: command and port, bits 0-6, bit 7", async () => {
    pins.writePort(0, 0xfc, 0xa4);
    expect(await sent()).toEqual([0x90, 0x24, 0x01]);
  });

  it("keeps the port's other pins, and sends repeats that change nothing", async () => {
    pins.writePort(1, 0b0011, 0b0011);
    pins.writePort(1, 0b0100, 0b0100);
    pins.writePort(1, 0b0001, 0);
    pins.writePort(1, 0, 0);
    expect(await sent()).toEqual([0x91, 3, 0, 0x91, 7, 0, 0x91, 6, 0, 0x91, 6, 0]);
  });

  it("writes 1 for inputs with pull-up and never what another input reads", async () => {
    pins.setMode(9, "pullup");
    pins.setMode(12, "pullup");
    await sent();
    firmware.drive(9, 0);
    await sent();
    pins.writePort(1, 0xff, 0);
    expect(await sent()).toEqual([0x91, 0b0001_0010, 0]);
    expect([firmware.pullups[9], firmware.pullups[12]]).toEqual([true, true]);
  });

  it("refuses port 3 of a board with 20 pins", () => {
    expect(() => pins.writePort(3, 1, 1)).toThrow(RangeError);
  });
});

describe("FirmataPins.setMode", () => {
  it("asks for mode 0x0B and the port's report for an input with pull-up", async () => {
    pins.setMode(9, "pullup");
    expect(await sent()).toEqual([0xf4, 9, 0x0b, 0xd1, 1]);
  });

  it("turns the pull-up on by the port write on firmware 2.4, which has no such mode", async () => {
    await board.close();
    firmware.dispose();
    await bringUp(4);
    pins.setMode(9, "pullup");
    expect(await sent()).toEqual([0xf4, 9, 0x00, 0x91, 2, 0, 0xd1, 1]);
    expect(firmware.pullups[9]).toBe(true);
    pins.writePort(1, 0b0001, 0b0001);
    await sent();
    expect(firmware.pullups[9]).toBe(true);
  });

  it("leaves an output at LOW that was an input with pull-up", async () => {
    pins.setMode(9, "pullup");
    pins.setMode(9, "output");
    pins.writePort(1, 0b0001, 0b0001);
    await sent();
    expect([firmware.levels[8], firmware.levels[9]]).toEqual([1, 0]);
  });

  it.each([0, 1, 20, 2.5])("refuses pin %d", (pin) => {
    expect(() => pins.setMode(pin, "output")).toThrow(RangeError);
  });
});

describe("FirmataPins.onInput", () => {
  it("tells the first report and every change, once each", async () => {
    const levels: number[] = [];
    pins.onInput(9, (level) => levels.push(level));
    pins.setMode(9, "pullup");
    pins.setMode(12, "pullup");
    await sent();
    expect(levels).toEqual([1]);
    firmware.drive(9, 0);
    firmware.drive(12, 0);
    firmware.drive(12, 1);
    firmware.drive(9, null);
    await sent();
    expect(levels).toEqual([1, 0, 1]);
  });

  it("tells nothing more after it was stopped or the pins were released", async () => {
    const levels: number[] = [];
    const stop = pins.onInput(9, (level) => levels.push(level));
    pins.onInput(12, (level) => levels.push(10 + level));
    pins.setMode(9, "pullup");
    pins.setMode(12, "pullup");
    stop();
    pins.release();
    await sent();
    firmware.drive(9, 0);
    firmware.drive(12, 0);
    await sent();
    expect(levels).toEqual([]);
  });
});

describe("FirmataPins.writeI2c", () => {
  it("configures I2C once and sends each byte as two of 7 bits", async () => {
    pins.writeI2c(0x27, Uint8Array.of(0x08, 0xff));
    pins.writeI2c(0x27, Uint8Array.of(0x80));
    expect(await sent()).toEqual([
      ...[0xf0, 0x78, 0, 0, 0xf7],
      ...[0xf0, 0x76, 0x27, 0, 0x08, 0, 0x7f, 1, 0xf7],
      ...[0xf0, 0x76, 0x27, 0, 0x00, 1, 0xf7],
    ]);
  });

  it("cuts 61 bytes into requests of 30, 30 and 1, each within the firmware's 64-byte buffer", async () => {
    pins.writeI2c(0x3f, new Uint8Array(61));
    const lengths = Buffer.from(await sent())
      .toString("latin1")
      .split("\xf7")
      .map((message) => message.length - 1);
    // Without F0 and F7: config 3, then 3 + 2 x 30 twice, then 3 + 2.
    expect(lengths.slice(0, -1)).toEqual([3, 63, 63, 5]);
  });

  it("refuses an address of 8 bits", () => {
    expect(() => pins.writeI2c(0x80, Uint8Array.of(1))).toThrow(RangeError);
  });
});
