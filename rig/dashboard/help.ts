/**
 * The help screen: every key, and what is behind each value on this bench: formula, pin, source. Pure.
 */
import type { Config, MeterConfig } from "../core/config.js";
import { formatDuration } from "../core/duration.js";
import { RECOVERY_RUNGS } from "../core/events.js";
import { frame, type Row, span, toWidth } from "./rows.js";
import { RUNG_WORDS } from "./shared-way.js";

const LABEL_WIDTH = 16;

const KEYS: readonly (readonly [string, string])[] = [
  ["q  Ctrl-C", "quit: everything is stopped cleanly, no report is lost"],
  ["?  h  F1", "this help; Esc closes it"],
  ["Space", "hold the screen; measuring, sending and storing go on"],
  ["↑ ↓  k j", "scroll the log (or this help) by a line"],
  ["PgUp PgDn", "scroll by a page; Home or g goes back to the newest line"],
  ["Tab", "other meters, where not all of them fit; Shift-Tab goes back"],
];

/** @returns the lines of the help, `width` columns each */
export function helpRows(config: Config, width: number): Row[] {
  const period = formatDuration(config.demand.period);
  const values: (readonly [string, string])[] = [
    ...ofMeters(config, "I  current", currentSource),
    ...ofMeters(config, "U  voltage", (meter) => voltageSource(meter, config)),
    ...ofMeters(config, "P  active", (meter) =>
      meter.voltage === undefined
        ? `U I λ with the configured λ = ${meter.nominalPowerFactor}, nothing of it measured but I [W]`
        : "mean of u(t) i(t) over the window [W]",
    ),
    ["S  apparent", "U I [VA]"],
    ...ofMeters(config, "Q  reactive", ({ voltage }) =>
      voltage === undefined
        ? "S √(1 - λ²) [var]"
        : "U1 I1 sin φ1 of the fundamentals, + lagging (IEEE 1459, 3.1.2.4) [var]",
    ),
    ["λ  power factor", "P / S, -1 to 1"],
    ["f  frequency", "fitted to U, else to I above 0.1 A, else the configured one [Hz]"],
    ["E  energy", "sum of P dt, kept on disk, never falls [Wh]"],
    ["Pmax  demand", `highest mean power of one ${period} block of the clock [W]`],
    ["fs  rate", "samples of each channel per second, by this PC's clock"],
    [
      "window",
      `a reading sums up ${formatDuration(config.report.reading)}, a report ${formatDuration(config.report.every)}`,
    ],
    ["trace", "last window from its last rise of U (or I) on, sin(x)/x between the samples"],
    ["note", "what limits the trust in the newest reading; nominal: configured, not measured"],
  ];
  const ways: (readonly [string, string])[] = [
    ...ofMeters(config, "way", ({ bus }) => `own cable while the loop ${bus.out} -> ${bus.in} is closed`),
    ...ofMeters(config, "LCD", lcdSource),
    ...sharedWay(config),
    ["sent", "the newest report that the broker acknowledged"],
    ["stored", "the newest report that the control centre opened and stored"],
    ["waiting", "reports in the journal on disk that the broker has not acknowledged"],
  ];
  const section = (title: string, lines: readonly (readonly [string, string])[]): Row[] => [
    [span(` ${title}`, "bright")],
    ...lines.flatMap(([label, text]) => wrapped(label, text, width)),
    [],
  ];
  return [...section("keys", KEYS), ...section("values", values), ...section("way to the centre", ways)]
    .slice(0, -1)
    .map((row) => toWidth(row, width));
}

/** @param scroll lines above the first one shown */
export function helpPanel(config: Config, width: number, height: number, scroll: number): Row[] {
  const rows = helpRows(config, width - 2);
  const below = rows.length - scroll - (height - 2);
  return frame({
    title: [span("help", "bright")],
    state: below > 0 ? [span(`↓ ${below} more lines`, "bright")] : [],
    rows: rows.slice(scroll),
    width,
    height,
  });
}

/** How far the help can be scrolled at this size. */
export function largestHelpScroll(config: Config, width: number, height: number): number {
  return Math.max(0, helpRows(config, width - 2).length - (height - 2));
}

function currentSource({ current }: MeterConfig): string {
  const sensor =
    current.sensor === "zmct103c"
      ? `ZMCT103C ${current.ratio}:1 on ${current.burden} ohm`
      : current.sensor.toUpperCase();
  return `RMS of ${current.pin} over whole mains cycles, DC removed, ${sensor} [A]`;
}

function voltageSource({ voltage }: MeterConfig, { mains }: Config): string {
  if (voltage === undefined) return `nominal: ${mains.volts} V from the config, nothing is measured`;
  return `RMS of ${voltage.pin}, ${voltage.sensor.toUpperCase()} with ${voltage.gain} V/V [V]`;
}

function sharedWay({ modem }: Config): (readonly [string, string])[] {
  if (modem === "none") return [["network", "the PC's own, to the broker, for all meters"]];
  const rungs = RECOVERY_RUNGS.map((rung) => RUNG_WORDS[rung]).join(", ");
  return [
    ["SIM900", "the modem, for all meters: bars (2, 3, 4 from -94, -84, -74 dBm), operator, what it does"],
    ["recovering n/6", `rung n of the ladder: ${rungs}; the log says why`],
  ];
}

function lcdSource({ lcd }: MeterConfig): string {
  if (lcd.type === "none") return "none";
  if (lcd.type === "i2c") return `16x2 on the I2C backpack 0x${lcd.address.toString(16)} (A4, A5)`;
  return `16x2, 4 bits: RS ${lcd.rs}, E ${lcd.e}, data ${lcd.d4} ${lcd.d5} ${lcd.d6} ${lcd.d7}`;
}

/** One line for all meters where they agree, else one line each. */
function ofMeters(
  config: Config,
  label: string,
  describe: (meter: MeterConfig) => string,
): (readonly [string, string])[] {
  const texts = config.meters.map((meter) => ({ id: meter.id, text: describe(meter) }));
  if (texts.every(({ text }) => text === texts[0]?.text)) return [[label, texts[0]?.text ?? ""]];
  return texts.map(({ id, text }, index) => [index === 0 ? label : "", `${id}: ${text}`] as const);
}

function wrapped(label: string, text: string, width: number): Row[] {
  const room = width - LABEL_WIDTH - 3;
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map(
    (line, index): Row => [span(`  ${(index === 0 ? label : "").padEnd(LABEL_WIDTH)}`, "dim"), span(line)],
  );
}
