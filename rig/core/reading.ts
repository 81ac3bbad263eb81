/**
 * What a meter knows about its load: the words that measuring, display, sealing, the centre and the dashboard share.
 * RMS unless the name says otherwise. Signs: power taken by the load is positive, lagging (inductive) reactive power is positive.
 */

/** Circumstances that limit how far a reading can be trusted; order is the bit order of the frame (rig/seal/frame.ts). */
export const READING_FLAGS = [
  "nominal-voltage", // no voltage sensor: configured mains voltage and power factor were used
  "clipped", // the ADC reached 0 or 1023 counts
  "too-few-phases", // the sampling instants leave part of the mains cycle unseen
  "load-changed", // the load changed within the window
  "below-creep", // current below the creep limit: counted as no load
  "sine-assumed", // the waveform could not be resolved, only its fundamental
  "nominal-frequency", // too little signal to measure the frequency
  "incomplete", // samples are missing from the window
  "power-factor-clamped", // noise put |P| above S; the power factor was limited to 1
] as const;
export type ReadingFlag = (typeof READING_FLAGS)[number];

export type VoltageSource = "measured" | "nominal";

/** The electrical quantities of one stretch of time. */
export interface Quantities {
  readonly currentA: number;
  readonly voltageV: number;
  readonly voltageSource: VoltageSource;
  readonly activePowerW: number;
  readonly apparentPowerVa: number;
  /** Fundamental reactive power Q1 = V1 I1 sin(phi1) (IEEE 1459-2010, 3.1.2.4). */
  readonly reactivePowerVar: number;
  /** P / S, -1..1. */
  readonly powerFactor: number;
  readonly frequencyHz: number;
}

/** One measuring window of one meter (report.reading of the config, 1 s by default). */
export interface Reading extends Quantities {
  /** Import energy register after this window, never decreasing [Wh]. */
  readonly energyWh: number;
  /** Highest completed demand block, never decreasing; 0 before the first is complete [W]. */
  readonly maxDemandW: number;
  /** Average of the running demand block so far [W]. */
  readonly runningDemandW: number;
  /** Sampling instants in the window, each giving one sample of every channel. */
  readonly samples: number;
  /** Measured rate of each channel [Hz]. */
  readonly sampleRateHz: number;
  readonly flags: readonly ReadingFlag[];
  /** Length of the window by the host's clock, lost samples included [ms]. */
  readonly durationMs: number;
  /** End of the window by the meter's side [ms since 1970]. */
  readonly endMs: number;
}

/** What a report carries to the centre: the sum of an interval of readings. */
export interface Report extends Quantities {
  /** Counts the reports of one meter, from 1, without gaps and across restarts. */
  readonly sequence: number;
  /** End of the interval by the meter's side [ms since 1970]. */
  readonly endMs: number;
  /** Length of the interval that the readings cover, without what was lost between them [ms]. */
  readonly lengthMs: number;
  readonly energyWh: number;
  readonly maxDemandW: number;
  readonly runningDemandW: number;
  readonly samples: number;
  /** samples / lengthMs, what came of each channel [Hz]; 0 for a length of 0. */
  readonly sampleRateHz: number;
  readonly flags: readonly ReadingFlag[];
}
