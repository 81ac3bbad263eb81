/**
 * Refuses a number out of range at once, naming the argument, the value and what is allowed.
 */

/**
 * @returns `value`, finite and within `low`..`high`
 * @throws RangeError otherwise
 */
export function requireRange(name: string, value: number, low: number, high: number, unit = ""): number {
  if (Number.isFinite(value) && value >= low && value <= high) return value;
  throw new RangeError(`${name} must be ${low} to ${high} ${unit}`.trimEnd().concat(`, not ${value}`));
}

/** As `requireRange`, for whole numbers. */
export function requireWhole(name: string, value: number, low: number, high: number, unit = ""): number {
  if (Number.isInteger(value)) return requireRange(name, value, low, high, unit);
  throw new RangeError(
    `${name} must be a whole number of ${low} to ${high} ${unit}`.trimEnd().concat(`, not ${value}`),
  );
}
