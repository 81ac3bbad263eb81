/**
 * The way that all meters share, in one line or two between their panels and the log: the modem with its signal and state,
 * the broker behind it, and what still waits. Pure.
 * Source: SIM900 AT Command Manual V1.03, AT+CSQ, for the signal.
 */
import {
  type ModemEvent,
  type ModemState,
  RECOVERY_RUNGS,
  type RecoveryRung,
  type UplinkEvent,
} from "../core/events.js";
import { printable, type Row, rowWidth, type Span, type Style, span, spread, toWidth } from "./rows.js";
import type { ViewState } from "./view-state.js";

const BARS = ["▂", "▄", "▆", "█"];
const NO_BAR = "·";
/** The weakest signal of each bar, as AT+CSQ gives it. Below 10 (-94 dBm) GPRS comes and goes. */
const BAR_FROM = [2, 10, 15, 20];
const UNSTEADY_BARS = 1;
/** Wide enough for "≤-115 dBm". */
const DBM_WIDTH = 9;
/** From this width on there is room for whole words. */
const WIDE_COLUMNS = 100;
const SMALLEST_OPERATOR = 4;

const STATES: Readonly<Record<ModemState, { readonly words: string; readonly style: Style }>> = {
  starting: { words: "starting", style: "dim" },
  "no-answer": { words: "no answer", style: "broken" },
  sim: { words: "SIM not ready", style: "broken" },
  searching: { words: "searching", style: "attention" },
  connecting: { words: "connecting", style: "attention" },
  online: { words: "online", style: "good" },
  recovering: { words: "recovering", style: "attention" },
  manual: { words: "manual, left alone", style: "bright" },
  stopped: { words: "stopped", style: "dim" },
};

export const RUNG_WORDS: Readonly<Record<RecoveryRung, string>> = {
  mqtt: "MQTT",
  tcp: "TCP",
  pdp: "PDP context",
  attach: "attach",
  restart: "restart",
  "power-key": "power key",
};

/** The state in words, with the rung of the recovery ladder: "recovering 3/6: PDP context". */
export function modemWords({ state, rung }: ModemEvent): string {
  const { words } = STATES[state];
  if (rung === undefined) return words;
  return `${words} ${RECOVERY_RUNGS.indexOf(rung) + 1}/${RECOVERY_RUNGS.length}: ${RUNG_WORDS[rung]}`;
}

export function modemStyle({ state }: ModemEvent): Style {
  return STATES[state].style;
}

/** @param height 1, or 2 with a line of its own for what happens or went wrong; `height` rows are given */
export function sharedWayRows(state: ViewState, width: number, height: number): Row[] {
  const first = state.hasModem ? modemRow(state, width) : networkRow(state, width);
  return height > 1 ? [first, detailRow(state, width)] : [first];
}

function modemRow(state: ViewState, width: number): Row {
  const { modem, uplink } = state;
  const right = waiting(state, width);
  if (modem === null) {
    return spread([span(" SIM900 ", "bright"), span("not started yet", "dim")], right, width);
  }
  const isShown = modem.state === "online" || refusesUs(uplink, modem);
  const broker: Row =
    !isShown || uplink === null
      ? []
      : [span(" · ", "border"), span("broker ", "dim"), brokerSpan(uplink.state)];
  const head = [span(" SIM900 ", "bright"), bars(modem.signal), dbm(modem.signal)];
  const tail = [span(modemWords(modem), modemStyle(modem)), ...broker];
  const room = width - rowWidth([...head, ...tail, ...right]);
  return spread([...head, ...operatorOf(modem, room), ...tail], right, width);
}

/** The operator's name, cut where there is no room for all of it. */
function operatorOf({ operator }: ModemEvent, room: number): Row {
  const separator = span(" · ", "border");
  const left = room - separator.text.length;
  if (operator === null || left < SMALLEST_OPERATOR) return [separator];
  const name = [span(` ${printable(operator)}`)];
  return [...(rowWidth(name) > left ? toWidth(name, left) : name), separator];
}

