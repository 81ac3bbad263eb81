/**
 * Remembers that a PIN was tried, so that a wrong one is never tried twice, not even by the next run: three wrong PINs lock
 * the SIM. Kept in <dataDirectory>/modem-pin.json, without the PIN and without anything that could be made into it: four
 * digits are found from any digest. It holds of which state of the PIN file the PIN was, so that a corrected file counts anew.
 */
import { readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { makePrivateDirectory, writeDurably } from "../core/durable-file.js";
import { StorageError } from "../core/errors.js";

const recordSchema = z.strictObject({
  pinFile: z.string(),
  /** When the PIN file was last written [ms since 1970]. */
  writtenAtMs: z.number(),
  sizeBytes: z.number(),
});
type PinRecord = z.output<typeof recordSchema>;

export class PinMemory {
  /** Where it is kept, for messages. */
  readonly file: string;
  readonly #dataDirectory: string;
  readonly #pinFile: string;

  constructor(options: { readonly dataDirectory: string; readonly pinFile: string }) {
    this.#dataDirectory = options.dataDirectory;
    this.#pinFile = path.resolve(options.pinFile);
    this.file = path.join(options.dataDirectory, "modem-pin.json");
  }

  /** Whether the PIN that the file holds now was tried and not taken. An unreadable memory counts as yes. */
  wasTried(): boolean {
    let kept: string;
    try {
      kept = readFileSync(this.file, "utf8");
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "ENOENT";
    }
    try {
      const record = recordSchema.parse(JSON.parse(kept));
      const now = this.#describePinFile();
      return (
        record.pinFile === now.pinFile &&
        record.writtenAtMs === now.writtenAtMs &&
        record.sizeBytes === now.sizeBytes
      );
    } catch {
      return true;
    }
  }

  /**
   * To be called before the PIN is sent, not after: what is cut off in between counts as tried.
   * @throws StorageError "storage/unwritable", "storage/unreadable"; then the PIN must not be sent
   */
  remember(): void {
    makePrivateDirectory(this.#dataDirectory);
    writeDurably(this.file, `${JSON.stringify(this.#describePinFile())}\n`);
  }

  /** The SIM is open: the PIN was right. */
  forget(): void {
    rmSync(this.file, { force: true });
  }

  #describePinFile(): PinRecord {
    try {
      const { mtimeMs, size } = statSync(this.#pinFile);
      return { pinFile: this.#pinFile, writtenAtMs: mtimeMs, sizeBytes: size };
    } catch (cause) {
      throw new StorageError(
        "storage/unreadable",
        `cannot look at the PIN file ${this.#pinFile}: ${(cause as Error).message}`,
        { cause, hint: "check modem.pinFile" },
      );
    }
  }
}
