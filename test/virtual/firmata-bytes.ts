/** The few Firmata messages that these tests send and read. Source: Firmata protocol 2.5, protocol.md. */

export const VERSION_2_5 = [0xf9, 2, 5];

/** SAMPLING_INTERVAL as raw sysex: client libraries do not send less than 10 ms. */
export function samplingInterval(ms: number): Uint8Array {
  return Uint8Array.of(0xf0, 0x7a, ms & 0x7f, ms >> 7, 0xf7);
}

export function reportAnalog(channel: number): Uint8Array {
  return Uint8Array.of(0xc0 | channel, 1);
}

export function reportDigital(port: number): Uint8Array {
  return Uint8Array.of(0xd0 | port, 1);
}

export function pinMode(pin: number, mode: "input" | "output" | "pullup"): Uint8Array {
  return Uint8Array.of(0xf4, pin, { input: 0, output: 1, pullup: 11 }[mode]);
}

/** One digital port message; bits of pins that are not outputs change their pull-up. */
export function writePort(port: number, levels: number): Uint8Array {
  return Uint8Array.of(0x90 | port, levels & 0x7f, (levels >> 7) & 1);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export interface Sample {
  readonly channel: number;
  readonly code: number;
}

/** ANALOG messages of a stream that holds nothing else. @throws Error at the first byte that does not fit */
export function parseSamples(bytes: Uint8Array): Sample[] {
  const samples: Sample[] = [];
  const whole = bytes.length - (bytes.length % 3);
  for (let at = 0; at < whole; at += 3) {
    const [status, lsb, msb] = bytes.subarray(at, at + 3) as unknown as [number, number, number];
    if ((status & 0xf0) !== 0xe0 || lsb > 0x7f || msb > 0x7f) {
      throw new Error(
        `byte ${at} is 0x${status.toString(16)} 0x${lsb.toString(16)} 0x${msb.toString(16)}, not an ANALOG message`,
      );
    }
    samples.push({ channel: status & 0x0f, code: lsb | (msb << 7) });
  }
  return samples;
}

/** Levels of a port by each DIGITAL message in a stream. */
export function parsePortReports(bytes: Uint8Array, port: number): number[] {
  const levels: number[] = [];
  for (let at = 0; at + 2 < bytes.length; at++) {
    if (bytes[at] === (0x90 | port)) levels.push(bytes[at + 1]! | (bytes[at + 2]! << 7));
  }
  return levels;
}
