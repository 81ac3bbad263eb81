/**
 * The straight line "sample index -> when it reached the host", which is the board's clock against ours: the sample rate, and
 * when a window really ended. A sample can be late (USB batches of 5 to 16 ms, a busy host) but never early, so the line is
 * laid along the earliest arrivals:
 *  1. every 100 ms of samples count as one point, the least late of them;
 *  2. the lower convex hull's edge under the middle of the points is a first line that no late batch can pull;
 *  3. two fits to the half of the points nearest the line, then one to all within 3 deviations or 2 ms (reweighted least trimmed
 *     squares, Rousseeuw & Leroy 1987). Up to half of the points may be late by any amount.
 * History is 60 s; it begins anew when the last 2 s all lie off the line by more than 20 ms, as after a pause of the board.
 */

const POINT_MS = 100;
const HISTORY_POINTS = 60_000 / POINT_MS;
/** Old points are dropped this many at a time, so that dropping costs little. */
const DROP_POINTS = 50;
/**
 * Below this span, which three windows of a second have, the nominal rate is the better guess: 0.5 % at worst, a ceramic
 * resonator's tolerance, where a busy host's batches can be off by more [ms].
 */
const LEAST_SPAN_MS = 2800;
const PAUSE_POINTS = 2000 / POINT_MS;
const PAUSE_MS = 20;
/** Deviations below this are batches and scheduling as usual; after a second, with ten points, rejecting them would cost more [ms]. */
const GRAIN_MS = 2;

/** A sample's place on the nominal time scale, and how much later than that it came, plus a constant. */
interface Point {
  readonly nominalMs: number;
  readonly lateMs: number;
}

/** lateMs = startMs + drift * nominalMs */
interface Line {
  readonly startMs: number;
  readonly drift: number;
}

export class ArrivalLine {
  readonly #intervalMs: number;
  #points: Point[] = [];
  #open: Point | null = null;
  #openBlock = -1;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** @param index rising from call to call */
  add(index: number, arrivalMs: number): void {
    const nominalMs = index * this.#intervalMs;
    const block = Math.floor(nominalMs / POINT_MS);
    const point = { nominalMs, lateMs: arrivalMs - nominalMs };
    if (block !== this.#openBlock) {
      if (this.#open !== null) this.#points.push(this.#open);
      if (this.#points.length >= HISTORY_POINTS + DROP_POINTS) this.#points.splice(0, DROP_POINTS);
      this.#open = point;
      this.#openBlock = block;
    } else if (this.#open === null || point.lateMs < this.#open.lateMs) {
      this.#open = point;
    }
  }

  /** Costs about 0.4 ms with a full history: for once a window. */
  fit(): { sampleRateHz: number; arrivalMs(index: number): number } {
    let points = this.#allPoints();
    let line = fitLine(points);
    if (isPaused(points, line)) {
      this.#points = this.#points.slice(-PAUSE_POINTS);
      points = this.#allPoints();
      line = fitLine(points);
    }
    return {
      sampleRateHz: 1000 / (this.#intervalMs * (1 + line.drift)),
      arrivalMs: (index) => {
        const nominalMs = index * this.#intervalMs;
        return nominalMs + line.startMs + line.drift * nominalMs;
      },
    };
  }

  #allPoints(): Point[] {
    return this.#open === null ? this.#points : [...this.#points, this.#open];
  }
}

function fitLine(points: readonly Point[]): Line {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return { startMs: 0, drift: 0 };
  if (last.nominalMs - first.nominalMs < LEAST_SPAN_MS) {
    return { startMs: Math.min(...points.map(({ lateMs }) => lateMs)), drift: 0 };
  }
  let line = hullLine(points);
  const half = Math.ceil(points.length / 2);
  for (let round = 0; round < 2; round += 1) {
    const limitMs = sortedDeviations(points, line)[half - 1] as number;
    line = leastSquaresLine(points.filter((point) => deviation(point, line) <= limitMs)) ?? line;
  }
  // The median deviation of Gaussian noise is 0.6745 of its standard deviation.
  const deviationMs = (sortedDeviations(points, line)[half - 1] as number) / 0.6745;
  const limitMs = Math.max(GRAIN_MS, 3 * deviationMs);
  return leastSquaresLine(points.filter((point) => deviation(point, line) <= limitMs)) ?? line;
}

function deviation({ nominalMs, lateMs }: Point, { startMs, drift }: Line): number {
  return Math.abs(lateMs - startMs - drift * nominalMs);
}

function sortedDeviations(points: readonly Point[], line: Line): Float64Array {
  return Float64Array.from(points, (point) => deviation(point, line)).sort();
}

/** Of all lines with every point on or above it, the one nearest to the points on average. */
function hullLine(points: readonly Point[]): Line {
  const hull: Point[] = [];
  for (const point of points) {
    while (hull.length >= 2 && !turnsUp(hull.at(-2) as Point, hull.at(-1) as Point, point)) hull.pop();
    hull.push(point);
  }
  const middleMs = points.reduce((sum, { nominalMs }) => sum + nominalMs, 0) / points.length;
  const right = Math.max(
    1,
    hull.findIndex(({ nominalMs }) => nominalMs >= middleMs),
  );
  const a = hull[right - 1] as Point;
  const b = hull[right] as Point;
  const drift = (b.lateMs - a.lateMs) / (b.nominalMs - a.nominalMs);
  return { drift, startMs: a.lateMs - drift * a.nominalMs };
}

function turnsUp(a: Point, b: Point, c: Point): boolean {
  return (
    (b.nominalMs - a.nominalMs) * (c.lateMs - a.lateMs) > (b.lateMs - a.lateMs) * (c.nominalMs - a.nominalMs)
  );
}

function leastSquaresLine(points: readonly Point[]): Line | null {
  const count = points.length;
  if (count < 2) return null;
  let nominalSum = 0;
  let lateSum = 0;
  for (const { nominalMs, lateMs } of points) {
    nominalSum += nominalMs;
    lateSum += lateMs;
  }
  let spread = 0;
  let slope = 0;
  for (const { nominalMs, lateMs } of points) {
    const x = nominalMs - nominalSum / count;
    spread += x * x;
    slope += x * (lateMs - lateSum / count);
  }
  if (spread === 0) return null;
  const drift = slope / spread;
  return { drift, startMs: (lateSum - drift * nominalSum) / count };
}

function isPaused(points: readonly Point[], line: Line): boolean {
  if (points.length < 2 * PAUSE_POINTS) return false;
  const off = points.slice(-PAUSE_POINTS).map(({ nominalMs, lateMs }) => {
    return lateMs - line.startMs - line.drift * nominalMs;
  });
  return off.every((ms) => ms > PAUSE_MS) || off.every((ms) => ms < -PAUSE_MS);
}
