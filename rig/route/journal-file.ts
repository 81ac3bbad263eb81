/**
 * A file that only grows, line by line, on a disk that may be full: what a failed write left is cut off, and writing is tried
 * out, before the next line counts.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import path from "node:path";
import { flushDirectory, writeDurably } from "../core/durable-file.js";
import { StorageError } from "../core/errors.js";

/** Of #descriptor while the file could not be opened again. */
const NOT_OPEN = -1;

export class JournalFile {
  readonly path: string;
  #descriptor: number;
  #length: number;
  /** A write failed, or was cut off before the start: what is behind #length must go, and writing be tried out. */
  #suspect: boolean;

  /**
   * Opens a file that is there.
   * @param tornBytes at its end, which are no whole line
   * @throws StorageError "storage/unwritable"
   */
  constructor(file: string, tornBytes: number) {
    this.path = file;
    this.#descriptor = openForWriting(file);
    this.#length = fstatSync(this.#descriptor).size - tornBytes;
    this.#suspect = tornBytes > 0;
  }

  /** Of whole lines; the next one is written behind them [bytes]. */
  get length(): number {
    return this.#length;
  }

  /**
   * Makes the file fit for writing again after a write that failed.
   * @throws StorageError "storage/unwritable": it still is not
   */
  makeSound(): void {
    if (this.#suspect) this.#recover();
  }

  /**
   * Writes a line, and has it on the disk when it returns if it is to be flushed.
   * @param line with its line end
   * @throws StorageError "storage/unwritable": it does not count
   */
  append(line: string, flush: "flushed" | "unflushed" = "flushed"): void {
    const bytes = Buffer.from(line);
    try {
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(
          this.#descriptor,
          bytes,
          written,
          bytes.length - written,
          this.#length + written,
        );
      }
      if (flush === "flushed") fsyncSync(this.#descriptor);
    } catch (cause) {
      this.#suspect = true;
      throw unwritable(this.path, cause);
    }
    this.#length += bytes.length;
  }

  /**
   * Puts another file in its place.
   * @param text whole lines
   * @throws StorageError: then either the old one or the new one is there, whole
   */
  replace(text: string): void {
    const descriptor = this.#descriptor;
    this.#suspect = true; // until the new file is known to be there and open
    this.#descriptor = NOT_OPEN;
    try {
      closeSync(descriptor); // Windows renames over no open file
      writeDurably(this.path, text);
    } finally {
      this.#reopen();
    }
    this.#suspect = false;
  }

  close(): void {
    if (this.#descriptor !== NOT_OPEN) closeSync(this.#descriptor);
  }

  /**
   * Cuts off what a failed write left and proves with a record's worth of spaces that writing works again, so that a disk that
   * stays full does not have a report sealed at every try. After a rewrite that failed it also opens the file again and puts its
   * name on the disk.
   */
  #recover(): void {
    if (this.#descriptor === NOT_OPEN) this.#reopen();
    try {
      ftruncateSync(this.#descriptor, this.#length);
      writeSync(this.#descriptor, Buffer.alloc(512, " "), 0, 512, this.#length);
      fsyncSync(this.#descriptor);
      ftruncateSync(this.#descriptor, this.#length);
      flushDirectory(path.dirname(this.path));
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
    this.#suspect = false;
  }

  /** Takes the file as it is now, the old one or the new one: both end with a whole line. */
  #reopen(): void {
    this.#descriptor = openForWriting(this.path);
    this.#length = fstatSync(this.#descriptor).size;
  }
}

/** @throws StorageError "storage/unreadable" */
export function readJournalFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new StorageError(
      "storage/unreadable",
      `cannot read the journal ${file}: ${(cause as Error).message}`,
      {
        cause,
        hint: "check the owner and the mode of the file",
      },
    );
  }
}

function openForWriting(file: string): number {
  try {
    return openSync(file, "r+");
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

function unwritable(file: string, cause: unknown): StorageError {
  return new StorageError(
    "storage/unwritable",
    `cannot write the journal ${file}: ${(cause as Error).message}`,
    {
      cause,
      hint: "check that the disk is not full and the directory is writable; nothing that was in it is lost",
    },
  );
}
