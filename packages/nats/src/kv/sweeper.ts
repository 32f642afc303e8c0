/**
 * Removes messages that no longer say anything: old tombstones, entries past their retention.
 *
 * A tombstone stays for a while, so that every watcher is told of the deletion; then it goes, or
 * subjects would pile up for ever. Servers from 2.11 do this by themselves. Removing a message by
 * its sequence is a delete with a condition: a key that came back since has another.
 *
 * Best effort, bounded, and nobody waits for it: what is not swept is swept by a listing.
 */
import type { Ms, Runtime, Timer } from "@quorate/core";
import { Budget } from "../budget.ts";
import type { Messages } from "../messages.ts";

interface Task {
  readonly seq: number;
  readonly dueMs: Ms;
  readonly onGone: () => void;
}

const MOST = 100_000;
const AT_ONCE = 32;
const TIMEOUT_MS = 5_000;

/** Sweeps one namespace. */
export class Sweeper {
  readonly #messages: Messages;
  readonly #runtime: Runtime;
  readonly #tasks = new Map<number, Task>();
  #timer: Timer | undefined;
  #sweeping = false;
  #closed = false;

  constructor(messages: Messages, runtime: Runtime) {
    this.#messages = messages;
    this.#runtime = runtime;
  }

  /** Messages that wait to be removed. */
  get size(): number {
    return this.#tasks.size;
  }

  /** Removes the message `seq` in `delayMs`; `onGone` is called when it is no longer there. */
  plan(seq: number, delayMs: Ms, onGone: () => void): void {
    if (this.#closed || this.#tasks.size >= MOST || this.#tasks.has(seq)) return;
    const dueMs = this.#runtime.time.monotonicMs() + delayMs;
    this.#tasks.set(seq, { seq, dueMs, onGone });
    this.#arm();
  }

  /** The message was replaced: there is nothing to remove any more. */
  forget(seq: number): void {
    this.#tasks.delete(seq);
  }

  /** Forgets what was planned. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#tasks.clear();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#sweeping || this.#closed) return;
    let dueMs = Infinity;
    for (const task of this.#tasks.values()) dueMs = Math.min(dueMs, task.dueMs);
    if (dueMs === Infinity) return;
    const delayMs = Math.max(0, dueMs - this.#runtime.time.monotonicMs());
    const fire = (): void => {
      this.#timer = undefined;
      this.#sweep().catch(() => {});
    };
    this.#timer = this.#runtime.time.setTimer(delayMs, fire, { keepAlive: false });
  }

  async #sweep(): Promise<void> {
    this.#sweeping = true;
    const nowMs = this.#runtime.time.monotonicMs();
    const due = [...this.#tasks.values()].filter((task) => task.dueMs <= nowMs);
    for (let start = 0; start < due.length && !this.#closed; start += AT_ONCE) {
      await Promise.all(due.slice(start, start + AT_ONCE).map((task) => this.#remove(task)));
    }
    this.#sweeping = false;
    this.#arm();
  }

  async #remove(task: Task): Promise<void> {
    this.#tasks.delete(task.seq);
    const budget = new Budget(this.#runtime, { timeoutMs: TIMEOUT_MS, signal: undefined });
    // Not there any more, or the server is away: either way there is nothing to be done now.
    await this.#messages.remove(task.seq, budget).catch(() => {});
    task.onGone();
  }
}
