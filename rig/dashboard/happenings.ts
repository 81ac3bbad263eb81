/**
 * Events -> the lines of the log: one calm sentence for what a person wants to know, nothing for the rest. Pure.
 */
import type {
  BoardEvent,
  ClockEvent,
  ModemEvent,
  ModemState,
  ReceivedEvent,
  RouteEvent,
  SmsEvent,
  TimedEvent,
  UplinkEvent,
} from "../core/events.js";
import { formatTimeOfDay } from "./format.js";
import { printable } from "./rows.js";
import { modemStyle, modemWords } from "./shared-way.js";
import type { Happening, MeterView, ViewState } from "./view-state.js";

/** @returns the line for this event, or null where there is nothing to tell; `before` is the state without it */
export function happeningOf(event: TimedEvent, before: ViewState): Happening | null {
  const meterId = "meter" in event ? event.meter : null;
  const meter = before.meters.find(({ id }) => id === meterId);
  const told = tell(event, meter, before);
  if (told === null) return null;
  return {
    ...told,
    atMs: Date.parse(event.time),
    meter: meterId === null ? null : printable(meterId),
    text: printable(told.text),
  };
}

type Told = Pick<Happening, "text" | "tone" | "routine">;

function tell(event: TimedEvent, meter: MeterView | undefined, before: ViewState): Told | null {
  switch (event.event) {
    case "board":
      return tellBoard(event, meter?.board ?? null);
    case "route":
      return tellRoute(event, meter?.route ?? null);
    case "uplink":
      return tellUplink(event, before.uplink);
    case "modem":
      return tellModem(event, before.modem);
    case "sms":
      return tellSms(event);
    case "clock":
      return tellClock(event);
    case "received":
      return tellReceived(event);
    case "sent":
      if (before.centreEmbedded) return null;
      return {
        text: `#${event.sequence} delivered to the broker`,
        tone: "text",
        routine: `${event.meter} sent`,
      };
    case "lcd":
      if (event.timingViolations <= (meter?.lcdTimingViolations ?? 0)) return null;
      return { text: `LCD written too fast, ${times(event.timingViolations)} so far`, tone: "broken" };
    case "centre":
      return { text: `control centre: its page is at ${event.page}`, tone: "text" };
    case "alert":
      return { text: event.text, tone: event.kind === "behind" ? "text" : "broken" };
    case "command":
      return { text: `› ${event.command}: ${event.text}`, tone: "text" };
    default:
      return null;
  }
}

function tellBoard(event: BoardEvent, before: BoardEvent | null): Told | null {
  const resets = event.counters?.resets ?? 0;
  const same = before !== null && before.state === event.state && before.detail === event.detail;
  if (same && resets > (before.counters?.resets ?? 0))
    return { text: `board was reset and set up anew, ${times(resets)} so far`, tone: "text" };
  if (same) return null;
  const detail = event.detail === undefined ? "" : `: ${event.detail}`;
  if (event.state === "connecting") return { text: `connecting to ${event.port}${detail}`, tone: "dim" };
  if (event.state === "lost") return { text: `board lost${detail}`, tone: "broken" };
  const firmware = event.firmware ?? "unknown firmware";
  const back = before?.state === "lost" ? "board back" : "board ready";
  const note = event.detail === undefined ? "" : `, ${event.detail}`;
  return { text: `${back} on ${event.port}: ${firmware}${note}`, tone: "text" };
}

function tellRoute(event: RouteEvent, before: RouteEvent | null): Told | null {
  const same = before !== null && before.route === event.route && before.via === event.via;
  if (same && before.cause === event.cause) return null;
  const cause = event.cause === "" ? "" : `: ${event.cause}`;
  if (event.route === "barred") return { text: `connection barred${cause}`, tone: "broken" };
  if (event.route === "bypassed")
    return { text: `goes through ${event.via ?? "a neighbour"}${cause}`, tone: "carries" };
  // Every meter starts this way: no news.
  if (before === null) return null;
  return { text: `goes by its own cable again${cause}`, tone: "text" };
}

function tellUplink(event: UplinkEvent, before: UplinkEvent | null): Told | null {
  if (before !== null && before.state === event.state && before.detail === event.detail) return null;
  const detail = event.detail === "" ? "" : `: ${event.detail}`;
  if (event.state === "down") return { text: `uplink down${detail}`, tone: "broken" };
  if (event.state === "connected") return { text: `uplink connected${detail}`, tone: "text" };
  return before?.state === "connecting" ? null : { text: `uplink connecting${detail}`, tone: "dim" };
}

/** In these states the detail says the state too: "no answer to AT on COM5". */
const SAID_BY_DETAIL: ReadonlySet<ModemState> = new Set(["no-answer", "sim", "searching", "connecting"]);

/** Signal, operator and counters alone are no news. */
function tellModem(event: ModemEvent, before: ModemEvent | null): Told | null {
  const same = before !== null && before.state === event.state && before.rung === event.rung;
  if (same && before.detail === event.detail) return null;
  const words = event.detail !== "" && SAID_BY_DETAIL.has(event.state) ? "" : ` ${modemWords(event)}`;
  const text = `modem${words}${event.detail === "" ? "" : `: ${event.detail}`}`;
  const brownedOut = (event.counters?.brownOuts ?? 0) > (before?.counters?.brownOuts ?? 0);
  const style = modemStyle(event);
  if (brownedOut || style === "broken") return { text, tone: "broken" };
  if (event.state === "online" || event.state === "manual") return { text, tone: "text" };
  if (event.state === "recovering") return { text, tone: "attention" };
  // Step after step of the same: the newest tells all.
  return { text, tone: style === "attention" ? "attention" : "dim", routine: `modem ${event.state}` };
}

function tellSms({ direction, number, text, detail = "" }: SmsEvent): Told {
  switch (direction) {
    case "sent":
      return { text: `SMS to ${number} sent: ${text}`, tone: "text" };
    case "delivered":
      return { text: `SMS delivered to ${number}`, tone: "text" };
    case "received":
      return { text: `SMS from ${number}: ${text}`, tone: "text" };
    case "failed":
      return { text: `SMS to ${number} not sent: ${detail} (${text})`, tone: "broken" };
  }
}

function tellClock({ state, detail }: ClockEvent): Told {
  return { text: `clock: ${detail}`, tone: state === "agrees" || state === "unknown" ? "dim" : "attention" };
}

function tellReceived(event: ReceivedEvent): Told {
  const way = event.via === null ? "" : `, through ${event.via}`;
  if (event.delayed) {
    const measuredAt = formatTimeOfDay(Date.parse(event.measuredAt));
    return { text: `#${event.sequence} stored${way}, late: measured ${measuredAt}`, tone: "text" };
  }
  const tone = event.via === null ? "text" : "carries";
  return {
    text: `#${event.sequence} stored${way}`,
    tone,
    routine: `${event.meter} stored ${event.via ?? ""}`,
  };
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
