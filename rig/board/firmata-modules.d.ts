/**
 * The parts of johnny-five 2.1 and firmata-io 2.3 that the rig uses: neither has types that fit (@types/johnny-five lacks
 * `sigint` and `Board.cache`, @types/firmata describes 0.19).
 */
declare module "firmata-io" {
  import type { EventEmitter } from "node:events";

  export interface FirmataPin {
    supportedModes: number[];
    mode: number | undefined;
    value: number;
    report: number;
    analogChannel: number;
  }

  /** A protocol engine over an EventEmitter with `open`, `data`, `close`, `error` and `write(bytes, done)`. */
  export class Firmata extends EventEmitter {
    constructor(transport: EventEmitter, options?: { reportVersionTimeout?: number });
    readonly isReady: boolean;
    readonly MODES: Readonly<Record<"INPUT" | "OUTPUT" | "ANALOG" | "PULLUP", number>>;
    /** One entry a pin, from the capability reply. */
    readonly pins: FirmataPin[];
    /** Firmata pin of each analog channel: [14, 15, ...] on an UNO. */
    readonly analogPins: number[];
    /** Protocol version, from REPORT_VERSION. */
    readonly version: { major?: number; minor?: number };
    /** Name of the sketch file and its version. */
    readonly firmware: { name?: string; version?: { major: number; minor: number } };
    readonly reportVersionTimeoutId: NodeJS.Timeout;
    pinMode(pin: number, mode: number): void;
  }
  const firmata: { Firmata: typeof Firmata };
  // biome-ignore lint/style/noDefaultExport: firmata-io is CommonJS and Node sees no named exports in it
  export default firmata;
}

declare module "johnny-five" {
  import type { EventEmitter } from "node:events";
  import type { Firmata } from "firmata-io";

  class Board extends EventEmitter {
    constructor(options: { io: Firmata; repl: false; debug: false; sigint: false });
    /** Every board made so far; components without a `board` option take the first. */
    static readonly cache: Board[];
    static readonly Pins: { normalize: { clear(): void } };
    readonly io: Firmata;
    readonly isReady: boolean;
    readonly timer: NodeJS.Timeout | null;
  }
  const five: { Board: typeof Board };
  // biome-ignore lint/style/noDefaultExport: johnny-five is CommonJS, its exports are the default import
  export default five;
}
