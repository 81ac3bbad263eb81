/** Answers as the SIM900 AT Command Manual V1.03 and AN_SIM900_TCPIP V1.02 print them. */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { PortError } from "../../rig/core/errors.js";
import { runAtTerminal } from "../../rig/modem/at-terminal.js";
import { ManualClock } from "../support/manual-clock.js";
import { ScriptedModem, type Step } from "../support/scripted-modem.js";
import { until } from "../support/until.js";

const ok = (expected: string): Step => ({ expect: expected, answer: "\r\nOK\r\n" });

function start(steps: readonly Step[], interactive = false) {
  const clock = new ManualClock();
  const modem = new ScriptedModem(clock, steps);
  const input = new PassThrough();
  const output = new PassThrough();
  const chunks: Buffer[] = [];
  output.on("data", (bytes: Buffer) => chunks.push(bytes));
  let outcome: unknown = null;
  const warnings = new PassThrough();
  const running = runAtTerminal({
    stream: modem.stream,
    input,
    output,
    warnings,
    interactive,
    clock,
    portName: "wire",
  })
    .then((result) => {
      outcome = result;
    })
    .catch((error: unknown) => {
      outcome = error;
    });
  const shown = () => Buffer.concat(chunks).toString();
  return {
    clock,
    modem,
    input,
    running,
    shown,
    lines: () => shown().split("\n").slice(0, -1),
    warned: () => String(warnings.read() ?? ""),
    outcome: () => outcome,
  };
}

/** Pipes a script in, and steps the clock until the terminal has ended. */
async function play(script: string, steps: readonly Step[], limitMs = 10_000) {
  const terminal = start(steps);
  terminal.input.end(script);
  for (let passedMs = 0; terminal.outcome() === null && passedMs < limitMs; passedMs += 50) {
    await terminal.clock.advance(50);
  }
  expect(terminal.outcome()).not.toBeNull();
  expect(terminal.clock.armedTimers).toBe(0);
  return terminal;
}

