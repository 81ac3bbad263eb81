/** The search on small modems of its own making, each left in the middle of something by whoever used it before. */
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { AtChannel } from "../../rig/modem/at-channel.js";
import { findModem, type PowerKey } from "../../rig/modem/find-modem.js";
import { ManualClock } from "../support/manual-clock.js";

type Hear = (bytes: string, baudBps: number, say: (answer: string) => void) => void;

/** Answers AT as the SIM900 does, line by line; what it is left in the middle of is the caller's. */
function answerAt(log: string[] = []): (bytes: string, say: (answer: string) => void) => void {
  let line = "";
  return (bytes, say) => {
    for (const byte of bytes) {
      if (byte !== "\r") {
        line += byte;
        continue;
      }
      if (line !== "") log.push(line);
      if (line === "AT" || line.startsWith("AT+IPR=")) say("\r\nOK\r\n");
      else if (line !== "") say("\r\nERROR\r\n");
      line = "";
    }
  };
}

class Bench {
  readonly clock = new ManualClock();
  readonly said: string[] = [];
  readonly opened: number[] = [];
  readonly written: string[] = [];
  pressedAtMs: number[] = [];

  async search(
    hear: Hear,
    options: { baudBps?: number; powerKey?: boolean } = {},
  ): Promise<{ baudBps: number; tookMs: number }> {
    const { clock } = this;
    const powerKey: PowerKey = {
      press: async () => {
        this.pressedAtMs.push(clock.steadyMs());
      },
    };
    let result: { channel: AtChannel } | { error: unknown } | undefined;
    findModem({
      ...{ lineName: "/dev/ttyUSB0", baudBps: options.baudBps ?? 9600, channel: null, clock },
      powerKey: options.powerKey === true ? powerKey : null,
      signal: new AbortController().signal,
      say: (detail) => this.said.push(detail),
      openChannel: async (baudBps) => {
        this.opened.push(baudBps);
        const stream: Duplex = new Duplex({
          read: () => undefined,
          write: (bytes: Buffer, _encoding, done) => {
            this.written.push(bytes.toString("latin1"));
            hear(bytes.toString("latin1"), baudBps, (answer) => {
              clock.after(10, () => stream.destroyed || stream.push(Buffer.from(answer, "latin1")));
            });
            done();
          },
        });
        return new AtChannel(stream, { clock, onUnsolicited: () => undefined, onTrace: () => undefined });
      },
    }).then(
      (channel) => (result = { channel }),
      (error: unknown) => (result = { error }),
    );
    while (result === undefined && clock.steadyMs() < 120_000) await clock.advance(10);
    const tookMs = clock.steadyMs();
    if (result === undefined) throw new Error("the search did not end within 2 min");
    if ("error" in result) throw result.error;
    await result.channel.close();
    return { baudBps: this.opened.at(-1)!, tookMs };
  }
}

