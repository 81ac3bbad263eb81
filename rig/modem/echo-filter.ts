/**
 * Takes the modem's echo of a text, and of single bytes, out of what it says; byte by byte, since an echo has no line ends of
 * its own. What the modem says in between comes through: an echo goes on only where no line of the modem has begun.
 * Source: SIM900 AT Command Manual V1.03, ATE: with echo on, what follows a prompt is echoed, too.
 */
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const LAST_PRINTABLE = 0x7e;

export class EchoFilter {
  #awaited: number[] = [];
  #inLine = false;

  /**
   * @param bytes what was written
   * @param certain whether the modem is known to echo. Otherwise only what it never says by itself is taken for an echo
   */
  expect(bytes: Uint8Array, certain: boolean): void {
    this.#awaited.push(...(certain ? bytes : bytes.filter((byte) => !isSaid(byte))));
  }

  /** What has not come by now is not awaited any more. */
  clear(): void {
    this.#awaited = [];
  }

  /** @returns whether the byte is an echo */
  takes(byte: number): boolean {
    if (!this.#inLine && byte === this.#awaited[0]) {
      this.#awaited.shift();
      return true;
    }
    // The space belongs to the prompt before it.
    if (byte !== SPACE) this.#inLine = byte !== CR && byte !== LF;
    return false;
  }

  /** A line or a prompt has ended without CR or LF. */
  endLine(): void {
    this.#inLine = false;
  }
}

/** Whether a modem says the byte by itself: printable, CR, LF. */
function isSaid(byte: number): boolean {
  return byte === CR || byte === LF || (byte >= SPACE && byte <= LAST_PRINTABLE);
}
