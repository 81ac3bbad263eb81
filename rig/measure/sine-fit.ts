/**
 * Sines through samples at any instants: with the frequency known (three parameters) or to be found (four). Pure.
 * Source: IEEE Std 1057, three- and four-parameter least-squares fit to sine wave data.
 */
import { leastSquares } from "./least-squares.js";

/** x(t) = offset + cosine * cos(2 pi f t) + sine * sin(2 pi f t), in the unit of the samples. */
export interface Sine {
  readonly offset: number;
  readonly cosine: number;
  readonly sine: number;
}

/** Samples of one channel; the three arrays have one length. */
export interface Signal {
  readonly timesS: Float64Array;
  readonly values: Float64Array;
  /** 0 leaves a sample out. */
  readonly weights: Float64Array;
}

/** @returns null if the samples do not determine a sine of that frequency: too few of them, or all at one phase */
export function fitSine({ timesS, values, weights }: Signal, frequencyHz: number): Sine | null {
  const omega = 2 * Math.PI * frequencyHz;
  const solution = leastSquares(values, weights, 3, (k, row) => {
    const angle = omega * (timesS[k] as number);
    row[0] = 1;
    row[1] = Math.cos(angle);
    row[2] = Math.sin(angle);
  });
  if (solution === null) return null;
  const [offset, cosine, sine] = solution as [number, number, number];
  return { offset, cosine, sine };
}

/**
 * One Gauss-Newton step of the four-parameter fit. Converges in about three from within half a bin, 0.5 / (length in s).
 * @returns a better frequency [Hz], or null if the samples do not determine it
 */
export function refineFrequency(signal: Signal, frequencyHz: number): number | null {
  const { timesS, values, weights } = signal;
  const start = fitSine(signal, frequencyHz);
  if (start === null) return null;
  const omega = 2 * Math.PI * frequencyHz;
  const middleS = ((timesS[0] as number) + (timesS.at(-1) as number)) / 2;
  const solution = leastSquares(values, weights, 4, (k, row) => {
    const timeS = timesS[k] as number;
    const cos = Math.cos(omega * timeS);
    const sin = Math.sin(omega * timeS);
    row[0] = 1;
    row[1] = cos;
    row[2] = sin;
    // Time from the middle keeps this column independent of the other three.
    row[3] = (timeS - middleS) * (start.sine * cos - start.cosine * sin);
  });
  if (solution === null) return null;
  return frequencyHz + (solution[3] as number) / (2 * Math.PI);
}
