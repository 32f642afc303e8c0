/**
 * A collection of the store as a participant: values that change together, on any engine.
 *
 * The work stages its writes. To prepare, each key gets an intent beside its value, by
 * compare-and-set; to commit, the intent becomes the value; to abort, it goes. Whoever meets an
 * intent asks how its transaction was decided, and carries that out before going on, so a reader
 * sees the old value until the decision and the new one from then on, whoever died.
 *
 * Guarantees: all keys of a transaction change, or none; a key that the work has read and writes is
 * as it was read. Does not guarantee that keys which were only read stay as they were (write skew):
 * write them back to keep others off. Nobody waits for a lock: who meets an undecided intent at its
 * prepare votes no.
 *
 * Peng, Dabek, "Large-scale Incremental Processing Using Distributed Transactions and
 * Notifications", OSDI 2010 (Percolator), with the decision in the coordinator's record.
 */
import {
  type Backend,
  checkName,
  type Entry,
  invalidArgument,
  invariant,
  type Revision,
} from "@quorate/core";
import { type Branch, branchName, parseBranchName } from "./branch.ts";
import { type Cell, decodeCell, encodeCell } from "./kv-cell.ts";
import type { Ballot, Begun, BranchCall, Participant, Services } from "./participant.ts";
import type { Decision } from "./record.ts";

/** What the work is given: reads see the collection as it is, and the work's own writes. */
export interface KvHandle {
  /** The value; `undefined`: there is none. */
  get(key: string): Promise<string | undefined>;
  /** Stages a write. Nothing is sent before the vote. */
  put(key: string, value: string): void;
  /** Stages a removal. */
  delete(key: string): void;
}

/** A collection whose values change by transactions only. */
export interface KvParticipant extends Participant<KvHandle> {
  /** The value as of the last decision; `undefined`: there is none. */
  get(key: string): Promise<string | undefined>;
}

/** Races over one cell, with writers or with those who help, before the branch votes no. */
const MAX_RACES = 32;
/** Branches whose keys are known here; of others they are found by a look at all. */
const MAX_REMEMBERED = 10_000;

/**
 * The values of `collection` in `backend`'s store as a participant. Nothing else may write there.
 * Keys are one segment of at most 128 bytes.
 *
 * @throws INVALID_ARGUMENT `collection` is no name.
 */
