import { describe, expect, it } from "vitest";
import type { RigEvent } from "../../rig/core/events.js";
import { LOG_LINES, reduce, withWaveform } from "../../rig/dashboard/view.js";
import { HISTORY_MS, initialView, type ViewState } from "../../rig/dashboard/view-state.js";
import {
  at,
  benchConfig,
  display,
  modem,
  reading,
  ready,
  received,
  START_MS,
  sineWaveform,
} from "./events.js";

const start = initialView(benchConfig("main", "neighbour"), true);

function viewAfter(...events: RigEvent[]): ViewState {
  return events.reduce((state, event, index) => reduce(state, at(START_MS + index * 1000, event)), start);
}
function log(state: ViewState): string[] {
  return state.log.map(({ meter, text }) => (meter === null ? text : `${meter} ${text}`));
}
const main = (state: ViewState) => state.meters[0]!;

describe("the view of a rig", () => {
  it("gives two meters two different accents", () => {
    expect(new Set(start.meters.map(({ accent }) => accent)).size).toBe(2);
  });

  it("keeps a meter's LCD lines, reading, board and route and leaves the other meter alone", () => {
    const state = viewAfter(ready("main"), display("main", "P 400.1 W", "I 1.739 A"), reading("main"), {
      event: "route",
      meter: "main",
      route: "direct",
      via: null,
      cause: "loop closed",
    });
    expect(main(state).board?.state).toBe("ready");
    expect(main(state).lcd).toEqual(["P 400.1 W       ", "I 1.739 A       "]);
    expect(main(state).reading?.activePowerW).toBe(400.1);
    expect(main(state).route?.route).toBe("direct");
    expect(state.meters[1]).toBe(start.meters[1]);
  });

  it("keeps modem, uplink and clock, which all meters share, and leaves the meters alone", () => {
    const state = viewAfter(
      modem("online", "connected to 192.0.2.7:1883", { signal: 17, operator: "Airtel" }),
      { event: "uplink", state: "connected", detail: "192.0.2.7:1883" },
      { event: "clock", state: "agrees", differenceS: 1, detail: "the clocks agree" },
    );
    expect(state.modem).toMatchObject({ state: "online", signal: 17, operator: "Airtel" });
    expect(state.uplink?.state).toBe("connected");
    expect(state.clock?.differenceS).toBe(1);
    expect(state.meters).toBe(start.meters);
  });

  it("is the same after what crossed the modem's wire", () => {
    expect(viewAfter({ event: "at", direction: ">", text: "AT+CSQ", kind: "command" })).toBe(start);
  });

  it("counts what waits and keeps the highest sequence when an old report arrives late", () => {
    const state = viewAfter(
      { ...received("main", 1), event: "report", waiting: 3 },
      { event: "sent", meter: "main", sequence: 7, via: null, waiting: 2 },
      received("main", 7),
      received("main", 4, { delayed: true }),
    );
    expect(main(state)).toMatchObject({ sent: 7, stored: 7, waiting: 2 });
  });

  it("keeps 10 minutes of power", () => {
    let state = start;
    for (let second = 0; second <= 700; second += 1)
      state = reduce(state, at(START_MS + second * 1000, reading("main", { activePowerW: second })));
    expect(main(state).history).toHaveLength(HISTORY_MS / 1000);
    expect(main(state).history[0]?.powerW).toBe(101);
  });

  it("ignores readings of a meter that is not in the config", () => {
    expect(viewAfter(reading("attic")).meters).toEqual(start.meters);
  });

  it("says how far the bench is behind", () => {
    expect(viewAfter({ event: "bench", behindMs: 140, skippedMs: 0 }).bench?.behindMs).toBe(140);
  });
});

