/**
 * The error family of the rig.
 * Every error says what was tried, on what, the value with its unit, and what to check; callers and tests match
 * `code`, never the wording. Caller's mistakes are TypeError or RangeError at once; noise on a wire is counted, not thrown.
 */
export class RigError extends Error {
  /** Area and kind, such as "port/busy". */
  readonly code: string;
  /** What the person at the bench can do about it, one sentence; undefined if the message says it all. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** A mistake in the configuration file, found before anything is started. */
export class ConfigError extends RigError {}
/** A port that cannot be opened, or was lost. */
export class PortError extends RigError {}
/** A board that answers wrongly or not at all. */
export class BoardError extends RigError {}
/** A file of ours that is damaged, unreadable or unwritable. */
export class StorageError extends RigError {}
/** A frame whose bytes do not follow the layout. */
export class FrameError extends RigError {}
/** A sealed frame that does not open, or a key that cannot be used. Says nothing about the contents. */
export class SealError extends RigError {}
/** The way to the control centre: broker unreachable, refused, timed out. */
export class UplinkError extends RigError {}

/** The modem refused, did not answer, or lost what it had; the code says which. */
export class ModemError extends RigError {}

/** The message of anything that was thrown, with the hint of a RigError after it. */
export function describeError(error: unknown): string {
  if (error instanceof RigError && error.hint !== undefined) return `${error.message}: ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}
