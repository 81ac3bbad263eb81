/** The centre's end of the seal: sealed frame -> report. One for each meter, from the same key file. */
import type { KeyObject } from "node:crypto";
import { FrameError, SealError } from "../core/errors.js";
import type { Report } from "../core/reading.js";
import { decrypt } from "./aes-gcm.js";
import { decodeReport } from "./frame.js";
import { readMeterKey } from "./key-file.js";
import { decodeHeader, HEADER_BYTES, nonceOf } from "./sealed-frame.js";

export interface OpenedFrame {
  readonly report: Report;
  /** The start of the meter in which the report was sealed. Goes down as its sequences go up only where the key file was made anew or an old one was put back. */
  readonly start: number;
}

export class Opener {
  readonly meter: string;
  readonly meterNumber: number;
  readonly #key: KeyObject;

  /** @throws SealError "seal/no-key" or "seal/key-damaged" */
  static forMeter(dataDirectory: string, meter: string): Opener {
    const { key, number } = readMeterKey(dataDirectory, meter);
    return new Opener(meter, number, key);
  }

  private constructor(meter: string, meterNumber: number, key: KeyObject) {
    this.meter = meter;
    this.meterNumber = meterNumber;
    this.#key = key;
  }

  /**
   * @throws FrameError if the bytes do not follow the layout or are of another meter; SealError "seal/refused" if they were
   *   not sealed with this meter's key or were changed on the way, and nothing more can be said
   */
  open(frame: Uint8Array): OpenedFrame {
    const header = decodeHeader(frame);
    if (header.meterNumber !== this.meterNumber) {
      throw new FrameError(
        "frame/meter",
        `a sealed frame of meter number ${header.meterNumber}: meter ${this.meter} has number ${this.meterNumber}`,
      );
    }
    const clear = frame.subarray(0, HEADER_BYTES);
    const plaintext = decrypt(this.#key, nonceOf(clear), clear, frame.subarray(HEADER_BYTES));
    if (plaintext === undefined)
      throw new SealError("seal/refused", `a frame of meter ${this.meter} does not open`);
    return { report: decodeReport(plaintext, header.sequence), start: header.start };
  }
}
