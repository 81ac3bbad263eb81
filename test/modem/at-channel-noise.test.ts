/** Noise on the modem's wire: whatever comes, the channel answers every command in time, and is in step again after one. */
import { Duplex } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AtChannel } from "../../rig/modem/at-channel.js";
import { signalQuality } from "../../rig/modem/sim900-commands.js";
import { sendMessage } from "../../rig/modem/sim900-messages.js";
import { pull, send } from "../../rig/modem/sim900-tcp.js";
import { ManualClock } from "../support/manual-clock.js";

/** Answers AT and AT+CSQ for ever, and everything else with what the test says; payload is taken for noise and ignored. */
function modemThatAnswers(other: () => Buffer): Duplex {
  let typed = "";
  const line: Duplex = new Duplex({
    allowHalfOpen: false,
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => {
      done();
      typed += bytes.toString("latin1");
      for (let end = typed.indexOf("\r"); end >= 0; end = typed.indexOf("\r")) {
        const command = typed.slice(0, end);
        typed = typed.slice(end + 1);
        if (command.endsWith("AT")) line.push("\r\nOK\r\n");
        else if (command === "AT+CSQ") line.push("\r\n+CSQ: 20,0\r\n\r\nOK\r\n");
        else if (command !== "") line.push(other());
      }
    },
  });
  return line;
}

const noise = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          "\r\n> ",
          ">",
          "\r\n+CIPRXGET: 2,100,0\r\n",
          "\r\n+IPD,1400:",
          "\r\nSEND OK\r\n",
          "\r\nSEND FAIL\r\n",
          "\r\n+CMGS: 3\r\n",
          "\r\nCLOSED\r\n",
          "\r\nRDY\r\n",
          "\r\nERROR\r\n",
          '\r\n+CMT: "1"\r\n',
          "x".repeat(1500),
        )
        .map((text) => Buffer.from(text)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

const COMMANDS = {
  send: () => send(Uint8Array.of(1, 2, 3)),
  pull: () => pull(100),
  sms: () => sendMessage("123", "x"),
};

describe("AtChannel on a noisy wire", () => {
  it("ends every command in its time, and has the next but one answered", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("send", "pull", "sms" as const),
        noise,
        noise,
        async (which, before, within) => {
          const clock = new ManualClock();
          const stream = modemThatAnswers(() => within);
          const heard: string[] = [];
          const channel = new AtChannel(stream, {
            clock,
            onUnsolicited: (said) => heard.push(said.kind),
            onTrace: () => undefined,
          });
          stream.push(before);
          await clock.advance(0);
          // The longest limits: 5 s for the prompt, 60 s for the result.
          let over = false;
          const spoilt = channel.run(COMMANDS[which]() as ReturnType<typeof send>).then(
            () => "answered",
            (error: { code: string }) => error.code,
          );
          void spoilt.finally(() => {
            over = true;
          });
          await clock.advance(65_000);
          expect(over).toBe(true);
          // Counted bytes that were announced in the noise may swallow one answer, until 2 s without a byte have passed.
          const next = channel.run(signalQuality()).then(
            (signal) => signal,
            () => null,
          );
          await clock.advance(15_000);
          expect([20, null]).toContain(await next);
          const last = channel.run(signalQuality());
          await clock.advance(6000);
          expect(await last).toBe(20);
          await channel.close();
          expect(clock.armedTimers).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
