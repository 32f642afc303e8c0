/**
 * Bytes on the wire: numbers of variable length, strings and byte strings with theirs.
 *
 * The writer trusts its caller. The reader trusts nobody: past the end, an overlong number, broken
 * UTF-8 or a length over its bound make it *failed*, every read after that answers with nothing of
 * value, and `isWhole` is false. So a decoder reads straight on and asks once, at the end.
 *
 * Numbers are LEB128, at most 8 bytes, safe integers only.
 */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Grows as it is written to. */
export class ByteWriter {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** One byte. */
  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** A safe integer >= 0. */
  number(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.byte(rest);
  }

  /** Bytes, preceded by their length. */
  bytes(value: Uint8Array): this {
    this.number(value.byteLength);
    return this.rest(value);
  }

  /** Bytes to the end of the message. */
  rest(value: Uint8Array): this {
    this.#reserve(value.byteLength);
    this.#bytes.set(value, this.#length);
    this.#length += value.byteLength;
    return this;
  }

  /** UTF-8, preceded by its length in bytes. */
  string(value: string): this {
    return this.bytes(encoder.encode(value));
  }

  /** How many, then each by `write`. */
  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.number(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** What was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads what somebody else wrote. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** True when nothing failed and nothing is left. */
  get isWhole(): boolean {
    return !this.#failed && this.#at === this.#bytes.byteLength;
  }

  /** One byte. */
  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) return this.#fail(0);
    this.#at += 1;
    return value;
  }

  /** A safe integer >= 0, in its shortest form. */
  number(): number {
    let value = 0;
    let scale = 1;
    for (let length = 1; length <= 8; length++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        const overlong = byte === 0 && length > 1;
        return overlong || !Number.isSafeInteger(value) ? this.#fail(0) : value;
      }
      scale *= 0x80;
    }
    return this.#fail(0);
  }

  /** Bytes, at most `max`. A view, not a copy. */
  bytes(max: number): Uint8Array {
    const length = this.number();
    if (length > max || this.#at + length > this.#bytes.byteLength) {
      return this.#fail(new Uint8Array());
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Everything that is left, at most `max` bytes. */
  rest(max: number): Uint8Array {
    const left = this.#bytes.subarray(this.#at);
    if (left.byteLength > max) return this.#fail(new Uint8Array());
    this.#at = this.#bytes.byteLength;
    return left;
  }

  /** A string of at most `maxBytes` bytes of UTF-8. */
  string(maxBytes: number): string {
    try {
      return decoder.decode(this.bytes(maxBytes));
    } catch {
      return this.#fail(""); // Not UTF-8; that is no news.
    }
  }

  /** At most `max` items, each by `read`. */
  list<T>(max: number, read: () => T): T[] {
    const length = this.number();
    // No item is shorter than a byte: what claims to be longer must not cost memory first.
    if (length > max || length > this.#bytes.byteLength - this.#at) return this.#fail([]);
    const items: T[] = [];
    for (let index = 0; index < length && !this.#failed; index++) items.push(read());
    return items;
  }

  /** Refuses what a decoder finds wrong. */
  #fail<T>(instead: T): T {
    this.#failed = true;
    return instead;
  }
}