describe("a script on the terminal", () => {
  it("sends one command at a time, and shows each answer with its meaning", async () => {
    const { lines, modem, outcome } = await play("AT\nAT+CSQ\r\n\nAT+CPIN?\n", [
      ok("AT\r"),
      { expect: "AT+CSQ\r", answer: { afterMs: 400, say: "\r\n+CSQ: 20,0\r\n\r\nOK\r\n" } },
      { expect: "AT+CPIN?\r", answer: "\r\n+CME ERROR: 10\r\n" },
    ]);
    expect(modem.done).toBe(true);
    expect(lines()).toEqual([
      "AT",
      "OK                              done",
      "AT+CSQ",
      "+CSQ: 20,0                      -74 dBm, strong, bit errors of class 0 of 7",
      "OK                              done",
      "AT+CPIN?",
      "+CME ERROR: 10                  SIM not inserted",
    ]);
    expect(outcome()).toEqual({ answered: true });
  });

  it("leaves out the echo", async () => {
    const { lines } = await play("AT\n", [{ expect: "AT\r", answer: "AT\r\r\nOK\r\n" }]);
    expect(lines().map((line) => line.split(" ")[0])).toEqual(["AT", "OK"]);
  });

  it("waits for CONNECT OK after the OK of CIPSTART, and for STATE after that of CIPSTATUS", async () => {
    const { modem, lines } = await play('AT+CIPSTART="TCP","192.0.2.7",80\nAT+CIPSTATUS\nAT\n', [
      {
        expect: 'AT+CIPSTART="TCP","192.0.2.7",80\r',
        answer: ["\r\nOK\r\n", { afterMs: 3000, say: "\r\nCONNECT OK\r\n" }],
      },
      { expect: "AT+CIPSTATUS\r", answer: ["\r\nOK\r\n", { afterMs: 50, say: "\r\nSTATE: CONNECT OK\r\n" }] },
      ok("AT\r"),
    ]);
    expect(modem.done).toBe(true);
    expect(lines().filter((line) => /CONNECT OK/.test(line))).toHaveLength(2);
  });

  it("types the text of a message at the prompt, CR between its lines, and ends it with Ctrl-Z", async () => {
    const { modem, lines } = await play('AT+CMGS="+4915112345678"\nfirst\nsecond\n.ctrlz\nAT\n', [
      { expect: 'AT+CMGS="+4915112345678"\r', answer: "\r\n> " },
      { expect: "first" },
      { expect: "\rsecond", answer: "\r\n> " },
      { expect: "\x1a", answer: { afterMs: 4000, say: "\r\n+CMGS: 17\r\n\r\nOK\r\n" } },
      ok("AT\r"),
    ]);
    expect([modem.unexpected, modem.done]).toEqual(["", true]);
    expect(lines()).toContain(
      "+CMGS: 17                       the network has taken the message, reference 17",
    );
  });

  it("ends the text of a send when the announced bytes are written", async () => {
    const { modem } = await play("AT+CIPSEND=5\nhello\nAT\n", [
      { expect: "AT+CIPSEND=5\r", answer: "\r\n> " },
      { expect: "hello", answer: { afterMs: 1500, say: "\r\nSEND OK\r\n" } },
      ok("AT\r"),
    ]);
    expect([modem.unexpected, modem.done]).toEqual(["", true]);
  });

  it("gives up a text with ESC, in the script or at its end", async () => {
    const typed = await play('AT+CMGS="+491511"\nabc\n.esc\nAT\n', [
      { expect: 'AT+CMGS="+491511"\r', answer: "\r\n> " },
      { expect: "abc" },
      { expect: "\x1b", answer: "\r\nOK\r\n" },
      ok("AT\r"),
    ]);
    expect([typed.modem.unexpected, typed.modem.done]).toEqual(["", true]);
    const forgotten = await play('AT+CMGS="+491511"\nabc\n', [
      { expect: 'AT+CMGS="+491511"\r', answer: "\r\n> " },
      { expect: "abc" },
      { expect: "\x1b" },
    ]);
    expect([forgotten.modem.unexpected, forgotten.modem.done]).toEqual(["", true]);
    expect(forgotten.shown()).toContain("given up");
  });

  it("sends bytes as hex, and says what is no command of its own", async () => {
    const { modem, lines } = await play(".hex 41 54 0D\n.hex 4\n.jump\n", [ok("AT\r")]);
    expect(modem.done).toBe(true);
    expect(lines().filter((line) => line.startsWith("("))).toEqual([
      "(.hex wants bytes such as 1A 0D)",
      "(there is no .jump; .help lists what there is)",
    ]);
  });

  it("goes on after 5 s without an answer, and says that none ever came", async () => {
    const { lines, outcome } = await play("AT\nAT\n", [{ expect: "AT\r" }, { expect: "AT\r" }], 11_000);
    expect(lines()).toEqual(["AT", "(no answer within 5 s)", "AT", "(no answer within 5 s)"]);
    expect(outcome()).toEqual({ answered: false });
  });

  it("says on the side what to check after the first silent line, and sends no more after three", async () => {
    const { lines, warned, modem, outcome } = await play(
      "AT\nAT+CSQ\nAT+CREG?\nATI\nAT+GSN\n",
      [{ expect: "AT\r" }, { expect: "AT+CSQ\r" }, { expect: "AT+CREG?\r" }],
      16_000,
    );
    expect(modem.done).toBe(true);
    expect(outcome()).toEqual({ answered: false });
    expect(lines().at(-1)).toBe("(3 lines without an answer: no more are sent)");
    expect(warned()).toBe(
      "no answer on wire: check its supply, its power key, the cable, and the baud rate (--baud)\n",
    );
  });

  it("says it at once, while the next line waits", async () => {
    const { clock, input, warned, running } = start([{ expect: "AT\r" }, { expect: "AT\r" }]);
    input.write("AT\nAT\n");
    await clock.advance(4990);
    expect(warned()).toBe("");
    await clock.advance(20);
    expect(warned()).toContain("check its supply");
    input.end();
    await clock.advance(6000);
    await running;
  });

  it("sends every line to a modem that has answered, be it silent afterwards", async () => {
    const silent = Array.from({ length: 4 }, () => ({ expect: "AT\r" }));
    const { modem, warned } = await play("AT\nAT\nAT\nAT\nAT\n", [ok("AT\r"), ...silent], 30_000);
    expect(modem.done).toBe(true);
    expect(warned()).toBe("");
  });

  it("shows neither the echo of a text nor that of the byte that ends it", async () => {
    const { modem, lines } = await play('AT+CMGS="+491511"\nfirst\nsecond\n.ctrlz\nAT\n', [
      { expect: 'AT+CMGS="+491511"\r', answer: 'AT+CMGS="+491511"\r\r\n> ' },
      { expect: "first", answer: "first" },
      { expect: "\rsecond", answer: "\r\r\n> second" },
      {
        expect: "\x1a",
        answer: ["\x1a", { afterMs: 1000, say: "\r\n+CMGS: 17\r\n\r\nOK\r\n" }],
      },
      { expect: "AT\r", answer: "AT\r\r\nOK\r\n" },
    ]);
    expect([modem.unexpected, modem.done]).toEqual(["", true]);
    expect(lines().map((line) => line.split("  ")[0])).toEqual([
      'AT+CMGS="+491511"',
      ">",
      "first",
      "second",
      ".ctrlz",
      "+CMGS: 17",
      "OK",
      "AT",
      "OK",
    ]);
  });

  it("shows what the modem says in the words of the text, when it does not echo", async () => {
    const { lines } = await play('AT+CMGS="+491511"\nOK\n.ctrlz\n', [
      { expect: 'AT+CMGS="+491511"\r', answer: "\r\n> " },
      { expect: "OK" },
      { expect: "\x1a", answer: "\r\n+CMGS: 17\r\n\r\nOK\r\n" },
    ]);
    expect(lines().at(-1)).toBe("OK                              done");
  });

  it("takes the late prompt of a return in a text for no new text", async () => {
    const { modem } = await play('AT+CMGS="+491511"\nfirst\nsecond\n.ctrlz\nAT\n', [
      { expect: 'AT+CMGS="+491511"\r', answer: "\r\n> " },
      { expect: "first" },
      { expect: "\rsecond" },
      {
        expect: "\x1a",
        answer: [
          { afterMs: 10, say: "\r\n> " },
          { afterMs: 3000, say: "\r\n+CMGS: 17\r\n\r\nOK\r\n" },
        ],
      },
      ok("AT\r"),
    ]);
    expect([modem.unexpected, modem.done]).toEqual(["", true]);
  });

  it("takes the echo of a single byte for no noise", async () => {
    const { shown } = await play(".ctrlz\nAT\n", [{ expect: "\x1a", answer: "\x1a" }, ok("AT\r")]);
    expect(shown()).not.toContain("noise");
  });

  it("shows the bytes of a wrong baud rate, and takes them for no answer", async () => {
    const { lines, outcome } = await play("AT\n", [
      { expect: "AT\r", answer: Uint8Array.of(0x00, 0xe6, 0xfe, 0x41) },
    ]);
    expect(lines()[1]).toMatch(/^\\x00\\xE6\\xFE/);
    expect(outcome()).toEqual({ answered: false });
  });

  it("shows counted payload by its bytes, whatever they are", async () => {
    const { lines } = await play("AT+CIPRXGET=2,1460\n", [
      { expect: "AT+CIPRXGET=2,1460\r", answer: "\r\n+CIPRXGET: 2,4,0\r\n\r\nO\x80\r\nOK\r\n" },
    ]);
    expect(lines().slice(1)).toEqual([
      "+CIPRXGET: 2,4,0                4 B follow, 0 B are left",
      "\\x0D\\x0AO\\x80                   4 B of payload",
      "OK                              done",
    ]);
  });

  it("ends at .quit, and asks nothing of a modem that was asked nothing", async () => {
    const { outcome, modem } = await play(".help\n.quit\nAT\n", []);
    expect(modem.written).toBe("");
    expect(outcome()).toEqual({ answered: true });
  });

  it("says that the line was lost", async () => {
    const terminal = start([{ expect: "AT\r" }]);
    terminal.input.write("AT\n");
    await terminal.clock.advance(100);
    terminal.modem.drop(new PortError("port/lost", "wire was lost"));
    await terminal.clock.advance(100);
    expect(terminal.outcome()).toMatchObject({ code: "port/lost" });
    expect(terminal.clock.armedTimers).toBe(0);
  });
});

