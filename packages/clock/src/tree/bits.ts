/**
 * Bits in and out of bytes, most significant first, for values up to 53 bits.
 *
 * Reading past the end is the reader's to ask about (`left`), not an exception of this file's.
 */

/** Collects bits. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #free = 0; // Bits not yet used of the last byte.

  /** Appends the lowest `width` bits of `value`. */
  write(value: number, width: number): void {
    for (let bit = width - 1; bit >= 0; bit--) {
      if (this.#free === 0) {
        this.#bytes.push(0);
        this.#free = 8;
      }
      this.#free -= 1;
      // Not by shifting: values may have more than 32 bits.
      if (Math.floor(value / 2 ** bit) % 2 === 1) {
        this.#bytes[this.#bytes.length - 1] = (this.#bytes.at(-1) as number) | (1 << this.#free);
      }
    }
  }

  /** What was written, padded with zero bits. */
  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Hands bits out. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits not read yet. */
  get left(): number {
    return this.#bytes.byteLength * 8 - this.#position;
  }

  /** The next `width` bits; zeros past the end. */
  read(width: number): number {
    let value = 0;
    for (let bit = 0; bit < width; bit++) {
      const byte = this.#bytes[this.#position >>> 3] ?? 0;
      value = value * 2 + ((byte >>> (7 - (this.#position & 7))) & 1);
      this.#position += 1;
    }
    return value;
  }
}
