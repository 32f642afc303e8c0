/**
 * A run's fingerprint: 64 bits that change with every event's time, owner and place.
 *
 * Two runs of one seed that end with the same hash took the same way. It is kept for every run,
 * so it costs a few integer operations an event and never a string that is not there already.
 */
import { hashText, mix } from "./seed.ts";

/** A rolling hash. */
export class TraceHash {
  #left = 0x243f6a88;
  #right = 0x85a308d3;

  /** Takes in an event. */
  event(atUs: number, owner: number, tie: number): void {
    this.number(atUs % 4_294_967_296);
    this.number(owner ^ tie);
  }

  /** Takes in 32 bits of a number. */
  number(value: number): void {
    this.#left = Math.imul(this.#left ^ value, 0x9e3779b1);
    this.#left ^= this.#left >>> 15;
    this.#right = Math.imul((this.#right + value) | 0, 0x85ebca77) ^ this.#left;
    this.#right ^= this.#right >>> 13;
  }

  /** Takes in a text. */
  text(value: string): void {
    this.number(hashText(value));
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    const hex = (half: number): string => mix(half).toString(16).padStart(8, "0");
    return hex(this.#left) + hex(this.#right);
  }
}
