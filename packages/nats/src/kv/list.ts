/**
 * Keys of a collection, in order, page by page.
 *
 * The server names the subjects that match (`STREAM.INFO` with a filter); they are decoded and
 * sorted by the bytes of the keys. Entries are then read at the leader a page at a time, many in
 * flight. Names are held in memory, values only of one page.
 *
 * Guarantees: each entry is a read of its own, true at some moment while its page was fetched.
 * Does not guarantee: that a page is a snapshot; JetStream has no such read.
 */
import {
  checkCall,
  checkName,
  compareNames,
  type Entry,
  type ListOptions,
  positiveInteger,
} from "@quorate/core";
import { Budget } from "../budget.ts";
import { refused } from "../failures.ts";
import { asNumber, asObject, ErrCode } from "../jetstream/answers.ts";
import type { JetStreamApi } from "../jetstream/api.ts";
import { collectionFilter, nameOf, type Subjects, subjectOf } from "../subjects.ts";
import { type KvContext, look } from "./context.ts";

const DEFAULT_PAGE_SIZE = 500;
const LONGEST_PAGE = 10_000;
/** Reads in flight at once. */
const AT_ONCE = 64;

/** What a listing needs besides. */
export interface ListParts {
  readonly api: JetStreamApi;
  readonly subjects: Subjects;
}

/** Entries of `collection`. Bad arguments throw here, not at the first item. */
export function list(
  context: KvContext,
  parts: ListParts,
  collection: string,
  options: ListOptions | undefined,
): AsyncGenerator<Entry, void, undefined> {
  if (collection !== "") checkName("collection", collection);
  const pageSize = positiveInteger("pageSize", options?.pageSize ?? DEFAULT_PAGE_SIZE);
  const call = checkCall(options, context.bounds());
  const newBudget = (): Budget => new Budget(context.runtime, call);
  return pages(context, parts, collection, Math.min(pageSize, LONGEST_PAGE), newBudget);
}

async function* pages(
  context: KvContext,
  parts: ListParts,
  collection: string,
  pageSize: number,
  newBudget: () => Budget,
): AsyncGenerator<Entry, void, undefined> {
  const first = newBudget();
  first.signal?.throwIfAborted();
  await context.stream.ensure(first, `${context.what}.list`);
  const filter = collectionFilter(context.space, collection);
  const keys = await keysOf(context, parts, filter, first);
  for (let start = 0; start < keys.length; start += pageSize) {
    const budget = newBudget();
    budget.signal?.throwIfAborted();
    yield* await readAll(context, keys.slice(start, start + pageSize), budget);
  }
}

/** Names behind the subjects that match `filter`, in the order of their bytes. */
export async function keysOf(
  context: KvContext,
  parts: ListParts,
  filter: string,
  budget: Budget,
): Promise<string[]> {
  const operation = `${context.what}.list`;
  const keys = new Set<string>();
  for (let offset = 0; ;) {
    const answer = await parts.api.request({
      subject: `STREAM.INFO.${parts.subjects.streamName}`,
      body: { subjects_filter: filter, offset },
      operation,
      budget,
    });
    if (answer.kind === "error") {
      if (answer.error.errCode === ErrCode.streamNotFound) {
        // It is made anew, or the leader that was asked did not know of it yet: ask again.
        await context.stream.look(budget, operation);
        continue;
      }
      throw refused(operation, `${answer.error.description} (${answer.error.errCode})`);
    }
    const page = Object.keys(asObject(asObject(answer.body["state"])?.["subjects"]) ?? {});
    for (const subject of page) {
      const key = nameOf(context.space, subject);
      if (key !== undefined) keys.add(key);
    }
    offset += page.length;
    // Servers name at most 100 000 subjects at once.
    if (page.length === 0 || offset >= (asNumber(answer.body["total"]) ?? 0)) break;
  }
  return [...keys].sort(compareNames);
}

/** Reads `keys` at the leader; those that live, in order. */
async function readAll(
  context: KvContext,
  keys: readonly string[],
  budget: Budget,
): Promise<Entry[]> {
  const entries: (Entry | undefined)[] = Array.from({ length: keys.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < keys.length; index = next++) {
      const key = keys[index] ?? "";
      const subject = subjectOf(context.space, key);
      const operation = `${context.what}.list`;
      entries[index] = (await look(context, { key, subject, operation, budget })).entry;
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, keys.length) }, worker));
  return entries.filter((entry) => entry !== undefined);
}
