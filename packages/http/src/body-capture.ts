/**
 * What is remembered of a body while it flows past: all of it, or nothing.
 *
 * Bounded: at the first byte over `maxBytes` everything is dropped and the rest only counted.
 */
import { NO_BYTES } from "./answer.ts";

/** A bounded copy of a stream's bytes. */
export class BodyCapture {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  /** Whether there were more bytes than may be remembered. */
  get overflowed(): boolean {
    return this.#size > this.#maxBytes;
  }

  /** Remembers `chunk` itself: it must not change until `bytes` was called. */
  push(chunk: Uint8Array): void {
    this.#size += chunk.byteLength;
    if (this.overflowed) this.#chunks = [];
    else if (chunk.byteLength > 0) this.#chunks.push(chunk);
  }

  /** As `push`, for a chunk that somebody else may write to when it has been sent. */
  pushCopy(chunk: Uint8Array): void {
    this.push(this.#size + chunk.byteLength > this.#maxBytes ? chunk : chunk.slice());
  }

  /** All bytes; `undefined`: there were too many. One chunk is not copied. */
  bytes(): Uint8Array | undefined {
    if (this.overflowed) return undefined;
    if (this.#chunks.length <= 1) return this.#chunks[0] ?? NO_BYTES;
    return Buffer.concat(this.#chunks, this.#size);
  }
}
