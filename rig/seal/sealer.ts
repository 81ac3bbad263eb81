/** The meter's end of the seal: report -> sealed frame. One for each meter; nothing else can seal in its name. */
import type { KeyObject } from "node:crypto";
import { SealError } from "../core/errors.js";
import type { Report } from "../core/reading.js";
import { encrypt } from "./aes-gcm.js";
import { encodeReport } from "./frame.js";
import { countStart, readMeterKey, tightenKeyFile } from "./key-file.js";
import { encodeHeader, MAX_SEQUENCE, nonceOf } from "./sealed-frame.js";

export class Sealer {
  readonly meter: string;
  readonly meterNumber: number;
  readonly #dataDirectory: string;
  readonly #key: KeyObject;
  #start: number;
  #last: { sequence: number; plaintext: Uint8Array; frame: Uint8Array } | undefined;

  /**
   * Reads the meter's key and counts a start, on disk, before anything can be sealed.
   * @param dataDirectory where makeMissingKeys has been
   * @returns notices: what the person at the bench should know, one sentence each
   * @throws SealError, StorageError
   */
  static open(dataDirectory: string, meter: string): { sealer: Sealer; notices: string[] } {
    const { key, number } = readMeterKey(dataDirectory, meter);
    const notices = tightenKeyFile(dataDirectory, meter);
    return {
      sealer: new Sealer(dataDirectory, meter, key, number, countStart(dataDirectory, meter)),
      notices,
    };
  }

  private constructor(
    dataDirectory: string,
    meter: string,
    key: KeyObject,
    meterNumber: number,
    start: number,
  ) {
    this.meter = meter;
    this.meterNumber = meterNumber;
    this.#dataDirectory = dataDirectory;
    this.#key = key;
    this.#start = start;
  }

  /**
   * Seals a report under its sequence. The same report again gives the same bytes. A different one under a sequence that was
   * sealed before (its journal could not be written) first counts a start on disk, so that no nonce serves twice.
   * @throws FrameError as encodeReport; SealError "seal/sequences-exhausted", "seal/starts-exhausted"; StorageError. Nothing
   *   was sealed then.
   */
  seal(report: Report): Uint8Array {
    const { sequence } = report;
    if (!Number.isInteger(sequence) || sequence < 1) {
      throw new RangeError(`the sequence of a report is ${sequence}: it must be a whole number from 1`);
    }
    if (sequence > MAX_SEQUENCE) {
      throw new SealError(
        "seal/sequences-exhausted",
        `meter ${this.meter} has sent ${MAX_SEQUENCE} reports, which is all a frame can count`,
        {
          hint: "give the meter a new id",
        },
      );
    }
    const plaintext = encodeReport(report);
    if (this.#last !== undefined && sequence <= this.#last.sequence) {
      if (sequence === this.#last.sequence && Buffer.compare(plaintext, this.#last.plaintext) === 0) {
        return this.#last.frame;
      }
      this.#start = countStart(this.#dataDirectory, this.meter);
    }
    const header = encodeHeader({ meterNumber: this.meterNumber, start: this.#start, sequence });
    const frame = Uint8Array.from(
      Buffer.concat([header, encrypt(this.#key, nonceOf(header), header, plaintext)]),
    );
    this.#last = { sequence, plaintext, frame };
    return frame;
  }
}
