import { createConnection } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCommandLine } from "../../../rig/virtual/parts/sim900/command-line.js";
import { decodeGsm, encodeGsm, gsmSeptets } from "../../../rig/virtual/parts/sim900/gsm-alphabet.js";
import { Peer } from "./peer.js";
import { Terminal } from "./terminal.js";

const NAMES =
  "E V X Z I O &F S0 +CSQ +CMEE +CPIN +CREG +COPS +CGATT +CLTS +CCLK +IFC +CMGF +CSCS +CPMS +CNMI +CSMP +CMGS +CMGR +CMGL +CMGD " +
  "+CIPSHUT +CSTT +CIICR +CIFSR +CIPSTART +CIPSEND +CIPCLOSE +CIPSTATUS +CIPMUX +CIPHEAD +CIPRXGET +CIPQSEND +CIPACK +CDNSGIP +CDNSCFG +CSCA +CBC +CUSD";

const argument = fc.oneof(
  fc.integer({ min: -1, max: 2000 }).map(String),
  fc.constantFrom(
    "0",
    "1",
    "2",
    "",
    '"',
    '"TCP"',
    '"127.0.0.1"',
    '"GSM"',
    '"UCS2"',
    '"SM"',
    '"ALL"',
    '"+4912345"',
  ),
  fc.string({ maxLength: 8 }).map((text) => `"${text}"`),
);
const command = fc
  .tuple(
    fc.constantFrom(...NAMES.split(" ")),
    fc.constantFrom("", "?", "=?", "="),
    fc.array(argument, { maxLength: 4 }),
  )
  .map(([name, form, args]) => `${name}${form}${form === "=" ? args.join(",") : ""}`);
const line = fc.array(command, { minLength: 1, maxLength: 3 }).map((commands) => `AT${commands.join(";")}\r`);
const garbage = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const typed = fc.array(
  fc.oneof(garbage, line, fc.constantFrom("A/", "\r", "\x1a", "\x1b", "AT", "\n", "\x08")),
  {
    maxLength: 12,
  },
);

/** Fills whatever is being typed into, and asks whether anybody is there. */
async function expectAlive(terminal: Terminal): Promise<void> {
  terminal.type("\r".repeat(1500));
  await terminal.pass(8000);
  terminal.heard();
  terminal.type("AT\r");
  await terminal.pass(1000);
  expect(terminal.heard()).toMatch(/(\r\nOK\r\n|0\r)$/);
}

describe("the virtual SIM900 under garbage", () => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await Peer.listen();
  });
  afterAll(() => peer.stop());

  it("answers AT afterwards, whatever was typed", async () => {
    await fc.assert(
      fc.asyncProperty(typed, fc.integer({ min: 0, max: 2000 }), async (pieces, pauseMs) => {
        const terminal = await new Terminal({ mayReach: () => false }).open();
        for (const piece of pieces) {
          terminal.type(piece);
          await terminal.pass(pauseMs);
        }
        await expectAlive(terminal);
        await terminal.stop();
        expect(terminal.clock.armedTimers).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("answers AT afterwards, with a connection open", async () => {
    await fc.assert(
      fc.asyncProperty(typed, async (pieces) => {
        // Wherever a garbled CIPSTART leads, it ends at the peer.
        const dial = () => createConnection(peer.port, "127.0.0.1");
        const terminal = await new Terminal({ dial }).open();
        await terminal.bringUp("AT+CIPRXGET=1");
        await terminal.ask(`AT+CIPSTART="TCP","127.0.0.1",${peer.port}`, "CONNECT OK\r\n");
        for (const piece of pieces) {
          terminal.type(piece);
          await terminal.pass(700);
        }
        await expectAlive(terminal);
        await terminal.stop();
        expect(terminal.clock.armedTimers).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it("takes any line apart without throwing, and no part of it twice", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), line), (text) => {
        for (const { name, args } of parseCommandLine(text) ?? []) {
          expect(name).toMatch(/^(S\d{1,3}|&?[A-Z]|[+*][A-Z0-9]+)$/);
          expect(args.length).toBeLessThanOrEqual(text.length + 1);
        }
      }),
    );
  });

  it("writes and reads every text of the GSM alphabet, two septets for each of the extension", () => {
    const characters = [..."@£$ΔΩ abcZ0?€[]{}|~^\\ñà§"];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...characters)), (letters) => {
        const text = letters.join("");
        const codes = Uint8Array.from(encodeGsm(text));
        expect(decodeGsm(codes)).toBe(text);
        expect(gsmSeptets(text)).toBe(codes.length);
      }),
    );
    expect(gsmSeptets("л")).toBeNull();
  });
});
