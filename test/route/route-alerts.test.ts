import { describe, expect, it, onTestFinished } from "vitest";
import { ModemError } from "../../rig/core/errors.js";
import type { RigEvent, Route } from "../../rig/core/events.js";
import { encodeMessage } from "../../rig/modem/messages.js";
import { RouteAlerts } from "../../rig/route/route-alerts.js";
import { ManualClock } from "../support/manual-clock.js";

const NUMBERS = ["+4915112345678", "+4915187654321"];
const refused = () => new ModemError("modem/refused", "no network service (+CMS ERROR: 331)");

/** The modem, as far as messages go: `absent` until told, and `answer` may throw. */
class Phones {
  readonly sent: string[] = [];
  tries = 0;
  mostWaiting = 0;
  answer: (number: string) => void | Promise<void> = () => undefined;
  #absent = false;
  readonly #wake = new Set<() => void>();

  set absent(absent: boolean) {
    this.#absent = absent;
    if (absent) return;
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }

  readyForSms(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#absent) {
        resolve();
        return;
      }
      this.#wake.add(resolve);
      this.mostWaiting = Math.max(this.mostWaiting, this.#wake.size);
      signal.addEventListener("abort", () => {
        this.#wake.delete(resolve);
        reject(signal.reason);
      });
    });
  }

  async sendSms(number: string, text: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.tries += 1;
    await this.answer(number);
    this.sent.push(`${number}: ${text}`);
  }
}

function alerts(options: { numbers?: readonly string[]; withModem?: boolean } = {}) {
  const clock = new ManualClock();
  const events: RigEvent[] = [];
  const phones = new Phones();
  const { numbers = NUMBERS.slice(0, 1), withModem = true } = options;
  const routeAlerts = new RouteAlerts({
    phones: withModem ? { numbers, sender: phones } : null,
    clock,
    emit: (event) => events.push(event),
  });
  onTestFinished(() => routeAlerts.stop());
  const route = (meter: string, now: Route, cause = "cable") =>
    routeAlerts.hear({
      event: "route",
      meter,
      route: now,
      via: now === "bypassed" ? "neighbour" : null,
      cause,
    });
  return { clock, events, phones, routeAlerts, route };
}

describe("a route", () => {
  it("that is damaged and restored is told to every phone once, and as an alert", async () => {
    const { clock, events, phones, route } = alerts({ numbers: NUMBERS });
    route("main", "direct", "start");
    route("main", "bypassed", "cable open");
    await clock.advance(1);
    route("main", "bypassed", "cable open");
    route("main", "direct", "cable closed");
    await clock.advance(1);
    expect(events.map((event) => event.event === "alert" && event.kind)).toEqual(["route", "route"]);
    const damaged = "Meter main: route damaged (cable open); its reports go sealed through neighbour";
    const restored = "Meter main: route restored, its own cable carries again (cable closed)";
    expect(phones.sent).toEqual(
      [damaged, restored].flatMap((text) => NUMBERS.map((number) => `${number}: ${text}`)),
    );
  });

  it("of one meter is not another's", () => {
    const { events, route } = alerts();
    route("main", "direct", "start");
    route("neighbour", "barred", "start");
    expect(events).toEqual([]);
  });

  it("is an alert for everyone also where there is no modem", async () => {
    const { clock, events, route } = alerts({ withModem: false });
    route("main", "direct", "start");
    route("main", "barred", "cable open");
    await clock.advance(1);
    expect(events).toEqual([
      {
        event: "alert",
        kind: "route",
        meter: "main",
        text: "Meter main: route damaged (cable open); its reports wait",
      },
    ]);
    expect(clock.armedTimers).toBe(0);
  });
});

describe("without network", () => {
  it("20 flaps in 10 minutes leave nothing to tell, and one more change a single text", async () => {
    const { clock, phones, route, events } = alerts({ numbers: NUMBERS });
    phones.absent = true;
    for (const meter of ["main", "neighbour"]) route(meter, "direct", "start");
    for (let flap = 0; flap < 20; flap += 1) {
      route("main", "barred", `open ${flap}`);
      await clock.advance(15_000);
      route("main", "direct", `closed ${flap}`);
      await clock.advance(15_000);
    }
    expect(phones.mostWaiting).toBe(1);
    phones.absent = false;
    await clock.advance(1000);
    expect(phones.sent).toEqual([]);

    phones.absent = true;
    route("neighbour", "barred", "first");
    route("neighbour", "direct", "second");
    route("neighbour", "bypassed", "third");
    await clock.advance(300_000);
    phones.absent = false;
    await clock.advance(1000);
    expect(phones.sent).toHaveLength(2);
    for (const text of phones.sent) expect(text).toContain("Meter neighbour: route damaged (third)");
    expect(events.filter(({ event }) => event === "alert")).toHaveLength(43);
  });

  it("a text is given up 15 minutes after its change, said as an `sms` that failed, and not told later", async () => {
    const { clock, events, phones, route } = alerts();
    phones.absent = true;
    for (const meter of ["main", "neighbour"]) route(meter, "direct", "start");
    route("main", "barred");
    await clock.advance(60_000);
    route("neighbour", "barred");
    await clock.advance(839_999);
    const failed = () => events.filter(({ event }) => event === "sms");
    expect(failed()).toEqual([]);
    await clock.advance(1);
    expect(failed()).toEqual([
      {
        event: "sms",
        direction: "failed",
        number: NUMBERS[0],
        text: "Meter main: route damaged (cable); its reports wait",
        detail: "given up: it could not be sent within 15m",
      },
    ]);
    phones.absent = false;
    await clock.advance(1000);
    expect(phones.sent).toHaveLength(1);
    expect(phones.sent[0]).toContain("neighbour");
    expect(clock.armedTimers).toBe(0);
  });
});

