/**
 * Store and forward: every sealed frame of one meter is on disk here before it is sent and until the broker has acknowledged
 * it. `<data>/journal/<meter>.jsonl`, append-only, mode 600. Also the source of the meter's sequences.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { flushDirectory, keepAside, makePrivateDirectory, writeDurably } from "../core/durable-file.js";
import { StorageError } from "../core/errors.js";
import {
  formatGone,
  formatHeader,
  formatPut,
  formatSending,
  type JournalContents,
  parseJournal,
} from "./journal-lines.js";

/** Of #descriptor while the file could not be opened again. */
const NOT_OPEN = -1;

/** The file is written anew when it has grown by this much and less than half of it still waits. */
const COMPACT_AFTER_BYTES = 256 * 1024;

export interface JournalOptions {
  /** The lowest sequence that may be given out next, from what else is known (the registers, the centre's store). */
  readonly atLeastSequence?: number;
}

export interface WaitingFrame {
  readonly sequence: number;
  readonly frame: Uint8Array;
}

export class Journal {
  readonly file: string;
  readonly meter: string;
  #descriptor: number;
  /** Bytes of the file that are whole lines; the next line is written there. */
  #length = 0;
  #next: number;
  readonly #waiting: Map<number, Uint8Array>;
  /** Noted as being sent before older ones. */
  #sending: number | undefined;
  #compactAtBytes = COMPACT_AFTER_BYTES;
  /** A write failed, or was cut off before the start: what is behind #length must go, and writing be tried out, before a sequence is given out again. */
  #suspect = false;

  /** Meters that have a journal in this data directory, whether they are configured or not. */
  static metersIn(dataDirectory: string): string[] {
    const directory = path.join(dataDirectory, "journal");
    makePrivateDirectory(directory);
    return readdirSync(directory)
      .filter((name) => name.endsWith(".jsonl"))
      .map((name) => path.basename(name, ".jsonl"));
  }

  /**
   * Opens the meter's journal, makes it if there is none, and takes back what waits in it. A record that a kill tore apart was
   * never sent and is dropped. A damaged file is kept aside, its intact records are saved into a new one, and sequences go
   * on behind every one that may have been in it.
   * @returns notices: what the person at the bench should know, one sentence each
   * @throws StorageError "storage/unreadable" or "storage/unwritable"
   */
  static open(
    dataDirectory: string,
    meter: string,
    { atLeastSequence = 1 }: JournalOptions = {},
  ): { journal: Journal; notices: string[] } {
    const directory = path.join(dataDirectory, "journal");
    makePrivateDirectory(directory);
    const file = path.join(directory, `${meter}.jsonl`);
    const notices: string[] = [];
    if (!existsSync(file)) {
      if (atLeastSequence > 1) {
        notices.push(
          `${file} is missing: reports that waited in it are lost, and sequences go on at ${atLeastSequence}`,
        );
      }
      writeDurably(file, formatHeader(meter, atLeastSequence));
      return { journal: new Journal(file, meter, atLeastSequence, { waiting: new Map() }), notices };
    }

    const contents = parseJournal(read(file), meter);
    const next = Math.max(contents.next, atLeastSequence);
    const saved = formatAll(meter, next, contents);
    if (contents.headerIntact && contents.damagedLines === 0) {
      if (contents.openEnded) writeDurably(file, saved);
      if (contents.tornBytes > 0) {
        notices.push(
          `${file}: the last record was cut off while it was written (${contents.tornBytes} bytes) and is dropped; it was never sent`,
        );
      }
      return { journal: new Journal(file, meter, next, contents, contents.tornBytes), notices };
    }
    const aside = keepAside(file);
    writeDurably(file, saved);
    notices.push(
      `${file} is damaged; it is kept as ${aside}. ${contents.waiting.size} waiting reports were saved from it; others may be lost or be sent twice (the centre takes each once). Sequences go on at ${next}`,
    );
    return { journal: new Journal(file, meter, next, contents), notices };
  }

  private constructor(
    file: string,
    meter: string,
    next: number,
    { waiting, sending }: Waiting,
    tornBytes = 0,
  ) {
    this.file = file;
    this.meter = meter;
    this.#next = next;
    this.#waiting = waiting;
    this.#sending = sending;
    this.#descriptor = openForWriting(file);
    this.#length = fstatSync(this.#descriptor).size - tornBytes;
    this.#suspect = tornBytes > 0;
  }

