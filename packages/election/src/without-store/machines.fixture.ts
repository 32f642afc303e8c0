/**
 * A world of machines: members in virtual time, with links that can be cut and members that crash,
 * come back, and stand still. No shell, no bus, no promise.
 */
import type { Ballot } from "./ballot.ts";
import type { Algorithm, Effect, Input, MachineSettings } from "./machine.ts";
import { Members } from "./members.ts";

/** A ballot on its way. */
export interface Letter {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly ballot: Ballot;
}

/** Durations of every world here. */
export const TIMING = { heartbeatMs: 100, suspectAfterMs: 400, answerMs: 50 };

interface Node<S> {
  readonly settings: MachineSettings;
  state: S;
  isAlive: boolean;
  /** What came while it stood still; `undefined`: it does not. */
  held: Letter[] | undefined;
}

/** The members of one election. */
export class MachineWorld<S> {
  readonly ids: readonly string[];
  nowMs = 0;
  /** Ballots that were sent, by kind: one to all counts once for each who is told. */
  readonly sent = new Map<Ballot["kind"], number>();
  readonly #algorithm: Algorithm<S>;
  readonly #nodes = new Map<string, Node<S>>();
  readonly #isCut = new Set<string>();
  readonly #letters: Letter[] = [];

  constructor(algorithm: Algorithm<S>, ids: readonly string[], timing = TIMING) {
    this.ids = ids;
    this.#algorithm = algorithm;
    for (const self of ids) {
      const state = algorithm.first(Members.of(self, ids));
      this.#nodes.set(self, {
        settings: { self, ...timing },
        state,
        isAlive: false,
        held: undefined,
      });
    }
  }

  /** Begins, or comes back without memory. */
  start(...ids: readonly string[]): void {
    for (const id of ids) {
      const node = this.#node(id);
      node.state = this.#algorithm.first(Members.of(id, this.ids));
      node.isAlive = true;
      node.held = undefined;
      this.feed(id, { kind: "start" });
    }
  }

  /** Ends without a word. */
  crash(id: string): void {
    this.#node(id).isAlive = false;
  }

  /** Stands still; mail piles up. */
  pause(id: string): void {
    this.#node(id).held ??= [];
  }

  /** Goes on, as Node does: the due timer first, then the mail. */
  resume(id: string): void {
    const node = this.#node(id);
    const { held } = node;
    node.held = undefined;
    if (held === undefined || !node.isAlive) return;
    if (this.#wakeMs(node) <= this.nowMs) this.feed(id, { kind: "tick" });
    for (const letter of held) this.#deliver(letter);
  }

  /** Nothing passes between the two sides. */
  split(left: readonly string[], right: readonly string[]): void {
    for (const a of left) for (const b of right) this.#isCut.add(`${a} ${b}`).add(`${b} ${a}`);
  }

  /** Everything passes, and everybody goes on. */
  heal(): void {
    this.#isCut.clear();
    for (const id of this.ids) this.resume(id);
  }

  /** Lets time pass. */
  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    for (;;) {
      const letter = this.#letters[0];
      const sleeper = this.#nextSleeper();
      const letterMs = letter?.atMs ?? Infinity;
      const tickMs = sleeper === undefined ? Infinity : this.#wakeMs(this.#node(sleeper));
      const nextMs = Math.min(letterMs, tickMs);
      if (nextMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (letterMs <= tickMs) {
        this.#letters.shift();
        if (letter !== undefined) this.#deliver(letter);
      } else if (sleeper !== undefined) this.feed(sleeper, { kind: "tick" });
    }
    this.nowMs = endMs;
  }

  /** Whom each living member names. */
  hints(): Readonly<Record<string, string | undefined>> {
    return Object.fromEntries(this.living().map((id) => [id, this.leaderOf(id)]));
  }

  /** Whom `id` names. */
  leaderOf(id: string): string | undefined {
    const { settings, state } = this.#node(id);
    return this.#algorithm.belief(settings, state, this.nowMs)?.leader;
  }

  /** What `id` knows. */
  stateOf(id: string): S {
    return this.#node(id).state;
  }

  /** Those that run. */
  living(): readonly string[] {
    return this.ids.filter((id) => this.#node(id).isAlive);
  }

  /** Tells one machine something. */
  feed(id: string, input: Input): void {
    const node = this.#node(id);
    const { state, effects } = this.#algorithm.step(node.settings, node.state, input, this.nowMs);
    node.state = state;
    for (const effect of effects) this.#perform(id, effect);
  }

  #perform(from: string, effect: Effect): void {
    const others = this.ids.filter((id) => id !== from);
    for (const to of effect.kind === "send" ? [effect.to] : others) {
      const { ballot } = effect;
      this.sent.set(ballot.kind, (this.sent.get(ballot.kind) ?? 0) + 1);
      if (this.#isCut.has(`${from} ${to}`)) continue;
      this.#letters.push({ atMs: this.nowMs + 1, from, to, ballot });
    }
  }

  #deliver(letter: Letter): void {
    const node = this.#node(letter.to);
    if (!node.isAlive) return;
    if (node.held !== undefined) node.held.push(letter);
    else this.feed(letter.to, { kind: "heard", from: letter.from, ballot: letter.ballot });
  }

  #nextSleeper(): string | undefined {
    let next: string | undefined;
    for (const [id, node] of this.#nodes) {
      if (!node.isAlive || node.held !== undefined) continue;
      if (next === undefined || this.#wakeMs(node) < this.#wakeMs(this.#node(next))) next = id;
    }
    return next;
  }

  #wakeMs({ settings, state }: Node<S>): number {
    return this.#algorithm.wakeMs(settings, state);
  }

  #node(id: string): Node<S> {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`no member ${id}`);
    return node;
  }
}
