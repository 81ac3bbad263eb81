/**
 * Watches the MQTT packets of one connection for their size, since aedes collects a packet of up to 256 MB before it looks at
 * it. Reads only the fixed headers: type byte, then the remaining length in 1 to 4 bytes of 7 bits (MQTT 3.1.1, 2.2.3).
 */
export class PacketSize {
  readonly #maxBytes: number;
  #state: "type" | "length" | "rest" = "type";
  #lengthBytes = 0;
  #remainingBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns false as soon as a packet is announced that is larger, fixed header not counted, or a length is malformed */
  accept(chunk: Uint8Array): boolean {
    for (let index = 0; index < chunk.length; ) {
      if (this.#state === "rest") {
        const taken = Math.min(this.#remainingBytes, chunk.length - index);
        index += taken;
        this.#remainingBytes -= taken;
        if (this.#remainingBytes === 0) this.#state = "type";
        continue;
      }
      const byte = chunk[index]!;
      index += 1;
      if (this.#state === "type") {
        this.#state = "length";
        this.#lengthBytes = 0;
        this.#remainingBytes = 0;
        continue;
      }
      this.#remainingBytes += (byte & 0x7f) * 128 ** this.#lengthBytes;
      this.#lengthBytes += 1;
      const more = (byte & 0x80) !== 0;
      if (this.#remainingBytes > this.#maxBytes || (more && this.#lengthBytes === 4)) return false;
      if (!more) this.#state = this.#remainingBytes === 0 ? "type" : "rest";
    }
    return true;
  }
}
