/**
 * The night shift: every night one clerk of several goes through all shelves and closes the books.
 *
 * Two questions, two answers. *Which process does this night?* The tick is claimed once in the
 * fleet, and repeated by another when its process dies. *Who may write the books?* Their keeper:
 * the run campaigns for it and gets a term, so that a clerk who wakes up too late writes nothing.
 */
import { type Backend, type Json, parseJson } from "@quorate/core";
import { createCron, type RunContext } from "@quorate/cron";
import { createElection, type Leadership } from "@quorate/election";
import { createGuard, createLocks } from "@quorate/lock";
import { INITIAL_STOCK, LEASE_MS, NIGHT, WORKER_LEASE_MS } from "./shop.ts";
import { decodeStock } from "./stock.ts";

/** Name of the nightly job. */
export const RECONCILIATION = "reconciliation";
/** Where its books are: `books/<key of the night>`. */
export const BOOKS = "books";

/** What a clerk reports. */
export interface ClerkEvent {
  readonly kind: "counted" | "closed";
  readonly clerk: string;
  readonly night: string;
  readonly term: number;
  readonly attempt: number;
  /** Shelves that are in the book. */
  readonly shelves: number;
}

/** A night's book: what was found at each shelf. */
export interface Book {
  readonly night: string;
  readonly found: Readonly<Record<string, { readonly sold: number; readonly left: number }>>;
  readonly wrong: readonly string[];
  readonly isClosed: boolean;
}

/** A clerk at work. */
export interface Clerk {
  close(): Promise<void>;
}

/** What a clerk needs. */
export interface ClerkOptions {
  readonly backend: Backend;
  readonly name: string;
  readonly items: readonly string[];
  readonly report: (event: ClerkEvent) => void | Promise<void>;
}

/** Hires a clerk. */
export function openNightShift({ backend, name, items, report }: ClerkOptions): Clerk {
  const locks = createLocks(backend, { ttlMs: LEASE_MS, waitMs: 60_000 });
  const guard = createGuard(backend.kv);
  const keeper = createElection(backend, "keeper-of-the-books", {
    candidate: name,
    ttlMs: WORKER_LEASE_MS,
  });

  const look = (item: string): Promise<{ sold: number; left: number }> =>
    locks.run(`item/${item}`, async (lock) => {
      const shelf = await guard.open(lock, `stock/${item}`);
      const { left, sold } = decodeStock(await shelf.read());
      return { left, sold: Object.values(sold).reduce((sum, units) => sum + units, 0) };
    });

  const reconcile = async (run: RunContext, term: Leadership): Promise<void> => {
    const page = await guard.open(term, `${BOOKS}/${run.key}`);
    // What another clerk has entered before it died stands.
    const begun = readBook(await page.read());
    const found = new Map(Object.entries(begun?.found ?? {}));
    const wrong = new Set(begun?.wrong);
    const write = async (kind: ClerkEvent["kind"]): Promise<void> => {
      const isClosed = kind === "closed";
      const shelves = { found: Object.fromEntries(found), wrong: [...wrong] };
      await page.write(JSON.stringify({ night: run.key, ...shelves, isClosed } satisfies Book));
      const facts = { clerk: name, night: run.key, term: term.term, attempt: run.attempt };
      await report({ kind, ...facts, shelves: found.size });
    };
    for (const item of items) {
      if (found.has(item)) continue;
      run.check();
      const { sold, left } = await look(item);
      found.set(item, { sold, left });
      if (sold + left !== INITIAL_STOCK) wrong.add(item);
      await write("counted");
    }
    await write("closed");
  };

  const cron = createCron(backend, { name, leaseMs: WORKER_LEASE_MS });
  cron.schedule(
    RECONCILIATION,
    NIGHT,
    async (run) => {
      await using term = await keeper.campaign({ signal: run.signal });
      await reconcile(run, term);
    },
    { onCrash: "retry", overlap: "skip", historyLimit: 500 },
  );
  return {
    async close() {
      await cron.close();
      await keeper.close();
      await locks[Symbol.asyncDispose]();
    },
  };
}

/** A book as it was written; `undefined`: an empty page. */
export function readBook(bytes: Uint8Array | undefined): Book | undefined {
  // Empty: whoever opens a page raises its floor before the first word is written.
  if (bytes === undefined || bytes.length === 0) return undefined;
  const parsed = parseJson(bytes);
  if (!parsed.ok) throw new Error("a page of the books is damaged");
  return parsed.value as unknown as Book & Json;
}