describe("a text that the network refuses", () => {
  it("is tried again after 10 s, 20 s, 40 s, 80 s and then every 120 s, and given up after 15 minutes", async () => {
    const { clock, events, phones, route } = alerts();
    const triedAtMs: number[] = [];
    phones.answer = () => {
      triedAtMs.push(clock.steadyMs());
      throw refused();
    };
    route("main", "direct", "start");
    route("main", "barred", "cable open");
    await clock.advance(3_600_000);
    expect(triedAtMs.map((atMs) => atMs / 1000)).toEqual([0, 10, 30, 70, 150, 270, 390, 510, 630, 750, 870]);
    expect(events.filter(({ event }) => event === "sms")).toMatchObject([
      { direction: "failed", detail: "given up: it could not be sent within 15m" },
    ]);
    expect(clock.armedTimers).toBe(0);
  });

  it("gives way to the newest, and to nothing where that is what was told last", async () => {
    const { clock, phones, route } = alerts();
    phones.answer = () => {
      throw refused();
    };
    for (const meter of ["main", "neighbour"]) route(meter, "direct", "start");
    route("main", "barred", "old");
    await clock.advance(1);
    route("main", "bypassed", "new");
    route("neighbour", "barred");
    await clock.advance(1);
    route("neighbour", "direct");
    phones.answer = () => undefined;
    await clock.advance(60_000);
    expect(phones.sent).toHaveLength(1);
    expect(phones.sent[0]).toContain("route damaged (new)");
  });

  it("is dropped when the route is restored while it is refused", async () => {
    const { clock, phones, route } = alerts();
    phones.answer = async () => {
      route("main", "direct");
      throw refused();
    };
    route("main", "direct", "start");
    route("main", "barred");
    await clock.advance(3_600_000);
    expect([phones.tries, phones.sent]).toEqual([1, []]);
  });

  it("does not keep the other phones from being told", async () => {
    const { clock, phones, route } = alerts({ numbers: NUMBERS });
    phones.answer = (number) => {
      if (number === NUMBERS[0]) throw refused();
    };
    route("main", "direct", "start");
    route("main", "barred");
    await clock.advance(10_000);
    expect(phones.sent).toHaveLength(1);
    expect(phones.sent[0]).toContain(NUMBERS[1]);
  });
});

describe("a text that may have been sent, or never can be", () => {
  it.each([
    new ModemError("modem/timeout", "no answer to AT+CMGS within 60000 ms"),
    new ModemError("modem/lost", "the line was lost"),
    new ModemError("modem/message-too-long", "a message of 161 characters"),
    new RangeError("number"),
  ])("is not tried again: %s", async (error) => {
    const { clock, phones, route } = alerts();
    phones.answer = () => {
      throw error;
    };
    route("main", "direct", "start");
    route("main", "barred");
    await clock.advance(3_600_000);
    expect(phones.tries).toBe(1);
    expect(clock.armedTimers).toBe(0);
  });

  it("counts as told, so that the phone hears of the end of it", async () => {
    const { clock, phones, route } = alerts();
    phones.answer = () => {
      throw new ModemError("modem/timeout", "no answer to AT+CMGS within 60000 ms");
    };
    route("main", "direct", "start");
    route("main", "barred");
    await clock.advance(1);
    phones.answer = () => undefined;
    route("main", "direct");
    await clock.advance(1);
    expect(phones.sent).toHaveLength(1);
    expect(phones.sent[0]).toContain("restored");
  });
});

describe("a text", () => {
  it.each([
    ["long", "x".repeat(500)],
    ["of a script that the GSM alphabet lacks", "кабель ".repeat(30)],
    ["of brackets, which are two septets each", "[{~|}]^\\`".repeat(20)],
    ["of lines", "first\nsecond\u001a"],
  ])("fits one message where the cause is %s, and stays whole in the alert", async (_what, cause) => {
    const { clock, events, phones, route } = alerts();
    route("main", "direct", "start");
    route("main", "barred", cause);
    await clock.advance(1);
    const text = phones.sent[0]!.slice(`${NUMBERS[0]}: `.length);
    expect(encodeMessage(text).characterSet).toBe("GSM");
    if (cause.length > 160) {
      expect(text).toHaveLength(160);
      expect(text.endsWith("...")).toBe(true);
    }
    expect(events).toMatchObject([{ text: expect.stringContaining(cause) }]);
  });
});

describe("the stop of the rig", () => {
  it.each([
    ["while no message can be sent", (phones: Phones) => (phones.absent = true)],
    [
      "in the pause after a refusal",
      (phones: Phones) => {
        phones.answer = () => {
          throw refused();
        };
      },
    ],
  ])("gives up what is not sent yet, %s", async (_when, prepare) => {
    const { clock, phones, routeAlerts, route, events } = alerts();
    prepare(phones);
    route("main", "direct", "start");
    route("main", "barred");
    await clock.advance(1);
    await routeAlerts.stop();
    route("main", "direct");
    expect(clock.armedTimers).toBe(0);
    expect(phones.sent).toEqual([]);
    expect(events).toHaveLength(1);
  });

  it("is not held up by a modem that has ended before", async () => {
    const { clock, phones, route } = alerts();
    phones.readyForSms = async () => {
      throw new ModemError("modem/stopped", "the modem was stopped");
    };
    route("main", "direct", "start");
    route("main", "barred");
    await clock.advance(1);
    expect(clock.armedTimers).toBe(0);
  });
});
