/**
 * What crosses between the host's thread (bench-host.ts) and the bench's (worker.ts), and nothing else does.
 */
import type { Config } from "../core/config.js";
import type { LcdEvent } from "../core/events.js";
import type { BenchSnapshot } from "./bench.js";
import type { BenchCommand } from "./bench-command.js";
import type { LineProgress } from "./serial-sessions.js";

/** The worker's `workerData`. */
export interface BenchWorkerData {
  readonly config: Config;
  /** Flash of all boards. */
  readonly program: Uint16Array;
}

/** How the bench keeps up with real time. */
export interface Pace {
  readonly behindMs: number;
  /** Bench time given up since the start. */
  readonly skippedMs: number;
}

export type ToBench =
  | { readonly type: "open"; readonly meter: string; readonly session: number }
  | { readonly type: "write"; readonly meter: string; readonly session: number; readonly bytes: Uint8Array }
  | { readonly type: "close"; readonly meter: string; readonly session: number }
  | { readonly type: "command"; readonly command: BenchCommand }
  | { readonly type: "snapshot"; readonly id: number };

export type FromBench =
  | { readonly type: "started" }
  /** All that the boards sent in a slice, in one message. */
  | { readonly type: "slice"; readonly lines: readonly LineProgress[] }
  | { readonly type: "lcd"; readonly events: readonly LcdEvent[] }
  | ({ readonly type: "pace" } & Pace)
  /** The board's pin that is the modem's power key has changed. */
  | { readonly type: "power-key"; readonly pressed: boolean }
  | { readonly type: "snapshot"; readonly id: number; readonly snapshot: BenchSnapshot & Pace };
