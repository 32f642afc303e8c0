/**
 * One partition of a table, as the relay that holds its lease sees it.
 *
 * One query reads the oldest rows, of all keys but those that are at work or at rest; a job is what
 * it found of one key. Where there was nothing, the next query waits for `pollMs`, or for `wake`.
 * Rows are not locked: the lease keeps other relays away, and where it does not, rows leave by
 * their ids, so that the worst is a message delivered twice.
 */
import { type Ms, scrub, type Timer, type SqlClient } from "@quorate/core";

import type { StoredMessage } from "./message.ts";
import type { Backlog, Job, Left, Outcome, Shelf, ShelfContext } from "./source.ts";
import { type OutboxRow, readRow } from "./sql-row.ts";
import type { OutboxStatements } from "./sql-table.ts";

/** Keys that a query leaves out; with more at rest than these, the partition waits for them. */
const MAX_LEFT_OUT = 5_000;
const TROUBLE_REST_MS = 500;
/** How long a row that cannot be read rests, with its key. */
const INVALID_REST_MS = 60_000;

/** What a shelf works with. */
export interface SqlShelfContext extends ShelfContext {
  readonly name: string;
  readonly pollMs: Ms;
}

/** The shelf of a table. */
export class SqlShelf implements Shelf {
  readonly #client: SqlClient;
  readonly #statements: OutboxStatements;
  readonly #context: SqlShelfContext;
  readonly #atWork = new Set<string>();
  readonly #resting = new Map<string, Ms>();
  readonly #jobs: Job[] = [];
  #fetching: Promise<void> | undefined;
  #rest: { readonly end: () => void } | undefined;
  #isClosed = false;
  #woken = false;

  constructor(client: SqlClient, statements: OutboxStatements, context: SqlShelfContext) {
    this.#client = client;
    this.#statements = statements;
    this.#context = context;
  }

  async next(): Promise<Job | undefined> {
    for (;;) {
      if (this.#isClosed) return undefined;
      const job = this.#jobs.shift();
      if (job !== undefined) return job;
      this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
      await this.#fetching;
    }
  }

  wake(): void {
    this.#woken = true;
    this.#rest?.end();
  }

  async backlog(): Promise<Backlog> {
    const { partitions, partition } = this.#context;
    const answer = await this.#client.query(this.#statements.backlog, [partitions, partition]);
    const [row] = answer.rows as readonly { pending: number; at_ms: number | null }[];
    return { pending: row?.pending ?? 0, oldestAtMs: row?.at_ms ?? undefined };
  }

  close(): void {
    this.#isClosed = true;
    this.#rest?.end();
  }

  async #fetch(): Promise<void> {
    const { partitions, partition, batch, runtime, pollMs } = this.#context;
    this.#woken = false;
    const nowMs = runtime.time.monotonicMs();
    for (const [key, dueMs] of this.#resting) if (dueMs <= nowMs) this.#resting.delete(key);
    const leftOut = [...this.#atWork, ...this.#resting.keys()];
    if (leftOut.length >= MAX_LEFT_OUT) return this.#pause(pollMs);
    try {
      const values = [partitions, partition, leftOut, batch * 8];
      const { rows } = await this.#client.query(this.#statements.fetch, values);
      if (this.#isClosed) return;
      this.#group(rows as readonly OutboxRow[]);
      if (this.#jobs.length === 0) await this.#pause(pollMs);
    } catch (error) {
      const { trouble } = this.#context.events;
      if (trouble.hasSubscribers) {
        const problem = scrub(error instanceof Error ? error.message : String(error));
        trouble.publish({ outbox: this.#context.name, doing: "read", problem });
      }
      this.#woken = false;
      await this.#pause(Math.max(pollMs, TROUBLE_REST_MS));
    }
  }

  #group(rows: readonly OutboxRow[]): void {
    const lanes = new Map<string, StoredMessage[]>();
    const unreadable = new Set<string>();
    for (const row of rows) {
      if (unreadable.has(row.key)) continue;
      const message = readRow(row);
      if (message.ok) {
        const lane = lanes.get(row.key);
        if (lane === undefined) lanes.set(row.key, [message.value]);
        else lane.push(message.value);
      } else {
        // Its key stops here: what was inserted behind it must not come before it.
        unreadable.add(row.key);
        this.#tellInvalid(row, message.reason);
        if (!lanes.has(row.key)) this.#restFor(row.key, INVALID_REST_MS);
      }
    }
    for (const [key, messages] of lanes) {
      this.#atWork.add(key);
      this.#jobs.push(this.#job(key, messages));
    }
  }

  #job(key: string, messages: readonly StoredMessage[]): Job {
    return {
      lane: key,
      messages,
      settle: (outcome) => this.#settle(outcome),
      done: (left) => this.#done(key, left),
    };
  }

  #done(key: string, left: Left): void {
    this.#atWork.delete(key);
    if (typeof left === "object") this.#restFor(key, left.restMs);
    else this.wake(); // The query left this key out: there may be more of it.
  }

  async #settle({ delivered, failed, dead }: Outcome): Promise<void> {
    const { remove, fail, bury } = this.#statements;
    if (delivered.length > 0) await this.#client.query(remove, [[...delivered]]);
    for (const { id, attempts } of failed) await this.#client.query(fail, [id, attempts]);
    for (const { id, attempts, problem } of dead) {
      await this.#client.query(bury, [id, attempts, problem]);
    }
  }

  #restFor(key: string, restMs: Ms): void {
    this.#resting.set(key, this.#context.runtime.time.monotonicMs() + restMs);
  }

  #tellInvalid({ id }: OutboxRow, reason: string): void {
    const { recordInvalid } = this.#context.events;
    if (!recordInvalid.hasSubscribers) return;
    recordInvalid.publish({ outbox: this.#context.name, key: id, reason });
  }

  /** Waits for `ms`, for the end of the first rest, or for `wake`. */
  async #pause(ms: Ms): Promise<void> {
    if (this.#woken || this.#isClosed) return;
    const { time } = this.#context.runtime;
    const dueMs = Math.min(time.monotonicMs() + ms, ...[...this.#resting.values()].slice(0, 1_000));
    let timer: Timer | undefined;
    const promise = new Promise<void>((resolve) => {
      this.#rest = { end: resolve };
      const delayMs = Math.max(1, dueMs - time.monotonicMs());
      timer = time.setTimer(delayMs, resolve, { keepAlive: false });
    });
    await promise;
    timer?.cancel();
    this.#rest = undefined;
  }
}
