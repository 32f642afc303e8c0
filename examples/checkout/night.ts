/**
 * The nights of the shop: two clerks, of whom one dies in the middle of the first night's books.
 */
import { type Backend, sleep, systemRuntime } from "@quorate/core";
import { createCron, type PastRun } from "@quorate/cron";
import { createGuard } from "@quorate/lock";
import { type Book, BOOKS, type ClerkEvent, readBook, RECONCILIATION } from "./clerk.ts";
import type { Shop } from "./embedded.ts";
import { NIGHTS } from "./shop.ts";

/** How long the shop waits for its books after the day; then the audit says what is missing. */
const PATIENCE_MS = 30_000;

/** What the nights came to. */
export interface Nights {
  readonly closed: number;
  /** The night whose first clerk died, and the terms in which it was written. */
  readonly survivedBy: { readonly night: string; readonly terms: readonly number[] } | undefined;
  readonly problems: readonly string[];
}

/** Keeps the night shift going until enough nights are closed. */
export async function keepNights(options: {
  readonly shop: Shop;
  readonly items: readonly string[];
  readonly dayIsOver: Promise<unknown>;
  readonly say: (line: string) => void;
}): Promise<Nights> {
  const { shop, items, dayIsOver, say } = options;
  const events: ClerkEvent[] = [];
  let doomed: { readonly clerk: string; readonly night: string } | undefined;
  let crash: Promise<void> | undefined;
  let enough: () => void = () => {};
  const isEnough = new Promise<void>((resolve) => (enough = resolve));
  const closed = new Set<string>();

  const report = async (event: ClerkEvent): Promise<void> => {
    // The dead say nothing, but a message may have been on its way.
    if (event.clerk === doomed?.clerk) throw new Error("killed");
    events.push(event);
    if (event.kind === "closed") closed.add(event.night);
    if (doomed === undefined && event.shelves >= items.length / 2) {
      doomed = { clerk: event.clerk, night: event.night };
      say(`${event.clerk} died in the middle of the night's books, in term ${event.term}`);
      crash = clerks.get(event.clerk)?.crash();
      await crash;
      throw new Error("killed");
    }
    if (doomed !== undefined && event.night === doomed.night && event.kind === "closed") {
      say(`${event.clerk} closed the same night's books, in term ${event.term}`);
    }
    if (closed.size >= NIGHTS && doomed !== undefined && closed.has(doomed.night)) enough();
  };

  const clerks = new Map(
    await Promise.all(
      ["clerk-1", "clerk-2"].map(async (name) => {
        return [name, await shop.hireClerk({ name, items, report })] as const;
      }),
    ),
  );
  await dayIsOver;
  const patience = new AbortController();
  const { signal } = patience;
  await Promise.race([isEnough, sleep(systemRuntime, PATIENCE_MS, { signal })]);
  patience.abort();
  await crash;
  const alive = [...clerks].filter(([name]) => name !== doomed?.clerk);
  await Promise.all(alive.map(([, clerk]) => clerk.close()));
  const history = await pastNights(shop.backend);
  const books = await readBooks(shop.backend, history);
  const ofDoomed = events.filter(({ night }) => night === doomed?.night);
  const terms = [...new Set(ofDoomed.map(({ term }) => term))];
  return {
    closed: books.filter(({ isClosed }) => isClosed).length,
    survivedBy: doomed === undefined ? undefined : { night: doomed.night, terms },
    problems: examineNights({ history, books, items, terms, survived: doomed?.night }),
  };
}

/** Every night was kept once or declared, every book is closed and right. Pure. */
export function examineNights(evidence: {
  readonly history: readonly PastRun[];
  readonly books: readonly Book[];
  readonly items: readonly string[];
  /** Terms in which the night was written whose clerk died. */
  readonly terms: readonly number[];
  readonly survived: string | undefined;
}): string[] {
  const { history, books, items, terms, survived } = evidence;
  const problems: string[] = [];
  const ends = new Map<string, number>();
  for (const { key, outcome } of history) {
    if (outcome === "done") ends.set(key, (ends.get(key) ?? 0) + 1);
  }
  for (const [night, times] of ends) {
    if (times !== 1) problems.push(`night ${night} was closed ${times} times`);
    const book = books.find((one) => one.night === night);
    if (book?.isClosed !== true) problems.push(`night ${night} is done, its book is open`);
  }
  for (const { night, found, wrong, isClosed } of books) {
    for (const item of wrong) problems.push(`night ${night}: ${item} does not add up`);
    const counted = Object.keys(found).length;
    if (isClosed && counted !== items.length) problems.push(`night ${night}: ${counted} shelves`);
  }
  if (survived === undefined || ends.get(survived) !== 1) {
    problems.push(`night ${survived ?? "none"}, whose clerk died, was not closed by another`);
  }
  const [first = 0, second = 0] = terms;
  if (terms.length !== 2 || second <= first) {
    problems.push(`the clerk's death was survived in terms ${terms.join(", ")}`);
  }
  return problems;
}

async function pastNights(backend: Backend): Promise<readonly PastRun[]> {
  await using cron = createCron(backend);
  return await cron.history(RECONCILIATION);
}

async function readBooks(backend: Backend, history: readonly PastRun[]): Promise<Book[]> {
  const guard = createGuard(backend.kv);
  const nights = [...new Set(history.map(({ key }) => key))];
  const pages = await Promise.all(nights.map((night) => guard.peek(`${BOOKS}/${night}`)));
  return pages.flatMap((page) => readBook(page?.payload) ?? []);
}
