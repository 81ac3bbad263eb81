/**
 * What the 16x2 says, as a pure function of the meter's state.
 * Display state -> two lines of 16 characters -> hd44780.ts. Every figure has its own columns, so that a new reading
 * changes digits in place and few characters have to be written.
 */
import type { LcdLines, MeasuredFields, Route } from "../core/events.js";

/** Pages that alternate stand this long; `page` of the state is the steady time divided by it, rounded down. */
export const PAGE_PERIOD_MS = 4000;

const COLUMNS = 16;

/** What a display shows of a reading; `Reading` and `MeasuredFields` both fit. */
export type DisplayedReading = Pick<
  MeasuredFields,
  | "currentA"
  | "activePowerW"
  | "voltageV"
  | "voltageSource"
  | "powerFactor"
  | "energyWh"
  | "maxDemandW"
  | "flags"
>;

export interface DisplayState {
  /** The newest reading; null before the first. */
  readonly reading: DisplayedReading | null;
  /** How this meter's own reports go out: anything but "direct" means that its cable is cut. */
  readonly route: Route;
  /** Whether this meter carries a neighbour's reports at the moment. */
  readonly carries: boolean;
  /** Text from the centre; any characters, any length. */
  readonly message: string | null;
  /** Counts up by one every PAGE_PERIOD_MS: whole number >= 0. */
  readonly page: number;
}

/**
 * The two lines for this state. In order of weight: own cable cut, carrying for a neighbour, waiting for
 * the first reading, then the pages in turn: the centre's message, if any, and the reading.
 */
export function screenLines(state: DisplayState): LcdLines {
  if (state.route !== "direct") return screen("connection", "barred");
  if (state.carries) return screen("Routed", "");
  const pages = [
    ...(state.message === null ? [] : messagePages(state.message)),
    ...(state.reading === null ? [screen("Waiting for", "first reading")] : readingPages(state.reading)),
  ];
  return pages[state.page % pages.length]!;
}

/**
 * Without a voltage sensor the lower line stays and says "nominal"; the upper one takes its turns. A clipped reading has
 * one page only, the one that says so.
 */
function readingPages(reading: DisplayedReading): LcdLines[] {
  const load = `${formatFixed(reading.currentA, 5, 3)}A${formatPower(reading.activePowerW).padStart(10)}`;
  const energy = `E${formatEnergy(reading.energyWh).padStart(15)}`;
  const demand = `Max${formatPower(reading.maxDemandW).padStart(13)}`;
  const clipped = reading.flags.includes("clipped");

  if (reading.voltageSource === "nominal") {
    if (clipped) return [screen(load, "nominal  clipped")];
    const volts = `${Number(reading.voltageV.toFixed(1))} V nominal`;
    return [load, energy, demand].map((upper) => screen(upper, volts));
  }
  const volts = `${formatFixed(reading.voltageV, 5, 1)}V`;
  if (clipped) return [screen(load, `${volts}   clipped`)];
  const idle = reading.flags.includes("below-creep");
  const factor = idle ? "no load" : `PF ${formatDecimals(reading.powerFactor, 2)}`;
  return [screen(load, volts + factor.padStart(10)), screen(energy, demand)];
}

/** Words wrapped to lines of 16, two lines a page; a word that is longer is cut. */
function messagePages(message: string): LcdLines[] {
  const lines: string[] = [];
  for (const word of toLcdText(message).split(" ").filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= COLUMNS)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(...(word.match(/.{1,16}/g) ?? []));
  }
  const pages: LcdLines[] = [];
  for (let line = 0; line < lines.length; line += 2) pages.push(screen(lines[line]!, lines[line + 1] ?? ""));
  return pages;
}

/** Exactly 16 characters each: padded, or cut at the right. */
function screen(upper: string, lower: string): LcdLines {
  const fill = (line: string) => toLcdText(line).slice(0, COLUMNS).padEnd(COLUMNS);
  return [fill(upper), fill(lower)];
}

/**
 * Letters without their accents; what the display's ROM does not show as in ASCII becomes "?".
 * Source: HD44780U data sheet ADE-207-272(Z), Table 4 (ROM code A00): 0x20-0x7D are ASCII but for 0x5C, a yen sign.
 */
function toLcdText(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .replace(/\s/g, " ")
    .replace(/[^ -[\]-}]/gu, "?");
}

/** [W], from 10 kW on in kW: at most 9 characters below 1 GW. */
function formatPower(powerW: number): string {
  return Math.abs(powerW) >= 9999.95
    ? `${formatFixed(powerW / 1000, 6, 2).trim()} kW`
    : `${formatDecimals(powerW, 1)} W`;
}

/** [Wh], from 100 kWh on in kWh: at most 14 characters. */
function formatEnergy(energyWh: number): string {
  return energyWh >= 99_999.995
    ? `${formatFixed(energyWh / 1000, 10, 3).trim()} kWh`
    : `${formatDecimals(energyWh, 2)} Wh`;
}

/** Right-aligned in `width` characters with as many decimals as fit, at most `decimals`; "over" where none fit. */
function formatFixed(value: number, width: number, decimals: number): string {
  for (let kept = decimals; kept >= 0; kept--) {
    const text = formatDecimals(value, kept);
    if (text.length <= width) return text.padStart(width);
  }
  return "over".padStart(width);
}

/** "---" for what is no number; never "-0.0". */
function formatDecimals(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return "---";
  const text = value.toFixed(decimals);
  return /[1-9]/.test(text) ? text : text.replace("-", "");
}
