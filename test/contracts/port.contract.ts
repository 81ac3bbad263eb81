/**
 * What every Port promises (rig/core/port.ts), as one suite for all kinds: real serial ports, virtual boards, fakes.
 * Looks at raw bytes only: 0xF9 major minor is Firmata's version report, 0xF0 0x79 ... 0xF7 its firmware report.
 */
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PortError } from "../../rig/core/errors.js";
import type { Port } from "../../rig/core/port.js";

/** A port with a StandardFirmata board behind it, and the hands and the clock of the test. */
export interface PortBench {
  readonly port: Port;
  /** Lets time pass for the board and the port. */
  advance(ms: number): Promise<void>;
  /** Pulls the cable; left out where that takes a hand. */
  unplug?(): void;
  /** Puts it back. */
  plug?(): void;
  dispose(): Promise<void>;
}

const BOOT_LIMIT_MS = 5000;
const ANSWER_LIMIT_MS = 500;
const STEP_MS = 20;

/** What came from a stream, in order. */
class Listener {
  readonly bytes: number[] = [];
  readonly events: string[] = [];
  readonly stream: Duplex;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("data", (chunk: Buffer) => {
      this.bytes.push(...chunk);
      if (this.events.length > 0) this.events.push("data");
    });
    stream.on("error", (error: PortError) => this.events.push(error.code));
    stream.on("close", () => this.events.push("close"));
  }

  get hasVersion(): boolean {
    return this.bytes.some((byte, at) => byte === 0xf9 && this.bytes[at + 1] === 2);
  }

  get hasFirmware(): boolean {
    return (
      this.bytes.some((byte, at) => byte === 0xf0 && this.bytes[at + 1] === 0x79) && this.bytes.includes(0xf7)
    );
  }
}

export function describePortContract(kind: string, makeBench: () => Promise<PortBench>): void {
  describe(`Port contract: ${kind}`, () => {
    let bench: PortBench;

    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(async () => {
      await bench.dispose();
    });

    async function until(condition: () => boolean, limitMs: number): Promise<void> {
      for (let passedMs = 0; !condition() && passedMs < limitMs; passedMs += STEP_MS)
        await bench.advance(STEP_MS);
      expect(condition(), `within ${limitMs} ms`).toBe(true);
    }

    async function open(): Promise<Listener> {
      return new Listener(await bench.port.open());
    }

    async function close(listener: Listener): Promise<void> {
      listener.stream.destroy();
      await until(() => listener.events.includes("close"), ANSWER_LIMIT_MS);
    }

    const refusal = (opening: Promise<unknown>): Promise<PortError> =>
      opening.then(
        () => expect.fail("it opened"),
        (error: PortError) => error,
      );

    it("resets the board at every opening: version and firmware come unasked within 5 s, each time on a new stream", async () => {
      const first = await open();
      await until(() => first.hasVersion && first.hasFirmware, BOOT_LIMIT_MS);
      await close(first);
      const second = await open();
      expect(second.stream).not.toBe(first.stream);
      expect(second.bytes).toEqual([]);
      await until(() => second.hasVersion && second.hasFirmware, BOOT_LIMIT_MS);
      await close(second);
    });

    it("carries bytes both ways: a version query is answered within 0.5 s, a capability query by 20 pins or more", async () => {
      const listener = await open();
      await until(() => listener.hasVersion && listener.hasFirmware, BOOT_LIMIT_MS);
      await bench.advance(STEP_MS);
      listener.bytes.length = 0;
      listener.stream.write(Uint8Array.of(0xf9));
      await until(() => listener.hasVersion && listener.bytes.length >= 3, ANSWER_LIMIT_MS);
      listener.bytes.length = 0;
      listener.stream.write(Uint8Array.of(0xf0, 0x6b, 0xf7));
      await until(() => listener.bytes.includes(0xf7), ANSWER_LIMIT_MS);
      expect(listener.bytes.slice(0, 2)).toEqual([0xf0, 0x6c]);
      expect(listener.bytes.filter((byte) => byte === 0x7f).length).toBeGreaterThanOrEqual(20);
      await close(listener);
    });

    it("is open once only: a second opening is refused with port/busy and does no harm to the first", async () => {
      const listener = await open();
      expect((await refusal(bench.port.open())).code).toBe("port/busy");
      await until(() => listener.hasVersion, BOOT_LIMIT_MS);
      expect(listener.events).toEqual([]);
      await close(listener);
    });

    it("says close once when it is destroyed, gives no data afterwards, and refuses writes", async () => {
      const listener = await open();
      await bench.advance(STEP_MS);
      await close(listener);
      const failure = await new Promise<Error | null | undefined>((resolve) => {
        listener.stream.write(Uint8Array.of(0xf9), resolve);
      });
      expect(failure).toBeInstanceOf(Error);
      await bench.advance(ANSWER_LIMIT_MS);
      expect(listener.events.filter((event) => event === "close")).toHaveLength(1);
      expect(listener.events).not.toContain("data");
    });

    it("rejects with the signal's reason and stays usable", async () => {
      const reason = new Error("stopped by the test");
      expect(await refusal(bench.port.open(AbortSignal.abort(reason)))).toBe(reason);
      await close(await open());
    });

    it("says port/lost, then close, when the cable is pulled, and opens again when it is back", async (context) => {
      const { unplug, plug } = bench;
      if (unplug === undefined) return context.skip("pulling the cable takes a hand");
      const listener = await open();
      await bench.advance(STEP_MS);
      unplug();
      await until(() => listener.events.includes("close"), ANSWER_LIMIT_MS);
      await bench.advance(STEP_MS);
      expect(listener.events).toEqual(["port/lost", "close"]);
      expect((await refusal(bench.port.open())).code).toBe("port/missing");
      if (plug === undefined) return;
      plug();
      await close(await open());
    });
  });
}
