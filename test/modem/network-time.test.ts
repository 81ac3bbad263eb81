import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModemError } from "../../rig/core/errors.js";
import type { ClockEvent } from "../../rig/core/events.js";
import { compareClocks, NetworkTime, parseNetworkTime } from "../../rig/modem/network-time.js";
import { ModemRefusal } from "../../rig/modem/result-codes.js";
import { ManualClock } from "../support/manual-clock.js";
import { AnsweringPort } from "./answering-port.js";

const utc = (text: string) => Date.parse(`${text}Z`);

describe("the network's time", () => {
  it.each([
    // Local time and zone in quarter hours. Source: SIM900 AT Command Manual V1.03, AT+CCLK.
    ['+CCLK: "20/12/16,19:03:40+04"', "2020-12-16T18:03:40", 4],
    ["20/12/16,19:03:40+04", "2020-12-16T18:03:40", 4],
    ['+CCLK: "26/07/01,14:00:00+08"', "2026-07-01T12:00:00", 8],
    ['+CCLK: "26/01/01,00:30:00+22"', "2025-12-31T19:00:00", 22],
    ['+CCLK: "25/12/31,20:15:07-16"', "2026-01-01T00:15:07", -16],
    ['+CCLK: "24/02/29,23:59:59-38"', "2024-03-01T09:29:59", -38],
    ['+CCLK: "26/03/04,05:06:07+00"', "2026-03-04T05:06:07", 0],
    // Universal time, as NITZ carries it; the second form is a newer firmware's.
    ['*PSUTTZ: 2020,12,16,18,3,45,"+4",0', "2020-12-16T18:03:45", 4],
    ['*PSUTTZ: 2024,11,20,20,4,48,"-20",1', "2024-11-20T20:04:48", -20],
    ['*PSUTTZ: 25/04/02,09:49:27","+08",1', "2025-04-02T09:49:27", 8],
  ])("is read from %s", (text, moment, zoneQuarters) => {
    expect(parseNetworkTime(text)).toEqual({ utcMs: utc(moment), zoneQuarters });
  });

  it.each([
    ['+CCLK: "80/01/06,00:00:32+00"', "the start of GPS time"],
    ['+CCLK: "04/01/01,00:02:10+00"', "a module's start"],
    ['+CCLK: "00/01/01,00:00:00+00"', "a module's start"],
    ['+CCLK: "26/13/01,00:00:00+00"', "month 13"],
    ['+CCLK: "26/02/30,00:00:00+00"', "30 February"],
    ['+CCLK: "26/01/01,24:00:00+00"', "hour 24"],
    ['+CCLK: "26/01/01,10:60:00+00"', "minute 60"],
    ['+CCLK: "26/01/01,10:00:00+57"', "zone UTC+14:15"],
    ["+CTZV: +8,1", "a zone"],
    ["DST: 1", "summer time"],
    ['*PSNWID: "262","02","x",0,"x",0', "the network's name"],
    ["ERROR", "no answer"],
    ["", "nothing"],
  ])("is not in %s: %s", (text) => {
    expect(parseNetworkTime(text)).toBeUndefined();
  });

  it("is read, or not, whatever is said", () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789/,:+-" *PSUTZ') });
    fc.assert(fc.property(digits, (text) => parseNetworkTime(text) === undefined || text.length >= 20));
    fc.assert(fc.property(digits, (text) => void parseNetworkTime(`*PSUTTZ: ${text}`)));
  });
});

describe("the comparison of two clocks", () => {
  const networkMs = utc("2026-07-01T12:00:00");
  const compare = (apartMs: number, zoneQuarters = 8, pcZoneMinutes = 120) =>
    compareClocks({ network: { utcMs: networkMs, zoneQuarters }, pcMs: networkMs + apartMs, pcZoneMinutes });

  it.each([
    [0, "agrees", 0],
    [5000, "agrees", 5],
    [-5000, "agrees", -5],
    [5001, "differs", 5],
    [-42_000, "differs", -42],
    [3_600_000, "wrong-zone", 3600],
    [-7_200_000 + 4000, "wrong-zone", -7196],
    [900_000, "wrong-zone", 900],
    [20_700_000, "wrong-zone", 20_700], // 5 h 45 min, Nepal
    [900_000 + 5001, "differs", 905],
    [14 * 3_600_000, "wrong-zone", 50_400],
    [14 * 3_600_000 + 900_000, "differs", 51_300],
    [-14 * 3_600_000, "wrong-zone", -50_400],
    [86_400_000, "differs", 86_400],
  ])("of %i ms is %s", (apartMs, state, differenceS) => {
    expect(compare(apartMs)).toMatchObject({ state, differenceS });
  });

  it("is unknown without the network's time", () => {
    expect(compareClocks({ network: null, pcMs: networkMs, pcZoneMinutes: 0 })).toMatchObject({
      state: "unknown",
      differenceS: null,
    });
  });

  it("says that the zone is set wrong where only the local time is right", () => {
    // The wall says 14:00 in UTC+0, the network 14:00 in UTC+2.
    expect(compare(7_200_000, 8, 0).detail).toContain(
      "the PC's zone is UTC+00:00 and the network's UTC+02:00",
    );
    expect(compare(7_200_000, 8, 120).detail).toContain("2 h 0 min 0 s ahead");
  });

  it("agrees where the zones differ and the time does not, and says so", () => {
    expect(compare(0, 8, -210)).toMatchObject({
      state: "agrees",
      detail: "the PC's clock agrees with the network's; its zone is UTC-03:30, the network's UTC+02:00",
    });
  });

  it("never gives a difference of minus zero", () => {
    expect(Object.is(compare(-200).differenceS, 0)).toBe(true);
  });
});

