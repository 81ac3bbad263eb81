/**
 * A waveform -> the trace an oscilloscope shows: triggered, so that it stands still, and interpolated. Pure.
 */
export interface Trace {
  /** One value for each of the `points` instants, evenly over the window; null where nothing is known. */
  readonly currentA: readonly (number | null)[];
  readonly voltageV: readonly (number | null)[] | null;
}

/** Cycles of the mains that are shown. */
export const CYCLES = 3;
/** Samples on each side that the interpolation takes into account: enough for the third harmonic at 333 samples/s. */
const LANCZOS_LOBES = 16;
/** The reference must fall below this part of its peak before its next rise counts as the start of a cycle. */
const TRIGGER_HYSTERESIS = 0.25;

/** Largest magnitude; what is not a number is left out. */
export function peakOf(values: Float64Array): number {
  return values.reduce((peak, value) => (Number.isFinite(value) ? Math.max(peak, Math.abs(value)) : peak), 0);
}

/**
 * Full scale for a peak: 1, 2 or 5 times a power of ten with some room above the peak. Stays at `scale` until the peak
 * leaves it or would fit well into a smaller one.
 * @param smallest full scale when there is nothing to see but noise
 */
export function niceScale(scale: number, peak: number, smallest: number): number {
  const wanted = roundedUp(Math.max(peak * 1.05, smallest));
  return wanted > scale || roundedUp(Math.max(peak * 1.3, smallest)) < scale ? wanted : scale;
}

/** The next of 1, 2, 5, 10, 20, 50, ... (or of other steps of a decade, the last of them 10) not below the value (> 0). */
export function roundedUp(value: number, steps: readonly number[] = [1, 2, 5, 10]): number {
  const decade = 10 ** Math.floor(Math.log10(value) + 1e-9);
  const step = steps.find((factor) => factor * decade >= value * (1 - 1e-9)) ?? 10;
  return Number((step * decade).toPrecision(3));
}

/**
 * The last window that starts with a rise of the voltage (or of the current, where no voltage is measured) through zero.
 * @param samples the channels, one sample each `intervalMs`
 * @param windowMs length of the window [ms]
 * @param points instants across the window, >= 2
 */
export function traceOf(
  samples: {
    readonly currentA: Float64Array;
    readonly voltageV: Float64Array | null;
    readonly intervalMs: number;
  },
  windowMs: number,
  points: number,
): Trace {
  const { currentA, voltageV, intervalMs } = samples;
  const length = windowMs / intervalMs;
  const reference = voltageV ?? currentA;
  const latest = reference.length - 1 - length;
  const start = lastRise(reference, latest) ?? Math.max(0, latest);
  const at = (values: Float64Array) =>
    Array.from({ length: points }, (_, point) =>
      interpolate(values, start + (point / (points - 1)) * length),
    );
  return { currentA: at(currentA), voltageV: voltageV === null ? null : at(voltageV) };
}

/** Position of the last rise through zero at or before `latest` [samples], or null. */
function lastRise(values: Float64Array, latest: number): number | null {
  const threshold = -TRIGGER_HYSTERESIS * peakOf(values);
  let rise: number | null = null;
  let armed = false;
  for (let index = 1; index < values.length && index - 1 <= latest; index += 1) {
    const before = values[index - 1] as number;
    const after = values[index] as number;
    if (before < threshold) armed = true;
    if (!armed || before >= 0 || after < 0) continue;
    const position = index - 1 + before / (before - after);
    if (position <= latest) rise = position;
    armed = false;
  }
  return rise;
}

/**
 * Value between the samples by windowed sin(x)/x, as an oscilloscope draws few samples per cycle as the curve they stand
 * for. At the ends, where samples are missing on one side, the known ones are weighted up.
 */
function interpolate(values: Float64Array, position: number): number | null {
  const nearest = Math.round(position);
  if (nearest < 0 || nearest >= values.length) return null;
  let sum = 0;
  let weights = 0;
  for (let index = nearest - LANCZOS_LOBES; index <= nearest + LANCZOS_LOBES; index += 1) {
    const value = values[index];
    if (value === undefined) continue;
    const weight = lanczos(position - index);
    sum += weight * value;
    weights += weight;
  }
  return Number.isFinite(sum) && weights !== 0 ? sum / weights : null;
}

function lanczos(distance: number): number {
  if (Math.abs(distance) < 1e-9) return 1;
  if (Math.abs(distance) >= LANCZOS_LOBES) return 0;
  const x = Math.PI * distance;
  return (Math.sin(x) / x) * (Math.sin(x / LANCZOS_LOBES) / (x / LANCZOS_LOBES));
}