  /** Frames that are not acknowledged. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** What `put` will give out. */
  get nextSequence(): number {
    return this.#next;
  }

  oldest(): WaitingFrame | undefined {
    for (const [sequence, frame] of this.#waiting) return { sequence, frame };
    return undefined;
  }

  /** The frame that may have been under way when the journal was last in use: the one to begin with. */
  interrupted(): WaitingFrame | undefined {
    return (this.#sending === undefined ? undefined : this.get(this.#sending)) ?? this.oldest();
  }

  /** @returns undefined if no such frame waits */
  get(sequence: number): WaitingFrame | undefined {
    const frame = this.#waiting.get(sequence);
    return frame === undefined ? undefined : { sequence, frame };
  }

  /**
   * Gives out the next sequence and keeps the frame made for it; on disk when it returns.
   * @param frameFor makes the sealed frame; what it throws is passed on
   * @throws StorageError "storage/unwritable" (disk full, say): no sequence was given out and nothing is kept
   */
  put(frameFor: (sequence: number) => Uint8Array): number {
    if (this.#suspect) this.#recover();
    const sequence = this.#next;
    const frame = frameFor(sequence);
    this.#append(formatPut(sequence, frame));
    this.#next = sequence + 1;
    this.#waiting.set(sequence, frame);
    return sequence;
  }

  /**
   * The frame is about to be sent before older ones, so that the next start begins with it unless it is gone. Not flushed: a
   * kill does not undo it.
   * @throws StorageError "storage/unwritable": then it must wait for its turn
   */
  noteSending(sequence: number): void {
    if (this.#suspect) this.#recover();
    this.#append(formatSending(sequence), "unflushed");
    this.#sending = sequence;
  }

  /**
   * The frame was acknowledged. Not flushed: after a power cut it may be sent again, and the centre takes it once.
   * @throws StorageError "storage/unwritable": it is not sent again in this run, but will be after the next start
   */
  gone(sequence: number): void {
    if (!this.#waiting.delete(sequence)) return;
    if (this.#suspect) this.#recover();
    this.#append(formatGone(sequence), "unflushed");
    if (this.#length >= this.#compactAtBytes) this.#compact();
  }

  close(): void {
    if (this.#descriptor !== NOT_OPEN) closeSync(this.#descriptor);
  }

  #append(line: string, flush: "flushed" | "unflushed" = "flushed"): void {
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
      throw unwritable(this.file, cause);
    }
    this.#length += bytes.length;
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
      flushDirectory(path.dirname(this.file));
    } catch (cause) {
      throw unwritable(this.file, cause);
    }
    this.#suspect = false;
  }

  /** Takes the file as it is now, the old one or the new one: both end with a whole line. */
  #reopen(): void {
    this.#descriptor = openForWriting(this.file);
    this.#length = fstatSync(this.#descriptor).size;
  }

  #compact(): void {
    const text = formatAll(this.meter, this.#next, { waiting: this.#waiting, sending: this.#sending });
    this.#compactAtBytes = this.#length + COMPACT_AFTER_BYTES;
    if (text.length > this.#length / 2) return;
    const descriptor = this.#descriptor;
    this.#suspect = true; // until the new file is known to be there and open
    this.#descriptor = NOT_OPEN;
    try {
      closeSync(descriptor); // Windows renames over no open file
      writeDurably(this.file, text);
      this.#compactAtBytes = text.length + COMPACT_AFTER_BYTES;
    } finally {
      this.#reopen();
    }
    this.#suspect = false;
  }
}

type Waiting = Pick<JournalContents, "waiting"> & Partial<Pick<JournalContents, "sending">>;

/** A whole journal, with nothing in it that is of no use any more. */
function formatAll(meter: string, next: number, { waiting, sending }: Waiting): string {
  const puts = [...waiting].map(([sequence, frame]) => formatPut(sequence, frame));
  const note = sending !== undefined && waiting.has(sending) ? formatSending(sending) : "";
  return formatHeader(meter, next) + puts.join("") + note;
}

function read(file: string): Buffer {
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
