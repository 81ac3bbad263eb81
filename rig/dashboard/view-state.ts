/**
 * What the dashboard knows of a rig: per meter its newest values, in all the log of what happened.
 * rig/dashboard/view.ts makes it from the events, the panels draw it.
 */
import type { Config } from "../core/config.js";
import type {
  BoardEvent,
  ClockEvent,
  LcdLines,
  ModemEvent,
  ReadingEvent,
  RouteEvent,
  UplinkEvent,
} from "../core/events.js";
import { type Accent, accentOf } from "./rows.js";

/** Power history that is kept and plotted. */
export const HISTORY_MS = 600_000;

/** One stretch of samples as the oscilloscope takes it, DC removed. */
export interface Waveform {
  readonly currentA: Float64Array;
  /** Null where no voltage is measured. */
  readonly voltageV: Float64Array | null;
  /** Time from one sample of a channel to the next. */
  readonly intervalMs: number;
}

export interface MeterView {
  readonly id: string;
  readonly accent: Accent;
  readonly board: BoardEvent | null;
  readonly lcd: LcdLines | null;
  /** Moments when the emulated LCD was driven faster than its data sheet allows. */
  readonly lcdTimingViolations: number;
  readonly reading: ReadingEvent | null;
  readonly route: RouteEvent | null;
  /** Sequence of the newest report the broker acknowledged, and of the newest the centre stored. */
  readonly sent: number | null;
  readonly stored: number | null;
  /** Reports that wait in the journal. */
  readonly waiting: number;
  readonly alert: { readonly atMs: number; readonly text: string } | null;
  readonly history: readonly { readonly atMs: number; readonly powerW: number }[];
  readonly waveform: Waveform | null;
  /** Full scale of the oscilloscope: grows at once, shrinks only when far too large, so that it does not flutter. */
  readonly scaleA: number;
  readonly scaleV: number;
}

/** A line of the log. */
export interface Happening {
  readonly atMs: number;
  /** The meter it is about; its id opens the line. */
  readonly meter: string | null;
  readonly text: string;
  readonly tone: "text" | "dim" | "carries" | "attention" | "broken";
  /** Same for happenings that only repeat each other: the newest stands for all of them. */
  readonly routine?: string;
}

export interface ViewState {
  readonly site: string;
  readonly virtual: boolean;
  readonly mainsHz: number;
  readonly readingMs: number;
  /** Whether the centre is part of this rig and says what it stored. */
  readonly centreEmbedded: boolean;
  readonly meters: readonly MeterView[];
  /** Whether reports go by a modem. */
  readonly hasModem: boolean;
  readonly modem: ModemEvent | null;
  /** The way to the broker, which all meters share. */
  readonly uplink: UplinkEvent | null;
  /** The PC's clock beside the mobile network's. */
  readonly clock: ClockEvent | null;
  /** How well the virtual bench keeps real time; null before it has said so. */
  readonly bench: { readonly behindMs: number; readonly skippedMs: number } | null;
  /** Oldest first. */
  readonly log: readonly Happening[];
  /** Lines that were ever logged. */
  readonly logged: number;
}

/** Full scales of the oscilloscope with nothing but noise to show [A], [V]. */
export const SMALLEST_SCALE_A = 0.2;
export const SMALLEST_SCALE_V = 50;

export function initialView(config: Config, virtual: boolean): ViewState {
  return {
    site: config.site,
    virtual,
    mainsHz: config.mains.hz,
    readingMs: config.report.reading,
    centreEmbedded: config.centre.embedded,
    meters: config.meters.map(({ id }, index) => ({
      id,
      accent: accentOf(index),
      board: null,
      lcd: null,
      lcdTimingViolations: 0,
      reading: null,
      route: null,
      sent: null,
      stored: null,
      waiting: 0,
      alert: null,
      history: [],
      waveform: null,
      scaleA: SMALLEST_SCALE_A,
      scaleV: SMALLEST_SCALE_V,
    })),
    hasModem: config.modem !== "none",
    modem: null,
    uplink: null,
    clock: null,
    bench: null,
    log: [],
    logged: 0,
  };
}
