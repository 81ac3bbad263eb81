import { describe, expect, test } from "vitest";
import { loadFirmware } from "../../../rig/virtual/boards/firmware.js";
import { CLOCK_HZ, Uno, type UnoOptions } from "../../../rig/virtual/boards/uno.js";
import {
  concat,
  parsePortReports,
  parseSamples,
  pinMode,
  reportAnalog,
  reportDigital,
  samplingInterval,
  VERSION_2_5,
  writePort,
} from "../firmata-bytes.js";

const program = loadFirmware(undefined);

function makeUno(analog: UnoOptions["analog"] = () => 2.5, i2c: UnoOptions["i2c"] = []) {
  const sent: number[] = [];
  const uno = new Uno({ program, analog, i2c, transmitted: (byte) => sent.push(byte) });
  uno.powerOn(0);
  const run = (seconds: number) => uno.runTo(uno.cycles + seconds * CLOCK_HZ);
  const takeSent = () => Uint8Array.from(sent.splice(0));
  return { uno, run, takeSent };
}

/** Boots and sets the interval, waiting 200 ms so that no catch-up burst follows. */
function makeSampling(intervalMs: number, channels: readonly number[], analog: UnoOptions["analog"]) {
  const made = makeUno(analog);
  made.run(2.3);
  made.uno.receive(samplingInterval(intervalMs));
  made.run(0.2);
  made.takeSent();
  made.uno.receive(concat(...channels.map(reportAnalog)));
  return made;
}

describe("Uno with StandardFirmata 2.5", () => {
  test("blinks D13 and reports version 2.5 after 2.1 s, again after a reset", () => {
    const { uno, run, takeSent } = makeUno();
    let blinks = 0;
    let led: unknown = 0;
    uno.pins.onPortChange(() => {
      if (uno.pins.drive(13) === 1 && led !== 1) blinks++;
      led = uno.pins.drive(13);
    });
    run(2.1);
    expect(takeSent()).toHaveLength(0);
    run(0.1);
    expect([...takeSent().subarray(0, 3)]).toEqual(VERSION_2_5);
    // Firmata blinks its protocol version: twice for 2, five times for 5.
    expect(blinks).toBe(7);
    uno.powerOn(uno.cycles);
    run(2.2);
    expect([...takeSent().subarray(0, 3)]).toEqual(VERSION_2_5);
  });

  test("samples A0 at 1000 Hz at 1 ms: 2000 samples in 2 s, the codes of 1.25 V and 5 V exact", () => {
    let volts = 1.25;
    const { run, takeSent } = makeSampling(1, [0], () => volts);
    run(1);
    volts = 5;
    run(1);
    const samples = parseSamples(takeSent());
    expect(Math.abs(samples.length - 2000)).toBeLessThanOrEqual(2);
    expect(samples.slice(0, 990).every(({ channel, code }) => channel === 0 && code === 256)).toBe(true);
    expect(samples.slice(1010).every(({ channel, code }) => channel === 0 && code === 1023)).toBe(true);
  });

  test("samples A0 and A1 at 333.3 Hz each at 3 ms, every A0 directly followed by its A1", () => {
    const { run, takeSent } = makeSampling(3, [0, 1], (channel) => channel);
    run(3);
    // The first A0 may come alone, in answer to the message that switches it on.
    const samples = parseSamples(takeSent()).slice(2);
    expect(Math.abs(samples.length - 2000)).toBeLessThanOrEqual(3);
    expect(samples.every(({ channel }, index) => channel === (samples[0]!.channel + index) % 2)).toBe(true);
  });

  test("takes the voltage of A1 127.6 us after that of A0, to a tenth of a us", () => {
    const times: { channel: number; timeS: number }[] = [];
    const { run } = makeSampling(3, [0, 1], (channel, timeS) => {
      if (timeS > 3) times.push({ channel, timeS });
      return 2.5;
    });
    run(1.5);
    const skews = times
      .slice(1)
      .map(({ channel, timeS }, index) => ({ channel, us: (timeS - times[index]!.timeS) * 1e6 }))
      .filter(({ channel, us }) => channel === 1 && us < 1000);
    expect(skews.length).toBeGreaterThan(300);
    // Cycle counts of this build of StandardFirmata 2.5.0 in bare avr8js: 112 us are the conversion and its wait, the
    // rest is analogRead and Firmata.sendAnalog. (2.5.9 with Arduino core 1.8.7 takes 147 us.)
    for (const { us } of skews) expect(us).toBeCloseTo(127.6, 1);
  });

  test("reads 1 from an open input with pull-up, the level of a driven one, and hum from a floating one", () => {
    const { uno, run, takeSent } = makeUno();
    run(2.3);
    uno.receive(concat(pinMode(9, "pullup"), pinMode(12, "input"), writePort(1, 0b10), reportDigital(1)));
    uno.pins.setInput(12, 0);
    run(0.1);
    takeSent();
    uno.pins.setInput(9, 0);
    run(0.1);
    uno.pins.setInput(9, null);
    run(0.1);
    const pullups = parsePortReports(takeSent(), 1);
    expect(pullups.map((levels) => (levels >> 1) & 1)).toEqual([0, 1]);
    uno.pins.setInput(12, null);
    run(1);
    const hum = parsePortReports(takeSent(), 1).map((levels) => (levels >> 4) & 1);
    // 50 Hz: 100 changes a second.
    expect(Math.abs(hum.length - 100)).toBeLessThanOrEqual(1);
  });

  test("writes 3 bytes to the I2C device 0x27, one each 90 us and the ISR's time, and goes on when 0x3F is absent", () => {
    const written: { byte: number; timeUs: number }[] = [];
    const { uno, run, takeSent } = makeUno(undefined, [
      { address: 0x27, write: (byte, timeUs) => written.push({ byte, timeUs }) },
    ]);
    run(2.3);
    takeSent();
    uno.receive(Uint8Array.of(0xf0, 0x78, 0, 0, 0xf7));
    uno.receive(Uint8Array.of(0xf0, 0x76, 0x3f, 0, 1, 0, 0xf7, 0xf9));
    uno.receive(Uint8Array.of(0xf0, 0x76, 0x27, 0, 0x5a, 1, 0x00, 0, 0x7f, 1, 0xf7));
    run(0.1);
    expect([...takeSent()]).toEqual(VERSION_2_5);
    expect(written.map(({ byte }) => byte)).toEqual([0xda, 0x00, 0xff]);
    for (const [index, { timeUs }] of written.slice(1).entries()) {
      const gapUs = timeUs - written[index]!.timeUs;
      expect(gapUs).toBeGreaterThanOrEqual(90);
      expect(gapUs).toBeLessThan(110);
    }
  });

  test("does nothing without supply: no bytes, every pin open", () => {
    const { uno, run, takeSent } = makeUno();
    run(0.05);
    // It blinks.
    expect(uno.pins.drive(13)).not.toBe("open");
    uno.powerOff();
    uno.receive(Uint8Array.of(0xf9));
    uno.runTo(10 * CLOCK_HZ);
    expect(takeSent()).toHaveLength(0);
    expect(uno.pins.drive(13)).toBe("open");
  });
});
