import { describe, expect, it } from "vitest";
import { RouteAlerts } from "../../rig/apps/route-alerts.js";
import type { RigEvent, Route } from "../../rig/core/events.js";
import { ManualClock } from "../support/manual-clock.js";

function alerts(send: (number: string) => void = () => undefined) {
  const clock = new ManualClock();
  const events: RigEvent[] = [];
  const sent: string[] = [];
  const routeAlerts = new RouteAlerts({
    numbers: ["+4915112345678", "+4915187654321"],
    sendSms: async (number, text) => {
      send(number);
      sent.push(`${number}: ${text}`);
    },
    clock,
    emit: (event) => events.push(event),
  });
  const route = (meter: string, now: Route, cause: string) =>
    routeAlerts.hear({
      event: "route",
      meter,
      route: now,
      via: now === "bypassed" ? "neighbour" : null,
      cause,
    });
  return { clock, events, sent, routeAlerts, route };
}

describe("a route", () => {
  it("that is damaged and restored is told to every phone once, and as an alert", async () => {
    const { clock, events, sent, route } = alerts();
    route("main", "direct", "start");
    route("main", "bypassed", "cable open");
    route("main", "bypassed", "cable open");
    route("main", "direct", "cable closed");
    await clock.advance(1);
    expect(events.map((event) => event.event === "alert" && event.kind)).toEqual(["route", "route"]);
    expect(sent).toHaveLength(4);
    expect(sent[0]).toBe(
      "+4915112345678: Meter main: route damaged (cable open); its reports go sealed through neighbour",
    );
    expect(sent[3]).toContain("restored");
  });

  it("of one meter is not another's", async () => {
    const { events, route } = alerts();
    route("main", "direct", "start");
    route("neighbour", "barred", "start");
    expect(events).toEqual([]);
  });

  it("is told again after 10 s and 60 s when the modem refuses, and given up after the fourth time", async () => {
    let tries = 0;
    const { clock, sent, route } = alerts((number) => {
      if (number !== "+4915112345678") return;
      tries += 1;
      throw new Error("no network");
    });
    route("main", "direct", "start");
    route("main", "barred", "cable open");
    await clock.advance(9_999);
    expect(tries).toBe(1);
    await clock.advance(1);
    expect(tries).toBe(2);
    await clock.advance(60_000);
    expect(tries).toBe(3);
    await clock.advance(3_600_000);
    expect(tries).toBe(4);
    expect(sent).toHaveLength(1);
    expect(clock.armedTimers).toBe(0);
  });

  it("is not told any more once the rig stops", async () => {
    const { clock, routeAlerts, route, sent } = alerts(() => {
      throw new Error("no network");
    });
    route("main", "direct", "start");
    route("main", "barred", "cable open");
    await clock.advance(1);
    await routeAlerts.stop();
    expect(clock.armedTimers).toBe(0);
    expect(sent).toEqual([]);
  });
});