describe("a person at the terminal", () => {
  it("sends each line at once, and sees what comes unasked", async () => {
    const { clock, modem, input, shown, outcome } = start([{ expect: "AT\r" }, ok("AT+CSQ\r")], true);
    input.write("AT\n");
    input.write("AT+CSQ\n");
    await clock.advance(10);
    expect(modem.done).toBe(true);
    modem.say("\r\nRING\r\n");
    await clock.advance(10);
    expect(shown()).toContain("RING                            someone calls");
    input.write(".quit\n");
    await clock.advance(10);
    expect(outcome()).toEqual({ answered: true });
    expect(modem.stream.destroyed).toBe(true);
    expect(clock.armedTimers).toBe(0);
  });

  it("sees a line that does not end after 300 ms", async () => {
    const { clock, modem, input, shown, running } = start([], true);
    modem.say("half a li");
    await clock.advance(299);
    expect(shown()).not.toContain("half");
    await clock.advance(1);
    expect(shown()).toContain("half a li");
    input.end();
    await running;
  });

  it("hears after 5 s that nobody answers, and what to check", async () => {
    const { clock, modem, input, shown, running } = start([ok("AT\r"), { expect: "AT\r" }], true);
    input.write("AT\n");
    await clock.advance(6000);
    expect(shown()).not.toContain("no answer");
    input.write("AT\n");
    await clock.advance(4990);
    expect(shown()).not.toContain("no answer");
    await clock.advance(20);
    expect(shown()).toContain(
      "\x1b[2m(no answer within 5 s: it did answer before; check that it is still on",
    );
    expect(modem.done).toBe(true);
    input.end();
    await running;
    expect(clock.armedTimers).toBe(0);
  });

  it("hears what is wrong: no AT before it, noise, an answer that does not end", async () => {
    const { clock, input, shown, running } = start(
      [
        { expect: "csq\r" },
        { expect: "AT\r", answer: Uint8Array.of(0x80, 0xfe) },
        { expect: "AT+CSQ\r", answer: "\r\n+CSQ: 20,0\r\n" },
      ],
      true,
    );
    for (const line of ["csq", "AT", "AT+CSQ"]) {
      input.write(`${line}\n`);
      await clock.advance(5010);
    }
    const notes = shown()
      .split("\n")
      .filter((line) => line.includes("within 5 s"));
    expect(notes).toHaveLength(3);
    expect(notes[0]).toContain("a command begins with AT");
    expect(notes[1]).toContain("the baud rate (--baud)");
    expect(notes[2]).toContain("(the answer has not ended within 5 s)");
    input.end();
    await running;
  });

  it.each(["help", "?", " HELP "])("gets the help for %j, but not inside a text", async (line) => {
    const { clock, modem, input, shown, running } = start(
      [{ expect: "AT+CMGS=1\r", answer: "\r\n> " }, { expect: line }, { expect: "\x1b" }],
      true,
    );
    input.write(`${line}\n`);
    await clock.advance(10);
    expect(shown()).toContain(".quit            end");
    expect(modem.written).toBe("");
    input.write("AT+CMGS=1\n");
    await clock.advance(10);
    input.write(`${line}\n`);
    await clock.advance(10);
    input.end();
    await clock.advance(10);
    await running;
    expect([modem.unexpected, modem.done]).toEqual(["", true]);
  });

  it("sends a text with Ctrl-Z, typed after it", async () => {
    const { clock, modem, input, shown, running } = start(
      [
        { expect: 'AT+CMGS="+491511"\r', answer: 'AT+CMGS="+491511"\r\r\n> ' },
        { expect: "hello", answer: "hello" },
        { expect: "\x1a", answer: ["\x1a", { afterMs: 900, say: "\r\n+CMGS: 17\r\n\r\nOK\r\n" }] },
      ],
      true,
    );
    input.write('AT+CMGS="+491511"\n');
    await clock.advance(10);
    expect(shown()).toContain("Ctrl-Z sends it; Esc gives it up");
    input.write("hello\x1a");
    await clock.advance(1000);
    expect([modem.unexpected, modem.done]).toEqual(["", true]);
    expect(shown()).toContain("hello^Z\n");
    expect(shown()).toContain("reference 17");
    expect(shown()).not.toContain("noise");
    expect(shown()).not.toContain("hello\n");
    input.end();
    await running;
    expect(clock.armedTimers).toBe(0);
  });

  it("gives a text up with Esc", async () => {
    const { clock, modem, input, running } = start(
      [{ expect: "AT+CIPSEND\r", answer: "\r\n> " }, { expect: "\x1b", answer: "\r\nOK\r\n" }, ok("AT\r")],
      true,
    );
    input.write("AT+CIPSEND\n");
    await clock.advance(10);
    input.write("hel\x1b[D");
    await clock.advance(10);
    expect(modem.written).toBe("AT+CIPSEND\r");
    input.write("\x1b");
    await until(() => modem.written.endsWith("\x1b"), "Esc");
    input.write("AT\n");
    await clock.advance(10);
    expect([modem.unexpected, modem.done]).toEqual(["", true]);
    input.end();
    await running;
  });

  it("is not stopped by Ctrl-Z outside a text", async () => {
    const { clock, modem, input, shown, running } = start([ok("AT\r")], true);
    input.write("A\x1a");
    await clock.advance(10);
    expect(shown()).toContain("Ctrl-Z ends a text, and none is being typed");
    input.write("T\n");
    await clock.advance(10);
    expect(modem.done).toBe(true);
    input.end();
    await running;
  });

  it("keeps what it types below what the modem says", async () => {
    const { clock, modem, input, shown, running } = start([], true);
    input.write("AT+C");
    await clock.advance(10);
    modem.say("\r\nRING\r\n");
    await clock.advance(10);
    expect(shown().slice(shown().lastIndexOf("RING"))).toContain("AT+C");
    input.end();
    await running;
  });
});
