import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { ModemError } from "../../rig/core/errors.js";
import type { AtCommand } from "../../rig/modem/at-command.js";
import { GprsSocket } from "../../rig/modem/gprs-socket.js";
import { ModemRefusal } from "../../rig/modem/result-codes.js";
import { DONE, FakeAtPort, timeout } from "../support/fake-at-port.js";
import { ManualClock } from "../support/manual-clock.js";

const ERROR = { family: "plain", number: null, meaning: "ERROR" } as const;

/** A module with a socket: takes what is sent, gives what is pulled. */
class Module {
  readonly port = new FakeAtPort();
  readonly sent: string[] = [];
  waiting = Buffer.alloc(0);
  status = "CONNECT OK";
  /** Instead of SEND OK. */
  sendOutcome: Error | undefined;

  constructor() {
    this.port.answer = (command) => this.#answer(command);
  }

  receive(bytes: string): void {
    this.waiting = Buffer.concat([this.waiting, Buffer.from(bytes, "latin1")]);
  }

  count(start: string): number {
    return this.port.begun.filter((line) => line.startsWith(start)).length;
  }

  #answer({ text, payload }: AtCommand<unknown>): { value: unknown } | Error {
    if (text.startsWith("AT+CIPSEND=")) {
      if (this.sendOutcome !== undefined) return this.sendOutcome;
      this.sent.push(Buffer.from(payload!).toString("latin1"));
      return DONE;
    }
    if (text.startsWith("AT+CIPRXGET=2,")) {
      const bytes = this.waiting.subarray(0, Number(text.slice(14)));
      this.waiting = this.waiting.subarray(bytes.length);
      return { value: { bytes, left: this.waiting.length } };
    }
    return text === "AT+CIPSTATUS" ? { value: this.status } : DONE;
  }
}