/** A bar that is not there is a dot, so that no colour is needed to tell them apart. */
function bars(signal: number | null): Span {
  const lit = signal === null ? 0 : BAR_FROM.filter((from) => signal >= from).length;
  const text = BARS.map((bar, index) => (index < lit ? bar : NO_BAR)).join("");
  return span(text, signal === null ? "dim" : lit <= UNSTEADY_BARS ? "attention" : "bright");
}

function dbm(signal: number | null): Span {
  return span(` ${signalDbm(signal).padEnd(DBM_WIDTH)}`, signal === null ? "dim" : "text");
}

/** @param signal as AT+CSQ gives it, 0 to 31 in steps of 2 dB, but for its ends */
function signalDbm(signal: number | null): string {
  if (signal === null) return "no signal";
  if (signal <= 0) return "≤-115 dBm";
  if (signal === 1) return "-111 dBm";
  return signal >= 31 ? "≥-52 dBm" : `${2 * signal - 114} dBm`;
}

function networkRow(state: ViewState, width: number): Row {
  const { uplink } = state;
  const label = span(" network ", "bright");
  const right = waiting(state, width);
  if (uplink === null) return spread([label, span("no uplink yet", "dim")], right, width);
  const detail = uplink.detail === "" ? [] : [span(`: ${printable(uplink.detail)}`, "dim")];
  return spread([label, span("uplink "), brokerSpan(uplink.state), ...detail], right, width);
}

const UPLINK_STYLES: Readonly<Record<UplinkEvent["state"], Style>> = {
  connecting: "attention",
  connected: "good",
  down: "broken",
};

function brokerSpan(state: UplinkEvent["state"]): Span {
  return span(state, UPLINK_STYLES[state]);
}

/** One report of each meter is on its way for a moment; more of them are stuck. */
function waiting({ meters }: ViewState, width: number): Row {
  const reports = meters.reduce((sum, meter) => sum + meter.waiting, 0);
  const words = width < WIDE_COLUMNS ? "waiting" : reports === 1 ? "report waiting" : "reports waiting";
  const style = reports > meters.length ? "attention" : "text";
  return [span("  "), span(String(reports), style), span(` ${words} `, "dim")];
}

/** What happens or went wrong; it is in the log in full, if there is no room for all of it here. */
function detailRow(state: ViewState, width: number): Row {
  const { modem, uplink } = state;
  const right = oddities(state);
  if (modem === null) return spread([], right, width);
  const refused = refusesUs(uplink, modem);
  const noBroker = refused || (modem.state === "online" && uplink !== null && uplink.state !== "connected");
  const detail = (noBroker ? uplink?.detail : "") || modem.detail;
  const style = refused || modemStyle(modem) === "broken" ? "broken" : "dim";
  return spread([span(`        ${printable(detail)}`, style)], right, width);
}

/**
 * The broker is reached and the trouble is with it: a password, a certificate. The modem, which opens its connection again for
 * every attempt, has nothing to say of that.
 */
function refusesUs(uplink: UplinkEvent | null, { state, rung = "mqtt" }: ModemEvent): boolean {
  const isModemFine =
    state === "online" ||
    state === "connecting" ||
    (state === "recovering" && ["mqtt", "tcp"].includes(rung));
  const { code = "uplink/lost" } = uplink ?? {};
  return isModemFine && uplink?.state === "down" && code.startsWith("uplink/") && code !== "uplink/lost";
}

function oddities({ modem, clock }: ViewState): Row {
  const { brownOuts = 0, strayBytes = 0 } = modem?.counters ?? {};
  const clockIsOff = clock !== null && clock.state !== "agrees" && clock.state !== "unknown";
  return [
    ...(clockIsOff && clock.differenceS !== null
      ? [span(`  PC clock ${clock.differenceS > 0 ? "+" : ""}${clock.differenceS} s`, "attention")]
      : []),
    ...(brownOuts > 0 ? [span(`  brown-outs ${brownOuts}`, "broken")] : []),
    ...(strayBytes > 0 ? [span(`  stray bytes ${strayBytes}`, "dim")] : []),
    span(" "),
  ];
}
