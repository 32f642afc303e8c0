/**
 * What an outbox promises, and how it is broken in an afternoon.
 */
import type { Specimen } from "../specimen.ts";

const COLLECTION = "packages/transaction/src/outbox/collection.ts";
const RECORDS = "packages/transaction/src/outbox/kv-record-store.ts";
const RELAY = "packages/transaction/src/outbox/partition-relay.ts";
const SETTLE = "packages/transaction/src/outbox/settle.ts";
const TARGET = "packages/transaction/src/outbox/bus-target.ts";
const joined = "2026-11-21";

/** Bugs of outboxes and relays. */
export const OUTBOX: readonly Specimen[] = [
  {
    name: "marked-before-published",
    story:
      "The relay removes a message and then publishes it: one that is killed between the two, or " +
      "whose consumer fails, has lost it.",
    edits: [
      {
        file: RELAY,
        find: "      const ends = await this.#deliverAll(job);",
        replace: `      const all = job.messages.map(({ id }) => id);
      await job.settle({ delivered: all, failed: [], dead: [] }).catch(() => {});
      const ends = await this.#deliverAll(job);`,
      },
    ],
    foundBy: { scenario: "outbox", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "hand-over-taken-for-delivery",
    story:
      "The message is marked as soon as the bus has taken it. The bus delivers at most once: a " +
      "consumer that is down, or fails, never sees it.",
    edits: [
      {
        file: TARGET,
        find: "      if (fireAndForget) return",
        replace: "      if (!fireAndForget) return",
      },
    ],
    foundBy: { scenario: "outbox", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "next-before-acknowledged",
    story:
      "A message that failed does not stop its key: the next one overtakes it, and is in the " +
      "world before what it follows from.",
    edits: [
      {
        file: RELAY,
        find: "else if (!(await this.#deliver(message, lane, ends))) stopped.add(message.key);",
        replace: "else await this.#deliver(message, lane, ends);",
      },
    ],
    foundBy: { scenario: "outbox", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "outbox-emptied",
    story:
      "After a delivery the whole outbox is emptied, not what was delivered: what a writer put " +
      "there meanwhile is gone.",
    edits: [
      {
        file: SETTLE,
        find: "    .filter(({ id }) => !delivered.has(id) && !dead.has(id))",
        replace: "    .filter(() => delivered.size === 0)",
      },
    ],
    foundBy: { scenario: "outbox", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "emitted-by-a-lost-try",
    story:
      "What is emitted is gathered over all tries of an update: a try that another writer " +
      "overtook, and whose change never was, is told to the world all the same.",
    edits: [
      {
        file: COLLECTION,
        find: `    for (let conflicts = 0; conflicts < this.#bounds.attempts; conflicts++) {`,
        replace: `    const emitted: StoredMessage[] = [];
    for (let conflicts = 0; conflicts < this.#bounds.attempts; conflicts++) {`,
      },
      {
        file: COLLECTION,
        find: "      const emitted: StoredMessage[] = [];\n      const state",
        replace: "      const state",
      },
    ],
    foundBy: { scenario: "outbox", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "doubt-ends-as-none",
    story:
      "A write without an answer is asked about; the question fails, and its error, whose effect " +
      "is none, is told for the write's. It was applied.",
    edits: [
      {
        file: RECORDS,
        find: "      throw doubt;\n    }\n    if",
        replace: "      throw doubted;\n    }\n    if",
      },
      {
        file: RECORDS,
        find: "    } catch {\n      // That",
        replace: "    } catch (doubted) {\n      // That",
      },
    ],
    foundBy: { scenario: "outbox", engine: "memory", profile: "harsh", seeds: 60 },
    origin: "found by us",
    joined,
  },
  {
    name: "failure-stops-the-partition",
    story:
      "A worker waits with its lane until a failing message may be tried again. Where consumers " +
      "are slow to come back every worker waits, and nothing of the partition moves.",
    edits: [
      {
        file: RELAY,
        find: "      if (counted) ends.failed.push({ id, attempts: attempts + 1 });",
        replace: `      await sleep(runtime, 1_000 * restMs, { keepAlive: false });
      if (counted) ends.failed.push({ id, attempts: attempts + 1 });`,
      },
    ],
    foundBy: { scenario: "outbox", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "id-of-a-delivery",
    story:
      "Each delivery is given an id of its own. The inbox cannot know a message again, and its " +
      "effect happens as often as it is delivered.",
    edits: [
      {
        file: TARGET,
        find: "headersOf(message, fencingToken);",
        replace: "headersOf({ ...message, id: `${message.id}-${fencingToken}` }, fencingToken);",
      },
    ],
    foundBy: { scenario: "outbox", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
];
