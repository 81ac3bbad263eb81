/** Bytes in order, taken from the front in pieces of any length. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** @returns the oldest bytes, as many as there are up to `maxBytes` */
  take(maxBytes: number): Uint8Array {
    const taken = new Uint8Array(Math.min(maxBytes, this.#length));
    let at = 0;
    while (at < taken.length) {
      const chunk = this.#chunks[0]!;
      const part = chunk.subarray(0, taken.length - at);
      taken.set(part, at);
      at += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#length -= taken.length;
    return taken;
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}
