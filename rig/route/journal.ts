/**
 * Store and forward: every sealed frame of one meter is on disk here before it is sent and until the broker has acknowledged
 * it. `<data>/journal/<meter>.jsonl`, append-only, mode 600. Also the source of the meter's sequences.
 */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { keepAside, makePrivateDirectory, writeDurably } from "../core/durable-file.js";
import { JournalFile, readJournalFile } from "./journal-file.js";
import {
  formatGone,
  formatHeader,
  formatPut,
  formatSending,
  type JournalContents,
  parseJournal,
} from "./journal-lines.js";

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
  readonly meter: string;
  readonly #file: JournalFile;
  #next: number;
  readonly #waiting: Map<number, Uint8Array>;
  /** Noted as being sent before older ones. */
  #sending: number | undefined;
  #compactAtBytes = COMPACT_AFTER_BYTES;

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

    const contents = parseJournal(readJournalFile(file), meter);
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
    this.meter = meter;
    this.#next = next;
    this.#waiting = waiting;
    this.#sending = sending;
    this.#file = new JournalFile(file, tornBytes);
  }

  get file(): string {
    return this.#file.path;
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
    this.#file.makeSound();
    const sequence = this.#next;
    const frame = frameFor(sequence);
    this.#file.append(formatPut(sequence, frame));
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
    this.#file.makeSound();
    this.#file.append(formatSending(sequence), "unflushed");
    this.#sending = sequence;
  }

  /**
   * The frame was acknowledged. Not flushed: after a power cut it may be sent again, and the centre takes it once.
   * @throws StorageError "storage/unwritable": it is not sent again in this run, but will be after the next start
   */
  gone(sequence: number): void {
    if (!this.#waiting.delete(sequence)) return;
    this.#file.makeSound();
    this.#file.append(formatGone(sequence), "unflushed");
    if (this.#file.length >= this.#compactAtBytes) this.#compact();
  }

  close(): void {
    this.#file.close();
  }

  #compact(): void {
    const text = formatAll(this.meter, this.#next, { waiting: this.#waiting, sending: this.#sending });
    this.#compactAtBytes = this.#file.length + COMPACT_AFTER_BYTES;
    if (text.length > this.#file.length / 2) return;
    this.#file.replace(text);
    this.#compactAtBytes = text.length + COMPACT_AFTER_BYTES;
  }
}

type Waiting = Pick<JournalContents, "waiting"> & Partial<Pick<JournalContents, "sending">>;

/** A whole journal, with nothing in it that is of no use any more. */
function formatAll(meter: string, next: number, { waiting, sending }: Waiting): string {
  const puts = [...waiting].map(([sequence, frame]) => formatPut(sequence, frame));
  const note = sending !== undefined && waiting.has(sending) ? formatSending(sending) : "";
  return formatHeader(meter, next) + puts.join("") + note;
}
