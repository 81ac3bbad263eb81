/**
 * Remembers which PINs the SIM did not take, so that none is sent twice, not even by the next run and whatever was done to the
 * PIN's file, and never a third one: three wrong PINs lock the SIM.
 * Kept in <dataDirectory>/modem-pin.json as salted hashes. Four digits are found from any hash by trying them all; but the file
 * is for its owner alone, who may read the PIN's file too.
 */
import { randomBytes, scryptSync } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { makePrivateDirectory, writeDurably } from "../core/durable-file.js";

/** One less than what a SIM allows. Source: 3GPP TS 31.101, 9.5: three attempts. */
export const MOST_WRONG_PINS = 2;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Some 10 ms of a PC [1]. */
const SCRYPT_COST = 4096;

const recordSchema = z.strictObject({
  saltHex: z.hex().length(2 * SALT_BYTES),
  /** Of the PINs that were sent and did not open the SIM. */
  refusedHex: z.array(z.hex().length(2 * HASH_BYTES)).min(1),
});
type PinRecord = z.output<typeof recordSchema>;

export class PinMemory {
  /** Where it is kept, for messages. */
  readonly file: string;
  readonly #dataDirectory: string;

  constructor(dataDirectory: string) {
    this.#dataDirectory = dataDirectory;
    this.file = path.join(dataDirectory, "modem-pin.json");
  }

  /**
   * What forbids to send this PIN: it was refused; as many as may be were refused; the memory cannot be read.
   * @returns null where nothing does
   */
  objection(pin: string): "refused" | "too-many" | "unreadable" | null {
    const record = this.#read();
    if (record === "unreadable") return "unreadable";
    if (record === null) return null;
    if (record.refusedHex.length >= MOST_WRONG_PINS) return "too-many";
    return record.refusedHex.includes(hash(pin, record.saltHex)) ? "refused" : null;
  }

  /**
   * To be called before the PIN is sent, not after: what is cut off in between counts as refused.
   * @throws StorageError "storage/unwritable"; then the PIN must not be sent
   */
  remember(pin: string): void {
    const known = this.#read();
    const { saltHex, refusedHex } =
      known === null || known === "unreadable"
        ? { saltHex: randomBytes(SALT_BYTES).toString("hex"), refusedHex: [] }
        : known;
    const record: PinRecord = { saltHex, refusedHex: [...refusedHex, hash(pin, saltHex)] };
    makePrivateDirectory(this.#dataDirectory);
    writeDurably(this.file, `${JSON.stringify(record)}\n`);
  }

  /** The SIM is open, which gives it its three tries back. */
  forget(): void {
    rmSync(this.file, { force: true });
  }

  #read(): PinRecord | null | "unreadable" {
    try {
      return recordSchema.parse(JSON.parse(readFileSync(this.file, "utf8")));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ENOENT" ? null : "unreadable";
    }
  }
}

function hash(pin: string, saltHex: string): string {
  return scryptSync(pin, Buffer.from(saltHex, "hex"), HASH_BYTES, { N: SCRYPT_COST }).toString("hex");
}
