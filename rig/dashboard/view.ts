/**
 * One event more: takes the ViewState, a TimedEvent or a waveform -> gives the next ViewState. Pure.
 */
import type { TimedEvent } from "../core/events.js";
import { happeningOf } from "./happenings.js";
import { niceScale, peakOf } from "./oscilloscope.js";
import { printable } from "./rows.js";
import {
  type Happening,
  HISTORY_MS,
  type MeterView,
  SMALLEST_SCALE_A,
  SMALLEST_SCALE_V,
  type ViewState,
  type Waveform,
} from "./view-state.js";

/** Lines of the log that are kept. */
export const LOG_LINES = 500;

/** The state after one event. Events of meters that are not in the config change nothing but the log. */
export function reduce(state: ViewState, event: TimedEvent): ViewState {
  const happening = happeningOf(event, state);
  const logged = happening === null ? state : withHappening(state, happening);
  switch (event.event) {
    case "bench":
      return { ...logged, bench: { behindMs: event.behindMs, skippedMs: event.skippedMs } };
    case "modem":
      return { ...logged, modem: event };
    case "uplink":
      return { ...logged, uplink: event };
    case "clock":
      return { ...logged, clock: event };
  }
  const meterId = "meter" in event ? event.meter : null;
  if (meterId === null) return logged;
  return {
    ...logged,
    meters: logged.meters.map((meter) => (meter.id === meterId ? reduceMeter(meter, event) : meter)),
  };
}

/** The state with a meter's newest waveform; the scales follow it. */
export function withWaveform(state: ViewState, meterId: string, waveform: Waveform): ViewState {
  return {
    ...state,
    meters: state.meters.map((meter) => {
      if (meter.id !== meterId) return meter;
      const { currentA, voltageV } = waveform;
      return {
        ...meter,
        waveform,
        scaleA: niceScale(meter.scaleA, peakOf(currentA), SMALLEST_SCALE_A),
        scaleV:
          voltageV === null ? meter.scaleV : niceScale(meter.scaleV, peakOf(voltageV), SMALLEST_SCALE_V),
      };
    }),
  };
}

function reduceMeter(meter: MeterView, event: TimedEvent): MeterView {
  switch (event.event) {
    case "board":
      return { ...meter, board: event };
    case "reading": {
      const atMs = Date.parse(event.time);
      const point = { atMs, powerW: event.activePowerW };
      const kept = meter.history.filter((old) => old.atMs > atMs - HISTORY_MS && old.atMs < atMs);
      return { ...meter, reading: event, history: [...kept, point] };
    }
    case "display":
      return { ...meter, lcd: event.lines };
    case "lcd":
      return { ...meter, lcdTimingViolations: event.timingViolations };
    case "route":
      return { ...meter, route: event };
    case "report":
      return { ...meter, waiting: event.waiting };
    case "sent":
      return { ...meter, sent: Math.max(event.sequence, meter.sent ?? 0), waiting: event.waiting };
    case "received":
      return { ...meter, stored: Math.max(event.sequence, meter.stored ?? 0) };
    case "alert":
      return { ...meter, alert: { atMs: Date.parse(event.time), text: printable(event.text) } };
    default:
      return meter;
  }
}

/**
 * The log with one more line. Reports that arrive as they should are no news: as long as nothing else happens each
 * meter keeps one line for them, which says the newest, so that what matters is not pushed out of sight.
 */
function withHappening(state: ViewState, happening: Happening): ViewState {
  const { log } = state;
  if (happening.routine !== undefined) {
    for (let index = log.length - 1; index >= 0; index -= 1) {
      const line = log[index];
      if (line?.routine === undefined) break;
      if (line.routine === happening.routine) return { ...state, log: log.with(index, happening) };
    }
  }
  return { ...state, log: [...log, happening].slice(-LOG_LINES), logged: state.logged + 1 };
}