export function kvParticipant(backend: Backend, collection: string): KvParticipant {
  if (typeof backend?.kv?.put !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  return new KvCollection(backend, checkName("collection", collection));
}

class KvCollection implements KvParticipant {
  readonly kind = "kv";
  readonly #backend: Backend;
  readonly #collection: string;
  readonly #keysOf = new Map<string, readonly string[]>();
  #services: Services | undefined;

  constructor(backend: Backend, collection: string) {
    this.#backend = backend;
    this.#collection = collection;
  }

  attach(services: Services): void {
    this.#services = services;
  }

  async get(key: string): Promise<string | undefined> {
    const { cell } = await this.#look(this.#nameOf(key));
    return cell.value ?? undefined;
  }

  async begin(branch: Branch, { signal: begun }: BranchCall): Promise<Begun<KvHandle>> {
    begun.throwIfAborted();
    const staged = new Map<string, string | null>();
    const seen = new Map<string, string | null>();
    const state = { isOver: false };
    const handle: KvHandle = {
      get: async (key) => {
        const name = this.#nameOf(key);
        const own = staged.get(name);
        if (own !== undefined) return own ?? undefined;
        const { cell } = await this.#look(name);
        if (!seen.has(name)) seen.set(name, cell.value);
        return cell.value ?? undefined;
      },
      put: (key, value) => {
        if (typeof value !== "string") throw invalidArgument("value", value, "a string");
        staged.set(this.#nameOf(key), value);
      },
      delete: (key) => void staged.set(this.#nameOf(key), null),
    };
    return {
      handle,
      prepare: () => this.#prepare(branch, { staged, seen, state }),
      release: async () => void (state.isOver = true),
    };
  }

  commit(branch: Branch): Promise<void> {
    return this.#carryOut(branch, "committed");
  }

  abort(branch: Branch): Promise<void> {
    return this.#carryOut(branch, "aborted");
  }

  async #prepare(branch: Branch, { staged, seen, state }: Staged): Promise<Ballot> {
    if (staged.size === 0) return { vote: "read-only" };
    const name = branchName(branch);
    // Before the first write: whoever aborts in this process knows where to look.
    this.#remember(name, [...staged.keys()]);
    for (const [key, next] of staged) {
      if (state.isOver) return { vote: "no", why: "nobody waits for its vote" };
      const why = await this.#intend(key, { branch: name, next, seen: seen.get(key) });
      if (why === undefined) continue;
      // The keys before this one have their intents: a no has to clean up after itself.
      await this.abort(branch);
      return { vote: "no", why };
    }
    return { vote: "yes" };
  }

  /** Puts an intent beside the value; else why not. */
  async #intend(
    key: string,
    {
      branch,
      next,
      seen,
    }: { branch: string; next: string | null; seen: string | null | undefined },
  ): Promise<string | undefined> {
    for (let race = 0; race < MAX_RACES; race++) {
      const { cell, revision } = await this.#look(key);
      if (cell.intent !== undefined) return `${key} is being changed by another transaction`;
      if (seen !== undefined && seen !== cell.value) return `${key} was changed since it was read`;
      const wanted = { value: cell.value, intent: { branch, next } };
      if (await this.#write(key, wanted, revision)) return undefined;
    }
    return `${key} is written too often`;
  }

  async #carryOut(branch: Branch, decision: Decision): Promise<void> {
    const name = branchName(branch);
    const keys = this.#keysOf.get(name) ?? (await this.#keysWith(name));
    await Promise.all(keys.map((key) => this.#resolve(key, name, decision)));
    this.#keysOf.delete(name);
  }

  /** Makes an intent of `branch` a value, or nothing. One that is not there was resolved. */
  async #resolve(key: string, branch: string, decision: Decision): Promise<void> {
    for (;;) {
      const entry = await this.#backend.kv.get(key);
      const cell = decodeCell(entry);
      if (cell.intent?.branch !== branch) return;
      if (await this.#write(key, resolved(cell, decision), entry?.revision)) return;
    }
  }

  /** The cell, after whatever is decided about it was carried out. */
  async #look(
    key: string,
  ): Promise<{ readonly cell: Cell; readonly revision: Revision | undefined }> {
    for (;;) {
      const entry = await this.#backend.kv.get(key);
      const cell = decodeCell(entry);
      const found = { cell, revision: entry?.revision };
      if (cell.intent === undefined) return found;
      const branch = parseBranchName(cell.intent.branch);
      if (branch === undefined || this.#services === undefined) return found;
      const answer = await this.#services.decision(branch);
      if (answer === "undecided") return found;
      await this.#write(key, resolved(cell, answer), entry?.revision);
    }
  }

  /** Keys with an intent of `branch`: for who takes over, and has never seen them. */
  async #keysWith(branch: string): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const entry of this.#backend.kv.list(this.#collection)) {
      if (holds(entry, branch)) keys.push(entry.key);
    }
    return keys;
  }

  /** False: somebody wrote before. */
  async #write(key: string, cell: Cell, revision: Revision | undefined): Promise<boolean> {
    const { kv } = this.#backend;
    const text = encodeCell(cell);
    if (text !== undefined) return (await kv.put(key, text, { expect: revision ?? "absent" })).ok;
    invariant(revision !== undefined, "there is nothing to remove");
    return (await kv.delete(key, { expect: revision })).ok;
  }

  #remember(branch: string, keys: readonly string[]): void {
    const [oldest] = this.#keysOf.keys();
    if (this.#keysOf.size >= MAX_REMEMBERED && oldest !== undefined) this.#keysOf.delete(oldest);
    this.#keysOf.set(branch, keys);
  }

  #nameOf(key: string): string {
    if (typeof key !== "string" || key.includes("/")) {
      throw invalidArgument("key", key, "a name without '/'");
    }
    return checkName("key", `${this.#collection}/${key}`);
  }
}

interface Staged {
  readonly staged: ReadonlyMap<string, string | null>;
  /** As the work read them. */
  readonly seen: ReadonlyMap<string, string | null>;
  readonly state: { readonly isOver: boolean };
}

function resolved({ value, intent }: Cell, decision: Decision): Cell {
  return { value: decision === "committed" && intent !== undefined ? intent.next : value };
}

/** A record that is not ours is nobody's business here. */
function holds(entry: Entry, branch: string): boolean {
  try {
    return decodeCell(entry).intent?.branch === branch;
  } catch {
    return false;
  }
}
