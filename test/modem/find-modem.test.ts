/** The search on small modems of its own making, each left in the middle of something by whoever used it before. */
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import type { ModemError } from "../../rig/core/errors.js";
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

/** Instead of an answer: the other end closes the line. */
const HANGS_UP = "hangs up";

class Bench {
  readonly clock = new ManualClock();
  readonly said: string[] = [];
  readonly opened: number[] = [];
  readonly written: string[] = [];
  pressedAtMs: number[] = [];
  stream: Duplex | null = null;

  async search(
    hear: Hear,
    options: {
      baudBps?: number;
      powerKey?: boolean;
      kind?: "serial" | "tcp";
      /** Said on a channel that is open before the search. */
      saidBefore?: string;
    } = {},
  ): Promise<{ baudBps: number; tookMs: number }> {
    const { clock } = this;
    const powerKey: PowerKey = {
      press: async () => {
        this.pressedAtMs.push(clock.steadyMs());
      },
    };
    let result: { channel: AtChannel } | { error: unknown } | undefined;
    const openChannel = async (baudBps: number) => {
      this.opened.push(baudBps);
      const stream: Duplex = new Duplex({
        read: () => undefined,
        write: (bytes: Buffer, _encoding, done) => {
          this.written.push(bytes.toString("latin1"));
          hear(bytes.toString("latin1"), baudBps, (answer) => {
            clock.after(10, () => {
              if (stream.destroyed) return;
              if (answer === HANGS_UP) stream.destroy();
              else stream.push(Buffer.from(answer, "latin1"));
            });
          });
          done();
        },
      });
      this.stream = stream;
      return new AtChannel(stream, { clock, onUnsolicited: () => undefined, onTrace: () => undefined });
    };
    let channel: AtChannel | null = null;
    if (options.saidBefore !== undefined) {
      channel = await openChannel(9600);
      this.stream?.push(Buffer.from(options.saidBefore, "latin1"));
      await clock.advance(10);
      expect(channel.strayBytes).toBeGreaterThan(0);
    }
    findModem({
      ...{ baudBps: options.baudBps ?? 9600, channel, clock, openChannel },
      line: { name: "/dev/ttyUSB0", kind: options.kind ?? "serial" },
      powerKey: options.powerKey === true ? powerKey : null,
      signal: new AbortController().signal,
      say: (detail) => this.said.push(detail),
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

  it("stores the rate once the modem is heard at it", async () => {
    const bench = new Bench();
    const log: string[] = [];
    const answer = answerAt(log);
    let modemRate = 19_200;
    await bench.search((bytes, baud, say) => {
      if (baud !== modemRate) return;
      answer(bytes, say);
      if (bytes === "AT+IPR=9600\r") modemRate = 9600;
    });
    expect(log.slice(-3)).toEqual(["AT+IPR=9600", "AT", "AT&W"]);
  });

  it("goes back to the rate at which it was found where it is not heard at the new one, and names both", async () => {
    const bench = new Bench();
    const log: string[] = [];
    const answer = answerAt(log);
    // OK, but it stays where it is.
    const { baudBps } = await bench.search((bytes, baud, say) => {
      if (baud === 19_200) answer(bytes, say);
    });
    expect(baudBps).toBe(19_200);
    expect(log).not.toContain("AT&W");
    expect(bench.said.at(-1)).toMatch(
      /took AT\+IPR=9600 at 19200 baud, and is silent at 9600 baud: going on at 19200 baud; set modem\.baud to 19200/,
    );
  });

  it("tries and sets no rate where a device server has it", async () => {
    const bench = new Bench();
    const search = bench.search(() => undefined, { kind: "tcp" });
    const error = (await search.catch((reason: unknown) => reason)) as ModemError;
    expect(error).toMatchObject({ code: "modem/no-answer", hint: expect.stringMatching(/device server/) });
    expect([...bench.said, error.message].join()).not.toMatch(/\d baud/);
    expect(new Set(bench.opened)).toEqual(new Set([9600]));
    expect(bench.written.join("")).not.toContain("IPR");
  });

  it("takes bytes from before the search for no sign of another device", async () => {
    const bench = new Bench();
    const search = bench.search(() => undefined, { saidBefore: "\r\nwhatever it was\r\n" });
    await expect(search).rejects.toMatchObject({ code: "modem/no-answer" });
  });

  it("tells a web server from a modem, which answers an AT and hangs up", async () => {
    const bench = new Bench();
    const search = bench.search(
      (_bytes, _baud, say) => {
        say("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        say(HANGS_UP);
      },
      { kind: "tcp" },
    );
    await expect(search).rejects.toMatchObject({
      code: "modem/not-a-modem",
      message: expect.stringMatching(/something speaks .* hangs up without having answered AT/),
      hint: expect.stringMatching(/modem\.port is the address of the modem's device server/),
    });
  });

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