describe("the modem's connection as a stream", () => {
  let clock: ManualClock;
  let module: Module;
  let socket: GprsSocket;
  let read: string;
  let events: string[];
  let error: (Error & { code?: string }) | undefined;

  function open(options: { receive?: "pull" | "push"; maxSendBytes?: number } = {}): GprsSocket {
    const { receive = "pull", maxSendBytes } = options;
    socket = new GprsSocket({ port: module.port, clock, peer: "broker.example:1883", receive });
    if (maxSendBytes !== undefined) socket.maxSendBytes = maxSendBytes;
    socket.on("end", () => events.push("end"));
    socket.on("close", () => events.push("close"));
    socket.on("error", (reason) => {
      error = reason;
      events.push("error");
    });
    return socket;
  }
  const flow = () => socket.on("data", (bytes: Buffer) => (read += bytes.toString("latin1")));
  const turn = () => clock.advance(0);

  beforeEach(() => {
    clock = new ManualClock();
    module = new Module();
    read = "";
    events = [];
    error = undefined;
  });

  it("sends what was corked in one AT+CIPSEND, and a write is done at SEND OK", async () => {
    open();
    module.port.answer = () => undefined;
    let done = false;
    socket.cork();
    socket.write("MQ");
    socket.write("TT", () => (done = true));
    socket.uncork();
    await turn();
    expect(module.port.running).toBe("AT+CIPSEND=4");
    expect(module.port.payload).toBe("MQTT");
    expect(done).toBe(false);
    module.port.finish(DONE);
    await turn();
    expect(done).toBe(true);
  });

  it("cuts 2500 bytes to pieces of 1024", async () => {
    open();
    socket.write("x".repeat(2500));
    await turn();
    expect(module.sent.map((part) => part.length)).toEqual([1024, 1024, 452]);
  });

  it("tells a writer to wait after 2048 bytes, two seconds of the line", () => {
    open();
    expect(socket.write("x".repeat(2047))).toBe(true);
    expect(socket.write("x")).toBe(false);
  });

  it("brings any writes in any chunks in order and once", async () => {
    const writes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(writes, fc.integer({ min: 1, max: 400 }), fc.boolean(), async (chunks, size, cork) => {
        module = new Module();
        open({ maxSendBytes: size });
        if (cork) socket.cork();
        for (const chunk of chunks) socket.write(chunk);
        if (cork) socket.uncork();
        socket.end();
        for (let round = 0; round < 20; round += 1) await turn();
        expect(module.sent.join("")).toBe(Buffer.concat(chunks).toString("latin1"));
        expect(module.sent.every((part) => part.length <= size)).toBe(true);
        expect(module.port.begun.at(-1)).toBe("AT+CIPCLOSE");
        expect(clock.armedTimers).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("pulls at most 512 bytes at a time until none are left, and not again without need", async () => {
    open();
    flow();
    await turn();
    expect(module.port.begun).toEqual([]);
    module.receive("a".repeat(1200));
    socket.dataWaiting();
    await clock.advance(100);
    expect(read).toBe("a".repeat(1200));
    expect(module.count("AT+CIPRXGET=2,512")).toBe(3);
  });

  it("finds bytes whose +CIPRXGET: 1 was lost within 2 s of a write and within 10 s otherwise", async () => {
    open();
    flow();
    socket.write("ping");
    await turn();
    module.receive("pong");
    await clock.advance(2000);
    expect(read).toBe("pong");
    module.receive(" later");
    await clock.advance(9900);
    expect(read).toBe("pong");
    await clock.advance(100);
    expect(read).toBe("pong later");
  });

  it("polls with less than 1 % of the line while nothing is expected", async () => {
    open();
    flow();
    await clock.advance(600_000);
    // 46 bytes each, of 600 s at 960 B/s and direction.
    expect((module.count("AT+CIPRXGET=2") * 46) / (600 * 960)).toBeLessThan(0.01);
    expect(module.count("AT+CIPRXGET=2")).toBe(60);
  });

  it("leaves the bytes in the module while nobody reads", async () => {
    open();
    module.receive("b".repeat(60_000));
    socket.read(0);
    socket.dataWaiting();
    await clock.advance(60_000);
    // 16 kB are the stream's own buffer.
    expect(module.waiting.length).toBeGreaterThan(40_000);
    const before = module.count("AT+CIPRXGET");
    await clock.advance(60_000);
    expect(module.count("AT+CIPRXGET")).toBe(before);
    flow();
    await clock.advance(1000);
    expect(read.length).toBe(60_000);
  });

  it("gives what the module still holds after CLOSED, then ends", async () => {
    open();
    flow();
    await turn();
    module.receive("c".repeat(700));
    module.status = "TCP CLOSED";
    socket.closedByPeer();
    await clock.advance(100);
    expect(read).toBe("c".repeat(700));
    expect(events).toEqual(["end", "close"]);
    expect(socket.reason?.code).toBe("modem/closed");
    expect(await socket.released).toBe("closed");
    expect(module.count("AT+CIPCLOSE")).toBe(0);
    expect(clock.armedTimers).toBe(0);
  });

  it("takes pushed bytes where the module cannot be pulled, and never polls", async () => {
    open({ receive: "push" });
    flow();
    socket.pushed(Buffer.from("one "));
    socket.pushed(Buffer.from("two"));
    await clock.advance(60_000);
    expect(read).toBe("one two");
    expect(module.port.begun).toEqual([]);
    socket.closedByPeer();
    await turn();
    expect(events).toEqual(["end", "close"]);
  });

  it.each([
    [
      "SEND FAIL while connected",
      new ModemRefusal("AT+CIPSEND=1", "SEND FAIL"),
      "CONNECT OK",
      "modem/send-failed",
    ],
    ["ERROR after a lost CLOSED", new ModemRefusal("AT+CIPSEND=1", ERROR), "TCP CLOSED", "modem/closed"],
    ["no SEND OK in time", timeout("AT+CIPSEND=1"), "CONNECT OK", "modem/send-failed"],
    ["a lost prompt", new ModemError("modem/no-prompt", "no prompt"), "CONNECT OK", "modem/no-prompt"],
  ])("ends at %s", async (_what, outcome, status, code) => {
    open();
    module.sendOutcome = outcome;
    module.status = status;
    socket.write("x");
    await clock.advance(100);
    expect(events).toEqual(["error", "close"]);
    expect(error?.code).toBe(code);
    expect(socket.reason?.code).toBe(code);
    expect(module.count("AT+CIPCLOSE=1")).toBe(status === "CONNECT OK" ? 1 : 0);
    expect(await socket.released).toBe("closed");
  });

  it("is silent where neither the send nor AT+CIPSTATUS is answered", async () => {
    open();
    module.port.answer = ({ text }) => timeout(text);
    socket.write("x");
    await clock.advance(100);
    expect(error?.code).toBe("modem/silent");
  });

  it.each(["modem/pdp-deact", "modem/restarted", "modem/lost"])(
    "ends at %s without a word to the modem",
    async (code) => {
      open();
      socket.fail(new ModemError(code, "gone"));
      await turn();
      expect(error?.code).toBe(code);
      expect(events).toEqual(["error", "close"]);
      expect(module.port.begun).toEqual([]);
      expect(await socket.released).toBe("closed");
    },
  );

  it("goes on after an ERROR to a pull while the connection stands, and ends where it does not", async () => {
    open();
    flow();
    const answer = module.port.answer;
    module.port.answer = (command) =>
      command.text.startsWith("AT+CIPRXGET") ? new ModemRefusal(command.text, ERROR) : answer(command);
    socket.dataWaiting();
    await clock.advance(100);
    expect(events).toEqual([]);
    module.status = "TCP CLOSED";
    await clock.advance(10_000);
    expect(events).toEqual(["end", "close"]);
    expect(socket.reason?.code).toBe("modem/closed");
  });

  it("breaks after a pull that was not answered, since its bytes are lost", async () => {
    open();
    flow();
    const answer = module.port.answer;
    module.port.answer = (command) =>
      command.text.startsWith("AT+CIPRXGET") ? timeout(command.text) : answer(command);
    socket.dataWaiting();
    await clock.advance(100);
    expect(error?.code).toBe("modem/receive-failed");
  });

  it("closes with AT+CIPCLOSE when it is ended", async () => {
    open();
    flow();
    socket.end("bye");
    await clock.advance(100);
    expect(module.port.begun).toEqual(["AT+CIPSEND=3", "AT+CIPCLOSE"]);
    expect(events).toEqual(["end", "close"]);
    expect(socket.endedCleanly).toBe(true);
  });

  it("closes at once when destroyed while a send waits, and frees the modem when that send has ended", async () => {
    open();
    module.port.answer = () => undefined;
    socket.write("x");
    await turn();
    socket.destroy();
    await turn();
    expect(events).toEqual(["close"]);
    let released: string | undefined;
    void socket.released.then((how) => (released = how));
    await turn();
    expect(released).toBeUndefined();
    module.port.finish(timeout("AT+CIPSEND=1"));
    expect(module.port.running).toBe("AT+CIPCLOSE=1");
    module.port.finish(new ModemRefusal("AT+CIPCLOSE=1", ERROR));
    await turn();
    expect(module.port.running).toBe("AT+CIPSHUT");
    module.port.finish(DONE);
    await turn();
    expect(released).toBe("shut");
    expect(socket.reason).toBeUndefined();
    expect(clock.armedTimers).toBe(0);
  });

  it("keeps to the modem where it lets go of nothing", async () => {
    open();
    module.port.answer = ({ text }) => new ModemRefusal(text, ERROR);
    socket.destroy();
    expect(await socket.released).toBe("kept");
  });

  it.each([
    ["our own end", () => socket.destroy(), undefined],
    [
      "the end of the context",
      () => socket.fail(new ModemError("modem/pdp-deact", "gone")),
      "modem/pdp-deact",
    ],
  ])(
    "takes %s for the reason while AT+CIPSTATUS is asked what a failed send means",
    async (_what, end, code) => {
      open();
      module.port.answer = () => undefined;
      socket.write("x");
      await turn();
      module.port.finish(timeout("AT+CIPSEND=1"));
      await turn();
      expect(module.port.running).toBe("AT+CIPSTATUS");
      end();
      await turn();
      expect(socket.reason?.code).toBe(code);
    },
  );

  it("keeps CLOSED as the reason when it comes while AT+CIPSTATUS is asked", async () => {
    open();
    module.port.answer = () => undefined;
    socket.write("x");
    await turn();
    module.port.finish(new ModemRefusal("AT+CIPSEND=1", ERROR));
    await turn();
    socket.closedByPeer();
    const { reason } = socket;
    module.port.finish({ value: "TCP CLOSED" });
    await turn();
    expect(reason?.code).toBe("modem/closed");
    expect(socket.reason).toBe(reason);
  });

  it("pulls again at once for a +CIPRXGET: 1 that comes while a pull brings nothing", async () => {
    open();
    flow();
    module.port.answer = () => undefined;
    socket.dataWaiting();
    await turn();
    socket.dataWaiting();
    module.port.finish({ value: { bytes: new Uint8Array(0), left: 0 } });
    await turn();
    expect(module.port.running).toBe("AT+CIPRXGET=2,512");
    module.port.finish({ value: { bytes: Buffer.from("late"), left: 0 } });
    await turn();
    expect(read).toBe("late");
  });

  it("does not hammer a module that says that bytes are left and gives none", async () => {
    open();
    flow();
    module.port.answer = () => ({ value: { bytes: new Uint8Array(0), left: 5 } });
    socket.dataWaiting();
    await clock.advance(9000);
    expect(module.count("AT+CIPRXGET")).toBe(1);
  });
});