describe("the log", () => {
  it("says what happened to a board, once for each change", () => {
    const lost: RigEvent = {
      event: "board",
      meter: "main",
      state: "lost",
      firmware: null,
      port: "virtual:main",
      detail: "cable pulled",
    };
    expect(log(viewAfter(ready("main"), ready("main"), lost, lost, ready("main")))).toEqual([
      "main board ready on virtual:main: StandardFirmata 2.5",
      "main board lost: cable pulled",
      "main board back on virtual:main: StandardFirmata 2.5",
    ]);
  });

  it("tells a reset that left the board ready", () => {
    const counters = { discardedBytes: 0, refusedMessages: 0, resets: 2 };
    const reset = { ...ready("main"), counters } as RigEvent;
    expect(log(viewAfter(ready("main"), reset)).at(-1)).toBe(
      "main board was reset and set up anew, 2 times so far",
    );
  });

  it("tells route changes with their cause, yellow for the bypass and red for the bar", () => {
    const route = (route: "direct" | "bypassed" | "barred", via: string | null, cause: string): RigEvent => ({
      event: "route",
      meter: "main",
      route,
      via,
      cause,
    });
    const state = viewAfter(
      route("direct", null, "loop closed"),
      route("barred", null, "cable open"),
      route("bypassed", "neighbour", "cable open"),
      route("direct", null, "loop closed"),
    );
    expect(log(state)).toEqual([
      "main connection barred: cable open",
      "main goes through neighbour: cable open",
      "main goes by its own cable again: loop closed",
    ]);
    expect(state.log.map(({ tone }) => tone)).toEqual(["broken", "carries", "text"]);
  });

  it("has one line for each meter's stored reports as long as nothing else happens", () => {
    const state = viewAfter(
      received("main", 1),
      received("neighbour", 1),
      received("main", 2),
      received("neighbour", 2),
      { event: "alert", kind: "replay", meter: "main", text: "report #1 refused" },
      received("main", 3),
    );
    expect(log(state)).toEqual([
      "main #2 stored",
      "neighbour #2 stored",
      "main report #1 refused",
      "main #3 stored",
    ]);
  });

  it("says which way a report came and when a late one was measured", () => {
    const measuredAt = new Date(2026, 0, 1, 21, 13, 4).toISOString();
    const state = viewAfter(
      received("main", 1, { via: "neighbour" }),
      received("main", 2, { delayed: true, measuredAt }),
    );
    expect(log(state)).toEqual([
      "main #1 stored, through neighbour",
      "main #2 stored, late: measured 21:13:04",
    ]);
  });

  it("says what the broker took where the centre is elsewhere, and not where it is here", () => {
    const sent = at(START_MS, { event: "sent", meter: "main", sequence: 5, via: null, waiting: 0 });
    expect(log(reduce(start, sent))).toEqual([]);
    expect(log(reduce({ ...start, centreEmbedded: false }, sent))).toEqual([
      "main #5 delivered to the broker",
    ]);
  });

  it("tells commands and their outcome", () => {
    const command: RigEvent = {
      event: "command",
      command: "lamps main 3",
      outcome: "done",
      text: "3 lamps on",
    };
    expect(log(viewAfter(command))).toEqual(["› lamps main 3: 3 lamps on"]);
  });

  it("is silent about readings, displays and bench time", () => {
    expect(
      log(
        viewAfter(reading("main"), display("main", "a", "b"), { event: "bench", behindMs: 9, skippedMs: 0 }),
      ),
    ).toEqual([]);
  });

  it("tells what the uplink does once for each change", () => {
    const down: RigEvent = { event: "uplink", state: "down", detail: "no answer for 90 s" };
    const state = viewAfter(
      { event: "uplink", state: "connecting", detail: "" },
      { event: "uplink", state: "connected", detail: "192.0.2.7:1883" },
      down,
      down,
    );
    expect(log(state)).toEqual([
      "uplink connecting",
      "uplink connected: 192.0.2.7:1883",
      "uplink down: no answer for 90 s",
    ]);
  });

  it("tells the modem's states with their details, and not what only the signal does", () => {
    const state = viewAfter(
      modem("sim", "the SIM wants its PIN: name a file with it in modem.pinFile"),
      modem("online", "connected to 192.0.2.7:1883", { signal: 12 }),
      modem("online", "connected to 192.0.2.7:1883", { signal: 17, operator: "Airtel" }),
      modem("recovering", "no PDP context: check modem.apn", { rung: "pdp" }),
      modem("recovering", "no PDP context: check modem.apn", { rung: "attach" }),
      modem("manual", ""),
    );
    expect(log(state)).toEqual([
      "modem: the SIM wants its PIN: name a file with it in modem.pinFile",
      "modem online: connected to 192.0.2.7:1883",
      "modem recovering 3/6: PDP context: no PDP context: check modem.apn",
      "modem recovering 4/6: attach: no PDP context: check modem.apn",
      "modem manual, left alone",
    ]);
    expect(state.log.map(({ tone }) => tone)).toEqual(["broken", "text", "attention", "attention", "text"]);
  });

  it("has one line for the steps of the way to the network, the newest", () => {
    const state = viewAfter(
      modem("searching", "searching for the network"),
      modem("searching", "not registered after 60 s: check the antenna"),
      modem("connecting", "joining the packet service"),
      modem("connecting", "connecting to 192.0.2.7:1883"),
    );
    expect(log(state)).toEqual([
      "modem: not registered after 60 s: check the antenna",
      "modem: connecting to 192.0.2.7:1883",
    ]);
  });

  it("tells a supply that gave way as broken, whatever the state", () => {
    const counters = { brownOuts: 1, strayBytes: 0 };
    const state = viewAfter(
      modem("online", "connected"),
      modem("online", "RDY unasked: check the supply", { counters }),
    );
    expect(state.log.at(-1)).toMatchObject({
      text: "modem online: RDY unasked: check the supply",
      tone: "broken",
    });
  });

  it("tells short messages that go and come, and why one did not go", () => {
    const sms = (direction: "sent" | "delivered" | "received" | "failed", detail?: string): RigEvent => ({
      event: "sms",
      direction,
      number: "+15550100",
      text: "main is cut off",
      ...(detail === undefined ? {} : { detail }),
    });
    const state = viewAfter(
      sms("sent"),
      sms("delivered"),
      sms("received"),
      sms("failed", "+CMS ERROR: 330, SMSC address unknown"),
    );
    expect(log(state)).toEqual([
      "SMS to +15550100 sent: main is cut off",
      "SMS delivered to +15550100",
      "SMS from +15550100: main is cut off",
      "SMS to +15550100 not sent: +CMS ERROR: 330, SMSC address unknown (main is cut off)",
    ]);
    expect(state.log.at(-1)?.tone).toBe("broken");
  });

  it("tells a clock that differs for attention, and one that agrees quietly", () => {
    const state = viewAfter(
      { event: "clock", state: "agrees", differenceS: 0, detail: "the PC's clock agrees" },
      { event: "clock", state: "differs", differenceS: 42, detail: "the PC's clock is 42 s ahead: set it" },
    );
    expect(log(state)).toEqual([
      "clock: the PC's clock agrees",
      "clock: the PC's clock is 42 s ahead: set it",
    ]);
    expect(state.log.map(({ tone }) => tone)).toEqual(["dim", "attention"]);
  });

  it("turns escape sequences and line feeds in a message into harmless text", () => {
    const state = viewAfter({ event: "alert", kind: "storage", meter: null, text: "bad\u001b[2J\nname" });
    expect(log(state)).toEqual(["bad [2J name"]);
  });

  it(`keeps ${LOG_LINES} lines`, () => {
    let state = start;
    for (let index = 0; index < LOG_LINES + 7; index += 1)
      state = reduce(state, at(START_MS, { event: "alert", kind: "test", meter: null, text: `${index}` }));
    expect(state.log).toHaveLength(LOG_LINES);
    expect(state.logged).toBe(LOG_LINES + 7);
    expect(state.log[0]?.text).toBe("7");
  });
});

describe("the oscilloscope's full scale", () => {
  const scaleAfter = (...peaks: number[]) =>
    main(peaks.reduce((state, peak) => withWaveform(state, "main", sineWaveform(peak, 325)), start)).scaleA;

  it("is 2 A for a peak of 1.23 A and 500 V for one of 325 V", () => {
    expect(scaleAfter(1.23)).toBe(2);
    expect(main(withWaveform(start, "main", sineWaveform(1.23, 325))).scaleV).toBe(500);
  });

  it("stays at 2 A when the peak falls from 1.23 A to 0.9 A and goes to 1 A at 0.6 A", () => {
    expect(scaleAfter(1.23, 0.9)).toBe(2);
    expect(scaleAfter(1.23, 0.6)).toBe(1);
  });

  it("does not go below 0.2 A for the noise of an idle sensor", () => {
    expect(scaleAfter(0.01)).toBe(0.2);
  });
});
