/** Says once that the disk refuses something, and once that it takes it again. */
import { describeError, StorageError } from "../core/errors.js";

export class StorageWatch {
  readonly #alert: (text: string) => void;
  /** What is refused at the moment -> why. */
  readonly #faults = new Map<string, string>();

  constructor(alert: (text: string) => void) {
    this.#alert = alert;
  }

  /**
   * @param what names the thing that is written, "the registers"
   * @returns whether it was written; a StorageError is told and swallowed, since there is a next time
   */
  attempt(what: string, write: () => void): boolean {
    try {
      write();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      const fault = describeError(error);
      if (fault !== this.#faults.get(what)) this.#alert(fault);
      this.#faults.set(what, fault);
      return false;
    }
    if (this.#faults.delete(what)) this.#alert(`${what} can be written again`);
    return true;
  }
}
