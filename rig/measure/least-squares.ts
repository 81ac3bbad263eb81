/**
 * Weighted linear least squares for a handful of unknowns, by the normal equations. Pure.
 * The columns used here (1, cos, sin, t * derivative) are near orthogonal over whole cycles, so the squared condition is harmless.
 */

/** A pivot this much smaller than the largest diagonal element means that the samples cannot tell the unknowns apart. */
const SINGULAR = 1e-9;

/**
 * @param fillRow writes the `unknowns` coefficients of sample k into `row`
 * @returns the unknowns, or null if the samples do not determine them
 */
export function leastSquares(
  values: Float64Array,
  weights: Float64Array,
  unknowns: number,
  fillRow: (k: number, row: Float64Array) => void,
): number[] | null {
  const row = new Float64Array(unknowns);
  const width = unknowns + 1;
  // One row for each unknown: its normal equation, the right-hand side last.
  const system = Array.from({ length: unknowns }, () => new Float64Array(width));
  for (let k = 0; k < values.length; k += 1) {
    const weight = weights[k] as number;
    if (weight === 0) continue;
    fillRow(k, row);
    for (let i = 0; i < unknowns; i += 1) {
      const equation = system[i] as Float64Array;
      const scaled = weight * (row[i] as number);
      for (let j = i; j < unknowns; j += 1) equation[j]! += scaled * (row[j] as number);
      equation[unknowns]! += scaled * (values[k] as number);
    }
  }
  for (let i = 1; i < unknowns; i += 1) {
    for (let j = 0; j < i; j += 1) system[i]![j] = system[j]![i] as number;
  }
  return solve(system);
}

/** Gaussian elimination with row pivoting; the columns are scaled first, so that "small" has one meaning for all. */
function solve(system: Float64Array[]): number[] | null {
  const size = system.length;
  const scales = system.map((equation, i) => Math.sqrt(equation[i] as number));
  if (scales.some((scale) => !(scale > 0))) return null;
  system.forEach((equation, i) => {
    for (let j = 0; j < size; j += 1) equation[j]! /= (scales[i] as number) * (scales[j] as number);
    equation[size]! /= scales[i] as number;
  });
  for (let i = 0; i < size; i += 1) {
    let best = i;
    for (let r = i + 1; r < size; r += 1) {
      if (Math.abs(system[r]![i] as number) > Math.abs(system[best]![i] as number)) best = r;
    }
    [system[i], system[best]] = [system[best]!, system[i]!];
    const pivot = system[i]!;
    if (Math.abs(pivot[i] as number) < SINGULAR) return null;
    for (let r = i + 1; r < size; r += 1) {
      const equation = system[r]!;
      const factor = (equation[i] as number) / (pivot[i] as number);
      for (let j = i; j <= size; j += 1) equation[j]! -= factor * (pivot[j] as number);
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i -= 1) {
    const equation = system[i]!;
    let sum = equation[size] as number;
    for (let j = i + 1; j < size; j += 1) sum -= (equation[j] as number) * (solution[j] as number);
    solution[i] = sum / (equation[i] as number);
  }
  return solution.map((value, i) => value / (scales[i] as number));
}
