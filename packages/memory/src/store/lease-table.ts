/**
 * The lease machines of one namespace: one line per name, and which of them falls due next.
 *
 * A name that nobody holds or waits for needs to remember one thing, its last token, and that only
 * until the store's clock has passed it: from then on time alone makes the next token greater. So
 * free names fade, and names made up from user input cannot fill the memory.
 *
 * Sans-I/O. Guarantees: memory is bounded by the names held or waited for, and those freed within
 * the last moments.
 */
import { DueQueue } from "./due-queue.ts";
import type { Journal } from "./journal.ts";
import {
  FREE_LINE,
  type LeaseAnswer,
  type LeaseEffect,
  type LeaseInput,
  type LeaseLine,
  nextDueMs,
  stepLease,
} from "./lease-line.ts";
import type { Now } from "./now.ts";

/** An effect, and the name that it is about. */
export type NamedEffect = LeaseEffect & { readonly name: string };

/** What a step came to. */
export interface TableStep {
  readonly answer: LeaseAnswer;
  readonly effects: readonly NamedEffect[];
}

/** Free names looked at per step: twice what one step can free, so that fading keeps up. */
const FADED_PER_STEP = 2;

/** The lease names of one namespace. */
export class LeaseTable {
  readonly #lines = new Map<string, LeaseLine>();
  /** Free, and not yet forgotten. */
  readonly #fading = new Set<string>();
  readonly #due = new DueQueue((name) => nextDueMs(this.line(name)));
  readonly #journal: Journal | undefined;

  /** With a journal, every change can be taken back. */
  constructor(journal?: Journal) {
    this.#journal = journal;
  }

  /** Names remembered, the fading ones too. */
  get size(): number {
    return this.#lines.size;
  }

  /** A name's state as it was after its last step. Callers tick first. */
  line(name: string): LeaseLine {
    return this.#lines.get(name) ?? FREE_LINE;
  }

  /** Names held or waited for, in no order. */
  *names(): IterableIterator<string> {
    for (const name of this.#lines.keys()) if (!this.#fading.has(name)) yield name;
  }

  /** When the next name changes by itself. */
  nextDueMs(): number | undefined {
    return this.#due.nextMs();
  }

  /** One input for one name. */
  step(name: string, input: LeaseInput, now: Now): TableStep {
    const { line, answer, effects } = stepLease(this.line(name), input, now);
    this.#keep(name, line, now);
    this.#fade(now);
    return { answer, effects: effects.map((effect) => ({ ...effect, name })) };
  }

  /** Lets everything that fell due happen. */
  tick(now: Now): NamedEffect[] {
    const effects: NamedEffect[] = [];
    for (let name = this.#due.due(now.ms); name !== undefined; name = this.#due.due(now.ms)) {
      effects.push(...this.step(name, { kind: "tick" }, now).effects);
    }
    return effects;
  }

  /** A process is gone: its waiters leave every line. */
  processGone(process: string, now: Now): NamedEffect[] {
    const effects: NamedEffect[] = [];
    for (const [name, line] of this.#lines) {
      if (!line.waiters.some((waiter) => waiter.process === process)) continue;
      effects.push(...this.step(name, { kind: "gone", process }, now).effects);
    }
    return effects;
  }

  /** Forgets everything, the last tokens too: time alone carries on. What was held is told. */
  clear(): NamedEffect[] {
    const effects: NamedEffect[] = [];
    for (const [name, { holders }] of this.#lines) {
      for (const { owner, token } of holders) {
        effects.push({ kind: "ended", name, owner, token, reason: "unknown" });
      }
    }
    this.#lines.clear();
    this.#fading.clear();
    this.#due.clear();
    return effects;
  }

  #keep(name: string, line: LeaseLine, now: Now): void {
    if (this.#journal !== undefined) {
      const before = this.line(name);
      this.#journal.note(() => this.#put(name, before, false));
    }
    this.#put(name, line, line.lastToken < now.micros);
  }

  /** A free line may be forgotten at once when its last token `isPast`. */
  #put(name: string, line: LeaseLine, isPast: boolean): void {
    const beforeMs = nextDueMs(this.line(name));
    const free = line.holders.length === 0 && line.waiters.length === 0;
    if (free && isPast) this.#lines.delete(name);
    else this.#lines.set(name, line);
    if (free && !isPast) this.#fading.add(name);
    else this.#fading.delete(name);
    this.#due.moved(name, beforeMs, nextDueMs(line));
  }

  #fade(now: Now): void {
    let looked = 0;
    for (const name of this.#fading) {
      if (looked === FADED_PER_STEP || this.line(name).lastToken >= now.micros) return;
      this.#fading.delete(name);
      this.#lines.delete(name);
      looked += 1;
    }
  }
}
