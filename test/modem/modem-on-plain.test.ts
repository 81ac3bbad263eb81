/** The driver on a modem that is neither the emulator nor made after it: what other firmware says, and what goes missing. */
import { afterEach, describe, expect, it } from "vitest";
import { ModemError } from "../../rig/core/errors.js";
import { ERROR, OK, PlainModem } from "./plain-modem.js";

const NUMBER = "+4915112345678";
const never = new AbortController().signal;

describe("the modem's driver on a modem that is not the emulator", () => {
  let plain: PlainModem;
  afterEach(() => plain.stop());

  it("comes online, sends, and says what it found", async () => {
    plain = new PlainModem();
    plain.keepOpen();
    expect(await plain.until(plain.isOnline, 30_000)).toBeLessThan(5000);
    plain.socket?.write("hello");
    await plain.clock.advance(1000);
    expect(plain.heard).toContain("AT+CIPSEND=5");
    expect(plain.details).toContain("SIM900 R11.0");
    expect(plain.last).toMatchObject({ signal: 20, operator: "AIRTEL" });
  });

  it("notices a restart whose RDY was lost, counts it, and sets everything anew", async () => {
    plain = new PlainModem();
    await plain.connect();
    plain.state = "IP INITIAL";
    plain.socket?.write("x");
    await plain.until(() => !plain.isOnline(), 10_000);
    await plain.until(plain.isOnline, 60_000);
    for (const setting of ["ATE0", "AT+CMEE=1", "AT+CREG=1", "AT+CMGF=1", "AT+CNMI=2,1,0,0,0"]) {
      expect(plain.heard).toContain(setting);
    }
    expect(plain.brownOuts).toBe(1);
  });

  it("takes a context that it has shut down itself for no restart, and is back after one attempt", async () => {
    plain = new PlainModem();
    plain.answer = (command) => (command === "AT+CIPCLOSE=1" ? ERROR : undefined);
    await plain.connect();
    plain.socket?.destroy();
    await plain.until(() => plain.count("AT+CIPSTART") === 1, 30_000);
    await plain.until(plain.isOnline, 10_000);
    expect(plain.details).not.toContain("IP INITIAL");
    expect(plain.count("AT+CIICR")).toBe(1);
    expect(plain.brownOuts).toBe(0);
  });

  it("counts ten restarts 3 s apart as ten", async () => {
    plain = new PlainModem();
    await plain.connect();
    for (let restart = 0; restart < 10; restart += 1) {
      plain.state = "IP INITIAL";
      plain.say("\r\nRDY\r\n");
      await plain.clock.advance(3000);
    }
    await plain.until(plain.isOnline, 60_000);
    expect(plain.brownOuts).toBe(10);
  });

  it("counts no start of a modem that a person switches on", async () => {
    plain = new PlainModem();
    plain.isOff = true;
    plain.keepOpen();
    await plain.until(() => plain.last.state === "no-answer", 120_000);
    await plain.clock.advance(60_000);
    plain.isOff = false;
    plain.say("\r\nRDY\r\n");
    await plain.until(plain.isOnline, 60_000);
    expect(plain.brownOuts).toBe(0);
  });

  it("reads what is pushed, and CLOSED, before it knows how much may be sent", async () => {
    plain = new PlainModem();
    plain.answer = (command) => {
      if (command === "AT+CIPRXGET=1") return ERROR;
      return command === "AT+CIPSEND?"
        ? `\r\n+IPD,5:hello\r\n\r\nCLOSED\r\n\r\n+CIPSEND: 1380\r\n${OK}`
        : undefined;
    };
    plain.keepOpen();
    const closed = () => plain.details.includes("broker.example:1883 closed the connection");
    expect(await plain.until(closed, 30_000)).toBeLessThan(5000);
    expect(plain.read).toBe("hello");
  });

  it("stops in the middle of AT+CIPSEND?", async () => {
    plain = new PlainModem();
    plain.keepOpen();
    await plain.until(() => plain.heard.includes("AT+CIPSEND?"), 30_000);
    await plain.stop();
    expect(plain.last.state).toBe("stopped");
  });

  it("stops between CONNECT OK and AT+CIPSEND?", async () => {
    plain = new PlainModem();
    let isStopped = false;
    const stop = () => {
      isStopped = true;
      void plain.modem.stop();
    };
    plain.answer = (command) => {
      if (command.startsWith("AT+CIPSTART")) plain.clock.after(10, stop);
      return undefined;
    };
    plain.keepOpen();
    await plain.until(() => isStopped, 30_000);
    await plain.stop();
    expect(plain.last.state).toBe("stopped");
  });

  it("resolves a second stop() only when the first has closed the line", async () => {
    plain = new PlainModem();
    await plain.clock.advance(50);
    plain.isOff = true;
    const stopped: number[] = [];
    void plain.modem.stop().then(() => stopped.push(1));
    void plain.modem.stop().then(() => stopped.push(2));
    await plain.clock.advance(0);
    expect(stopped).toEqual([]);
    await plain.stop();
    expect(stopped).toEqual([1, 2]);
  });

  it("sends no hex as a text and lets no text end the connection, where UCS2 is refused", async () => {
    plain = new PlainModem();
    plain.answer = (command) => {
      if (command === 'AT+CSCS="UCS2"') return ERROR;
      if (command !== "AT+CMGR=3") return undefined;
      return `\r\n+CMGR: "REC UNREAD","${NUMBER}","","26/06/01,00:00:00+00"\r\nhi\r\nCLOSED\r\n${OK}`;
    };
    await plain.connect();
    const sent = plain.modem.sendSms(NUMBER, "Ж", never).catch((error: unknown) => error);
    plain.say('\r\n+CMTI: "SM",3\r\n');
    await plain.clock.advance(5000);
    expect(await sent).toMatchObject({ code: "modem/refused" });
    expect(plain.heard.filter((command) => /CMGS|CMGR/.test(command))).toEqual([]);
    expect(plain.socket).not.toBeNull();
    expect(plain.isOnline()).toBe(true);
  });

  it("goes on after a pull that is answered by OK alone", async () => {
    plain = new PlainModem();
    plain.answer = (command) => (command.startsWith("AT+CIPRXGET=2") ? OK : undefined);
    await plain.connect();
    await plain.clock.advance(60_000);
    expect(plain.isOnline()).toBe(true);
    expect(plain.details).not.toContain("recovering");
  });

  it("takes +PDP: DEACT for the answer to AT+CIICR within 3 s", async () => {
    plain = new PlainModem();
    plain.answer = (command) => (command === "AT+CIICR" ? "\r\n+PDP: DEACT\r\n" : undefined);
    plain.keepOpen();
    expect(await plain.until(() => plain.last?.state === "recovering", 200_000)).toBeLessThan(5000);
    expect(plain.last.detail).toContain("gives no PDP context");
  });

  it.each([
    ["NORMAL POWER DOWN", false],
    ["UNDER-VOLTAGE POWER DOWN", true],
  ])("says at once that the modem is off after %s", async (line, isOfSupply) => {
    plain = new PlainModem();
    await plain.connect();
    plain.say(`\r\n${line}\r\n`);
    plain.isOff = true;
    expect(await plain.until(() => !plain.isOnline(), 10_000)).toBeLessThan(100);
    expect(plain.details).toContain(`switched off (${line})`);
    expect(plain.details.includes("5 V / 2 A")).toBe(isOfSupply);
  });

  it("tells of another operator while the connection stands, within 30 s", async () => {
    plain = new PlainModem();
    await plain.connect();
    plain.answer = (command) => (command === "AT+COPS?" ? `\r\n+COPS: 0,0,"JIO"\r\n${OK}` : undefined);
    expect(await plain.until(() => plain.last.operator === "JIO", 60_000)).toBeLessThanOrEqual(31_000);
  });

  it("notices a modem that has gone silent while nothing is sent, within 2 min", async () => {
    plain = new PlainModem();
    plain.answer = (command) => (command.startsWith("AT+CIPRXGET=2") ? ERROR : undefined);
    await plain.connect();
    plain.isOff = true;
    expect(await plain.until(() => !plain.isOnline(), 120_000)).toBeLessThan(120_000);
  });

  /** Ends the connection, and lets so many attempts at a new one fail. */
  async function failTimes(times: number): Promise<void> {
    let left = times;
    plain.answer = (command) => {
      if (!command.startsWith("AT+CIPSTART") || left === 0) return undefined;
      left -= 1;
      return `${OK}\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n`;
    };
    plain.say("\r\nCLOSED\r\n");
    plain.state = "TCP CLOSED";
    await plain.until(() => left === 0, 600_000);
    await plain.until(plain.isOnline, 600_000);
  }

  /** Breaks the connection. @returns how long until it is there again [ms] */
  async function reconnect(): Promise<number> {
    plain.state = "TCP CLOSED";
    plain.say("\r\nCLOSED\r\n");
    await plain.until(() => !plain.isOnline(), 20_000);
    return await plain.until(plain.isOnline, 600_000);
  }

  it("has forgotten its failures when a connection has stood for 180 s, and not before", async () => {
    plain = new PlainModem();
    await plain.connect();
    await failTimes(4);
    await plain.clock.advance(100_000);
    expect(await reconnect()).toBeGreaterThan(10_000);
    await plain.clock.advance(185_000);
    // The first pause: 1 to 2 s.
    expect(await reconnect()).toBeLessThan(3000);
  });

  it("halves its failures for a connection that carried bytes both ways", async () => {
    plain = new PlainModem();
    await plain.connect();
    await failTimes(4);
    plain.answer = (command) =>
      command.startsWith("AT+CIPRXGET=2") ? `\r\n+CIPRXGET: 2,2,0\r\nhi\r\n${OK}` : undefined;
    plain.socket?.write("x");
    await plain.clock.advance(2500);
    expect(plain.read).toContain("hi");
    plain.answer = () => undefined;
    // The pause after the third failure is 10 s; the sixth has the longest of this rung, 30 s.
    expect(await reconnect()).toBeLessThan(15_000);
  });

  it.each(["+CREG: 1", "+CPIN: READY"])("ends a pause at %s", async (news) => {
    plain = new PlainModem();
    await plain.connect();
    plain.answer = (command) => (command === "AT+CIICR" ? ERROR : undefined);
    plain.say("\r\n+PDP: DEACT\r\n");
    await plain.until(() => / in (\d{2,}) s/.test(plain.last.detail), 600_000);
    plain.answer = () => undefined;
    plain.say(`\r\n${news}\r\n`);
    expect(await plain.until(plain.isOnline, 60_000)).toBeLessThan(3000);
  });

  it("shows neither the access point's password nor a secret that is sent", async () => {
    plain = new PlainModem({
      config: { user: "me", password: "apn-secret" },
      secrets: ["broker-secret"],
      trace: true,
    });
    await plain.connect();
    plain.socket?.write("CONNECT broker-secret");
    await plain.clock.advance(1000);
    const traced = plain.events.filter((event) => event.event === "at");
    expect(traced.some((entry) => entry.kind === "payload" && entry.text.includes("CONNECT"))).toBe(true);
    expect(traced.some((entry) => entry.text.startsWith("AT+CSTT="))).toBe(true);
    expect(JSON.stringify(plain.events)).not.toMatch(/apn-secret|broker-secret/);
  });

  describe("with a power key", () => {
    /** A key that does what PWRKEY does: on, off, on; RDY 3 s after on. */
    function withKey(options: { readonly secrets?: readonly string[] } = {}): number[] {
      const presses: number[] = [];
      plain = new PlainModem({
        ...options,
        powerKey: {
          press: async () => {
            presses.push(plain.clock.steadyMs());
            if (!plain.isOff) plain.say("\r\nNORMAL POWER DOWN\r\n");
            plain.isOff = !plain.isOff;
            plain.state = "IP INITIAL";
            if (!plain.isOff) plain.clock.after(3000, () => plain.say("\r\nRDY\r\n"));
          },
        },
      });
      return presses;
    }

    it("switches on, with one press, a modem that was switched off", async () => {
      const presses = withKey();
      await plain.connect();
      plain.say("\r\nNORMAL POWER DOWN\r\n");
      plain.isOff = true;
      await plain.until(() => !plain.isOnline(), 1000);
      await plain.until(plain.isOnline, 60_000);
      expect(presses).toHaveLength(1);
      expect(plain.brownOuts).toBe(0);
    });

    it("switches off and on a modem that has hung, and counts no brown-out", async () => {
      const presses = withKey();
      let hangs = false;
      plain.answer = () => (hangs ? "" : undefined);
      await plain.connect();
      hangs = true;
      plain.socket?.write("x");
      await plain.until(() => presses.length > 0, 200_000);
      expect(plain.isOff).toBe(true);
      hangs = false;
      await plain.until(plain.isOnline, 60_000);
      expect(presses).toHaveLength(2);
      // Log-off, then 800 ms. Source: SIM900 Hardware Design V1.05.
      expect(presses[1]! - presses[0]!).toBeGreaterThanOrEqual(2500);
      // By the rung, and not by the search for a modem that does not answer, which takes 15 s.
      expect(presses[1]! - presses[0]!).toBeLessThan(6000);
      expect(plain.heard).toContain("AT+CMGF=1");
      expect(plain.brownOuts).toBe(0);
    });

    it("takes its own pressing for no news where the modem answers and only the context fails", async () => {
      const presses = withKey();
      await plain.connect();
      plain.answer = (command) => (command === "AT+CIICR" && presses.length < 2 ? ERROR : undefined);
      plain.say("\r\n+PDP: DEACT\r\n");
      await plain.until(() => presses.length === 2, 7_200_000);
      expect(presses[1]! - presses[0]!).toBeLessThan(6000);
      await plain.until(plain.isOnline, 60_000);
      expect(plain.details).not.toContain("was switched off");
      expect(plain.brownOuts).toBe(0);
    });
  });

  it("restarts by command where the power key's board is away, and says so", async () => {
    const press = async () => {
      throw new ModemError("modem/no-power-key", "the board of meter main is not there");
    };
    plain = new PlainModem({ powerKey: { press } });
    let hangs = false;
    plain.answer = (command) => {
      if (hangs) return "";
      if (command !== "AT+CFUN=1,1") return undefined;
      plain.state = "IP INITIAL";
      plain.clock.after(4000, () => plain.say("\r\nRDY\r\n"));
      return OK;
    };
    await plain.connect();
    hangs = true;
    plain.socket?.write("x");
    await plain.until(() => plain.details.includes("board of meter main"), 200_000);
    hangs = false;
    expect(plain.last).toMatchObject({ state: "recovering", rung: "restart" });
    expect(plain.modemEvents.map(({ rung }) => rung)).not.toContain("tcp");
    await plain.until(plain.isOnline, 100_000);
    expect(plain.heard).toContain("AT+CFUN=1,1");
    expect(plain.brownOuts).toBe(0);
  });

  it("says that nothing answers and that the key cannot be pressed, again and again, until something answers", async () => {
    const press = async () => {
      throw new ModemError("modem/no-power-key", "the board of meter main is not there");
    };
    plain = new PlainModem({ powerKey: { press } });
    plain.isOff = true;
    plain.keepOpen();
    await plain.clock.advance(3_600_000);
    expect(plain.last).toMatchObject({
      state: "no-answer",
      detail: expect.stringMatching(/no answer to AT on plain.*board of meter main/),
    });
    plain.isOff = false;
    expect(await plain.until(plain.isOnline, 120_000)).toBeLessThan(60_000);
  });
});
