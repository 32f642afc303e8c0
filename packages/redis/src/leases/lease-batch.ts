/**
 * Batches: lease operations asked for in one turn of the event loop leave as one command.
 *
 * Under load most of an operation's cost is the client library's, per command; a command that
 * carries what a whole turn has asked for divides it. One alone leaves as soon as the turn ends,
 * so nothing waits for company.
 *
 * Guarantees: operations of one partition are carried out in the order in which they were asked.
 */
import type { Ms } from "@quorate/core";
import type { Link } from "../link.ts";
import type { Partition } from "../partitions.ts";
import type { Script } from "../scripts.ts";
import type { ServerClocks } from "../server-clock.ts";
import { type LeaseReply, microsOf, parseReply } from "./wire.ts";

/** Most renewals in one command: a script holds up everybody else while it runs. */
const MAX_RENEWALS = 500;
/**
 * Most claims and returns in one command. Small enough that the server works on the first command
 * while we make the second; with one command for all, each side would wait for the other.
 */
const MAX_OPERATIONS = 32;

/** An operation's answer. */
export interface LeaseAnswer {
  readonly reply: LeaseReply;
  /** A "no" may be believed: see `Answer.steady`. */
  readonly steady: boolean;
  /** Server's time of the answer, µs. */
  readonly serverMicros: number;
}

/** Bounds of an operation, and what its failure means to who asked. */
export interface LeaseCall {
  readonly operation: string;
  readonly timeoutMs: Ms;
  /** @default the batch's error as it is */
  readonly errorOf?: (error: unknown) => unknown;
}

interface Asked {
  readonly args: readonly string[];
  readonly call: LeaseCall;
  readonly resolve: (answer: LeaseAnswer) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch {
  readonly partition: Partition;
  readonly timeoutMs: Ms;
  readonly operation: string;
  readonly asked: Asked[];
}

/** Sends operations on leases. */
export class LeaseBatches {
  readonly #link: Link;
  readonly #script: Script;
  readonly #clocks: ServerClocks;
  #open: Batch[] = [];

  constructor(link: Link, script: Script, clocks: ServerClocks) {
    this.#link = link;
    this.#script = script;
    this.#clocks = clocks;
  }

  /** Carries out one operation; `args` as `lua/lease.lua` wants them. */
  ask(partition: Partition, args: readonly string[], call: LeaseCall): Promise<LeaseAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#open.length === 0) {
        // Nothing to wait for: nobody else is asking, or the link would be busy.
        if (this.#link.pending === 0) {
          const { operation, timeoutMs } = call;
          const asked = [{ args, call, resolve, reject }];
          return this.#send({ partition, operation, timeoutMs, asked });
        }
        process.nextTick(this.#flush);
      }
      this.#batchFor(partition, call).asked.push({ args, call, resolve, reject });
    });
  }

  #batchFor(partition: Partition, call: LeaseCall): Batch {
    const most = call.operation === "leases.renew" ? MAX_RENEWALS : MAX_OPERATIONS;
    for (const batch of this.#open) {
      const fits = batch.partition === partition && batch.timeoutMs === call.timeoutMs;
      if (fits && batch.asked.length < most) return batch;
    }
    const { operation, timeoutMs } = call;
    const batch: Batch = { partition, operation, timeoutMs, asked: [] };
    this.#open.push(batch);
    return batch;
  }

  readonly #flush = (): void => {
    const batches = this.#open;
    this.#open = [];
    for (const batch of batches) this.#send(batch);
  };

  #send(batch: Batch): void {
    const { partition, asked, timeoutMs, operation } = batch;
    const latest = this.#clocks.of(partition).latestMicros(timeoutMs);
    const args = [partition.prefix, latest === 0 ? "" : String(latest)];
    for (const one of asked) args.push(...one.args);
    const keys = [partition.leases];
    this.#link.run({ operation, script: this.#script, keys, args, timeoutMs }).then(
      ({ value, steady, sentMs }) => {
        const replies = typeof value === "string" ? [value] : (value as readonly string[]);
        const serverMicros = microsOf(replies[0] ?? "");
        this.#clocks.of(partition).learn(serverMicros, sentMs);
        for (const [index, one] of asked.entries()) {
          one.resolve({ reply: parseReply(replies[index] ?? ""), steady, serverMicros });
        }
      },
      (error: unknown) => {
        for (const { call, reject } of asked) reject(call.errorOf?.(error) ?? error);
      },
    );
  }
}