describe("finding the modem", () => {
  it("costs one AT where it answers at once", async () => {
    const bench = new Bench();
    const answer = answerAt();
    const { tookMs } = await bench.search((bytes, _baud, say) => answer(bytes, say));
    expect(bench.written).toEqual(["AT\r"]);
    expect(tookMs).toBeLessThanOrEqual(20);
  });

  it("cancels a half-typed SMS with ESC and never sends it: no Ctrl-Z", async () => {
    const bench = new Bench();
    const answer = answerAt();
    let typing = true;
    await bench.search((bytes, _baud, say) => {
      if (!typing) answer(bytes, say);
      else if (bytes.includes("\x1b")) {
        typing = false;
        say("\r\nOK\r\n");
      } else say("\r\n> ".repeat(bytes.split("\r").length - 1));
    });
    expect(typing).toBe(false);
    expect(bench.written.join("")).not.toContain("\x1a");
  });

  it.each([1, 200, 700, 1460])(
    "fills a CIPSEND that still waits for %i bytes, and waits for its SEND FAIL",
    async (missing) => {
      const bench = new Bench();
      const answer = answerAt();
      let left = missing;
      let deafUntilMs = 0;
      const { tookMs } = await bench.search((bytes, _baud, say) => {
        const eaten = Math.min(left, bytes.length);
        left -= eaten;
        if (eaten > 0 && left === 0) {
          // The module is deaf while it sends: a round trip of 2 s.
          deafUntilMs = bench.clock.steadyMs() + 2000;
          bench.clock.after(2000, () => say("\r\nSEND FAIL\r\n"));
        }
        const rest = bytes.slice(eaten);
        if (left === 0 && bench.clock.steadyMs() >= deafUntilMs) answer(rest, say);
      });
      expect(left).toBe(0);
      expect(tookMs).toBeLessThan(12_000);
      expect(bench.opened).toEqual([9600]);
      expect(bench.written.join("")).not.toContain("\x1a");
    },
  );

  it("leaves transparent mode: +++ with 1 s of silence before and after, all at once", async () => {
    const bench = new Bench();
    const answer = answerAt();
    let transparent = true;
    let lastMs = Number.NEGATIVE_INFINITY;
    await bench.search((bytes, _baud, say) => {
      const nowMs = bench.clock.steadyMs();
      const quietMs = nowMs - lastMs;
      lastMs = nowMs;
      if (!transparent) answer(bytes, say);
      else if (bytes === "+++" && quietMs >= 1000) {
        bench.clock.after(1000, () => {
          transparent = lastMs !== nowMs;
          if (!transparent) say("\r\nOK\r\n");
        });
      }
    });
    expect(transparent).toBe(false);
  });

  it.each([115_200, 19_200, 1200])(
    "finds a modem at %i baud, sets it to 9600 and goes on there",
    async (rate) => {
      const bench = new Bench();
      const log: string[] = [];
      const answer = answerAt(log);
      let modemRate = rate;
      const { baudBps } = await bench.search((bytes, baud, say) => {
        if (baud !== modemRate) return;
        answer(bytes, say);
        if (bytes === "AT+IPR=9600\r") modemRate = 9600;
      });
      expect(baudBps).toBe(9600);
      expect(log).toContain("AT+IPR=9600");
    },
  );

  it("trains an autobauding modem, which misses the first AT", async () => {
    const bench = new Bench();
    const answer = answerAt();
    let heard = 0;
    await bench.search((bytes, _baud, say) => {
      heard += 1;
      if (heard > 1) answer(bytes, say);
    });
    expect(bench.written).toEqual(["AT\r", "AT\r"]);
  });

  it("says after at most 30 s what was tried and what to check, where nothing answers", async () => {
    const bench = new Bench();
    await expect(bench.search(() => undefined)).rejects.toMatchObject({
      code: "modem/no-answer",
      message: expect.stringMatching(
        /\/dev\/ttyUSB0 at 9600, 115200, 19200, 57600, 38400, 4800, 2400, 1200 baud/,
      ),
      hint: expect.stringMatching(/supply.*TX and RX.*PWRKEY/),
    });
    expect(bench.clock.steadyMs()).toBeLessThan(30_000);
  });

  it("tells an Arduino with Firmata from a modem", async () => {
    const bench = new Bench();
    const found = bench.search((_bytes, baud, say) => {
      if (baud === 57_600) say("\xf9\x02\x05\xf0\x79\x02\x05S\0t\0\xf7");
    });
    await expect(found).rejects.toMatchObject({
      code: "modem/not-a-modem",
      hint: expect.stringMatching(/Arduino/),
    });
  });

  it("presses PWRKEY once, and only where nothing answered: the same pulse switches a running modem off", async () => {
    const bench = new Bench();
    const answer = answerAt();
    const { tookMs } = await bench.search(
      (bytes, _baud, say) => {
        const pressedMs = bench.pressedAtMs[0] ?? Number.POSITIVE_INFINITY;
        if (bench.clock.steadyMs() - pressedMs >= 4000) answer(bytes, say);
      },
      { powerKey: true },
    );
    expect(bench.pressedAtMs).toHaveLength(1);
    expect(tookMs - bench.pressedAtMs[0]!).toBeLessThan(6000);

    const running = new Bench();
    await running.search((bytes, _baud, say) => answer(bytes, say), { powerKey: true });
    expect(running.pressedAtMs).toEqual([]);
  });
});
