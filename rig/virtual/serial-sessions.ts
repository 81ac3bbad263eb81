/**
 * The far end of the virtual serial ports, beside the bench: which opening each board's bytes belong to.
 * BenchPorts' calls -> VirtualBench; after a step of bench time, what each open board sent and took.
 */
import type { VirtualBench } from "./bench.js";
import type { SerialLines } from "./bench-ports.js";

/** What one open board did since the last `collect`. */
export interface LineProgress {
  readonly meter: string;
  readonly session: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Host bytes that have left the queue since the opening. */
  readonly takenBytes: number;
}

interface Session {
  readonly session: number;
  writtenBytes: number;
  reportedBytes: number;
}

export class SerialSessions implements SerialLines {
  readonly #bench: VirtualBench;
  readonly #open = new Map<string, Session>();

  constructor(bench: VirtualBench) {
    this.#bench = bench;
  }

  open(meter: string, session: number): void {
    this.#bench.resetBoard(meter);
    this.#bench.takeSent(meter);
    this.#open.set(meter, { session, writtenBytes: 0, reportedBytes: 0 });
  }

  write(meter: string, session: number, bytes: Uint8Array): void {
    const open = this.#open.get(meter);
    if (open?.session !== session) return;
    open.writtenBytes += bytes.length;
    this.#bench.send(meter, bytes);
  }

  close(meter: string, session: number): void {
    if (this.#open.get(meter)?.session === session) this.#open.delete(meter);
  }

  /** What is new on the open boards' lines; bytes of a board that nobody has open are thrown away, as by USB. */
  collect(): LineProgress[] {
    const progress: LineProgress[] = [];
    for (const meter of this.#bench.meterIds) {
      const bytes = this.#bench.takeSent(meter);
      const open = this.#open.get(meter);
      if (open === undefined) continue;
      const takenBytes = open.writtenBytes - this.#bench.queuedBytes(meter);
      if (bytes.length === 0 && takenBytes === open.reportedBytes) continue;
      open.reportedBytes = takenBytes;
      progress.push({ meter, session: open.session, bytes, takenBytes });
    }
    return progress;
  }
}