describe("the watch on the PC's clock", () => {
  const startMs = utc("2026-07-01T12:00:00");
  const setUp = () => {
    const clock = new ManualClock(startMs);
    const cclk: { value: string | ModemError } = { value: "" };
    const port = new AnsweringPort(() =>
      cclk.value instanceof ModemError ? cclk.value : [`+CCLK: "${cclk.value}"`, "OK"],
    );
    const events: ClockEvent[] = [];
    const time = new NetworkTime({
      clock,
      zoneMinutes: () => 120,
      emit: (event) => void (event.event === "clock" && events.push(event)),
    });
    return { clock, port, cclk, time, events, states: () => events.map(({ state }) => state) };
  };

  it("says once that the clocks agree, not every hour", async () => {
    const { clock, port, cclk, time, events } = setUp();
    cclk.value = "26/07/01,14:00:00+08";
    await time.check(port);
    await clock.advance(3_600_000);
    cclk.value = "26/07/01,15:00:00+08";
    await time.check(port);
    expect(events).toEqual([
      {
        event: "clock",
        state: "agrees",
        // Half a second: CCLK's seconds are rounded down.
        differenceS: 0,
        detail: "the PC's clock agrees with the network's",
      },
    ]);
  });

  it("says that the clock was set, by how much, and what it is then", async () => {
    const { clock, port, cclk, time, events, states } = setUp();
    cclk.value = "26/07/01,14:00:00+08";
    await time.check(port);
    clock.stepWallClock(-42_000);
    await clock.advance(1000);
    time.look();
    expect(events[1]).toMatchObject({ state: "stepped", differenceS: -42 });
    expect(events[1]!.detail).toContain("set back by 42 s");
    cclk.value = "26/07/01,14:00:01+08";
    await time.check(port);
    expect(states()).toEqual(["agrees", "stepped", "differs"]);
    expect(events[2]).toMatchObject({ differenceS: -42 });
  });

  it("takes a part of 1 s between wall and steady time for drift", async () => {
    const { clock, time, events } = setUp();
    clock.stepWallClock(1000);
    time.look();
    clock.stepWallClock(1001);
    time.look();
    expect(events).toMatchObject([{ state: "stepped", differenceS: null }]);
  });

  it("knows nothing while the modem's clock was never set, or the modem refuses to say", async () => {
    const { port, cclk, time, events } = setUp();
    cclk.value = "04/01/01,00:02:10+00";
    await time.check(port);
    cclk.value = new ModemRefusal("AT+CCLK?", "operation not allowed");
    await time.check(port);
    expect(port.sent).toEqual(["AT+CCLK?", "AT+CCLK?"]);
    expect(events).toMatchObject([{ state: "unknown", differenceS: null }]);
  });

  it("does not say early that the time is unknown, and tells its caller", async () => {
    const { port, cclk, time, events, states } = setUp();
    cclk.value = "04/01/01,00:02:10+00";
    expect(await time.check(port, undefined, true)).toBe(false);
    expect(events).toEqual([]);
    cclk.value = "26/07/01,14:00:00+08";
    expect(await time.check(port, undefined, true)).toBe(true);
    expect(states()).toEqual(["agrees"]);
  });

  it("passes on that the modem does not answer", async () => {
    const { port, cclk, time, events } = setUp();
    cclk.value = new ModemError("modem/timeout", "no answer to AT+CCLK?");
    await expect(time.check(port)).rejects.toMatchObject({ code: "modem/timeout" });
    expect(events).toEqual([]);
  });

  it("compares what the network says unasked", () => {
    const { time, events } = setUp();
    time.heard("+CTZV: +8,1");
    time.heard("DST: 1");
    expect(events).toEqual([]);
    time.heard('*PSUTTZ: 2026,7,1,11,0,0,"+8",1');
    expect(events).toMatchObject([{ state: "wrong-zone", differenceS: 3600 }]);
  });
});
