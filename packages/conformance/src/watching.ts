/**
 * A reader that takes all of a watch in the background, so that a case can say what must appear.
 */
import { strict as assert } from "node:assert";
import type { Change, Entry, LeaseEvent } from "@quorate/core";
import type { CaseContext } from "./case.ts";
import { text } from "./kit.ts";

/** What a watch told so far. */
export class Watching<T> {
  readonly seen: T[] = [];
  /** Where the watch ended, if it did. */
  ended: { readonly error?: unknown } | undefined;
  readonly #iterator: AsyncIterableIterator<T>;
  readonly #t: CaseContext;

  constructor(t: CaseContext, iterator: AsyncIterableIterator<T>) {
    this.#t = t;
    this.#iterator = iterator;
    t.cleanup(() => this.stop());
    void this.#read();
  }

  /** Leaves the watch. */
  async stop(): Promise<void> {
    await this.#iterator.return?.();
  }

  /** Waits until `holds` of what was seen. */
  until(what: string, holds: (seen: readonly T[]) => boolean, withinMs?: number): Promise<void> {
    return this.#t.until(what, () => holds(this.seen), withinMs);
  }

  async #read(): Promise<void> {
    try {
      for await (const event of this.#iterator) this.seen.push(event);
      this.ended = {};
    } catch (error) {
      this.ended = { error };
    }
  }
}

/** A watch of kv, read in the background, once it is synced. */
export async function watchKv(
  t: CaseContext,
  changes: AsyncIterableIterator<Change>,
): Promise<Watching<Change>> {
  const watching = new Watching(t, changes);
  await watching.until("the watch is synced", hasSynced);
  return watching;
}

/** A watch of leases, read in the background, once it is synced. */
export async function watchLeases(
  t: CaseContext,
  events: AsyncIterableIterator<LeaseEvent>,
): Promise<Watching<LeaseEvent>> {
  const watching = new Watching(t, events);
  await watching.until("the watch is synced", hasSynced);
  return watching;
}

/** What a watch tells of the state. Over a link that is slow at first, `stale` may come before. */
export function ofState<T extends { readonly kind: string }>(seen: readonly T[]): readonly T[] {
  return seen.filter(({ kind }) => kind !== "stale");
}

/** True once a watch told its whole state. */
export function hasSynced(seen: readonly { readonly kind: string }[]): boolean {
  return seen.some(({ kind }) => kind === "synced");
}

/** True if the last word on the link was good. */
export function isSynced(seen: readonly { readonly kind: string }[]): boolean {
  const last = seen.findLast(({ kind }) => kind === "synced" || kind === "stale");
  return last?.kind === "synced";
}

/** The state that a reader of `changes` believes in: text by key. */
export function stateOf(changes: readonly Change[]): Map<string, string | undefined> {
  const state = new Map<string, string | undefined>();
  for (const change of changes) {
    if (change.kind === "put") state.set(change.entry.key, text(change.entry.value));
    if (change.kind === "delete") state.delete(change.key);
  }
  return state;
}

/** Entries as `stateOf` would have them. */
export function asState(entries: readonly Entry[]): Map<string, string | undefined> {
  return new Map(entries.map((entry) => [entry.key, text(entry.value)]));
}

/** Insists that revisions of each key only grew. */
export function assertRevisionsGrow(changes: readonly Change[]): void {
  const last = new Map<string, number>();
  for (const change of changes) {
    if (change.kind !== "put" && change.kind !== "delete") continue;
    const key = change.kind === "put" ? change.entry.key : change.key;
    const revision = change.kind === "put" ? change.entry.revision : change.revision;
    const before = last.get(key) ?? 0;
    assert(revision > before, `${key}: revision ${revision} came after ${before}`);
    last.set(key, revision);
  }
}
