/**
 * Says on stderr how far a long run is: on a terminal in place, else a line every ten seconds.
 */
import { systemRuntime } from "@quorate/core";
import type { Progress } from "@quorate/simulator";

const TERMINAL_EVERY_MS = 200;
const LOG_EVERY_MS = 10_000;

/** Counts seeds over several simulations. */
export class Counter {
  readonly #total: number;
  readonly #startedMs = now();
  #before = 0;
  #saidMs = now();

  constructor(total: number) {
    this.#total = total;
  }

  /** For `onProgress` of one simulation. */
  heard({ done }: Progress): void {
    const everyMs = process.stderr.isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS;
    if (now() - this.#saidMs < everyMs) return;
    this.#saidMs = now();
    const count = this.#before + done;
    const leftMs = ((now() - this.#startedMs) / count) * (this.#total - count);
    this.#say(`${count} of ${this.#total} seeds, ${Math.ceil(leftMs / 1_000)} s to go`);
  }

  /** One simulation of `seeds` is over. */
  add(seeds: number): void {
    this.#before += seeds;
  }

  /** Clears the line. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }

  #say(text: string): void {
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  }
}

function now(): number {
  return systemRuntime.time.monotonicMs();
}
