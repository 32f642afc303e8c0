/**
 * The record of a term: that it began, when, what was published, and whether it ended in order.
 *
 * One record per election in the kv, `election/<name>`, fenced by the term: what an old leader
 * writes late is refused. Writes of one term go one after the other. The next leader reads it to
 * learn whether the last one ended in order, observers read it for the value.
 */
import type { Json, KvStore, Ms } from "@quorate/core";
import { createGuard, type Fenced, type Guard, type TokenHolder } from "@quorate/lock";
import { decodeTermRecord, encodeTermRecord, type TermRecord } from "./record.ts";

/** Where the records live. */
export const RECORD_PREFIX = "election";

/** The guard of all records. */
export function recordGuard(kv: KvStore): Guard {
  return createGuard(kv, { prefix: RECORD_PREFIX });
}

/** The record of one term, in the hands of its leader. */
export class TermLog {
  readonly #guard: Guard;
  readonly #holder: TokenHolder;
  readonly #name: string;
  #record: TermRecord;
  #fenced: Fenced | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(guard: Guard, holder: TokenHolder, place: { readonly name: string; sinceMs: Ms }) {
    this.#guard = guard;
    this.#holder = holder;
    this.#name = place.name;
    const { sinceMs } = place;
    this.#record = { term: holder.fencingToken, state: "leading", sinceMs };
  }

  /** The record of the last term, with all earlier leaders shut out. @throws as `Guard.open` */
  async last(signal: AbortSignal | undefined): Promise<TermRecord | undefined> {
    const payload = await (await this.#open(signal)).read({ signal });
    return payload === undefined ? undefined : decodeTermRecord(payload);
  }

  /** The work begins now. */
  began(sinceMs: Ms, signal: AbortSignal | undefined): Promise<void> {
    return this.#write({ sinceMs }, signal);
  }

  /** Another value from now on. */
  publish(value: Json, signal: AbortSignal | undefined): Promise<void> {
    return this.#write({ published: { value } }, signal);
  }

  /** The work has ended, before the leadership did. */
  ended(signal: AbortSignal | undefined): Promise<void> {
    return this.#write({ state: "ended" }, signal);
  }

  #write(change: Partial<TermRecord>, signal: AbortSignal | undefined): Promise<void> {
    const writing = this.#tail.then(async () => {
      const fenced = await this.#open(signal);
      const record = { ...this.#record, ...change };
      await fenced.write(encodeTermRecord(record), { signal });
      this.#record = record;
    });
    this.#tail = writing.catch(() => {}); // Whoever asked for it is told.
    return writing;
  }

  async #open(signal: AbortSignal | undefined): Promise<Fenced> {
    this.#fenced ??= await this.#guard.open(this.#holder, this.#name, { signal });
    return this.#fenced;
  }
}
