/**
 * The transparent mode's ear: bytes of the host -> payload, and `+++` with silence around it -> the way out.
 * Source: AN_SIM900_TCPIP V1.02, transparent mode: 1000 ms of silence before, at most 500 ms between pluses, 500 ms after.
 */
import type { PowerScope } from "./power-scope.js";

const PLUS = 0x2b;
const SILENCE_BEFORE_MS = 1000;
const MAX_GAP_MS = 500;
const SILENCE_AFTER_MS = 500;
/** Payload is handed on when the line has been still for so long, or at a segment's length. */
const GATHER_MS = 50;
const GATHER_BYTES = 1024;

export interface TransparentOptions {
  readonly scope: PowerScope;
  readonly onPayload: (bytes: Uint8Array) => void;
  readonly onEscape: () => void;
}

export class TransparentEar {
  readonly #options: TransparentOptions;
  #gathered: number[] = [];
  #pluses = 0;
  #lastByteMs: number;
  #cancelGather: (() => void) | null = null;
  #cancelEscape: (() => void) | null = null;

  constructor(options: TransparentOptions) {
    this.#options = options;
    this.#lastByteMs = options.scope.clock.steadyMs();
  }

  accept(byte: number): void {
    const nowMs = this.#options.scope.clock.steadyMs();
    const silenceMs = nowMs - this.#lastByteMs;
    this.#lastByteMs = nowMs;
    this.#cancelEscape?.();
    const continues = this.#pluses > 0 && this.#pluses < 3 && silenceMs <= MAX_GAP_MS;
    const begins = this.#pluses === 0 && silenceMs >= SILENCE_BEFORE_MS;
    if (byte === PLUS && (begins || continues)) {
      this.#pluses++;
      this.#cancelEscape = this.#options.scope.after(SILENCE_AFTER_MS, () => this.#silence());
      return;
    }
    this.#giveBackPluses();
    this.#gather(byte);
  }

  /** Hands on what was gathered, and hears no more. */
  stop(): void {
    this.#cancelEscape?.();
    this.#flush();
  }

  #silence(): void {
    if (this.#pluses === 3) this.#options.onEscape();
    else this.#giveBackPluses();
  }

  /** They were payload after all. */
  #giveBackPluses(): void {
    const pluses = this.#pluses;
    this.#pluses = 0;
    for (let count = 0; count < pluses; count++) this.#gather(PLUS);
  }

  #gather(byte: number): void {
    this.#gathered.push(byte);
    this.#cancelGather?.();
    this.#cancelGather = null;
    if (this.#gathered.length >= GATHER_BYTES) this.#flush();
    else this.#cancelGather = this.#options.scope.after(GATHER_MS, () => this.#flush());
  }

  #flush(): void {
    this.#cancelGather?.();
    this.#cancelGather = null;
    if (this.#gathered.length === 0) return;
    const bytes = Uint8Array.from(this.#gathered);
    this.#gathered = [];
    this.#options.onPayload(bytes);
  }
}
