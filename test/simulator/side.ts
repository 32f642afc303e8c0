/**
 * One side of a comparison: clients of one engine, who do what they are told and say what came of
 * it in words that do not depend on the engine's numbers.
 *
 * Revisions are named by the operation that made them, tokens only compared within a side, times
 * left out. What happens by itself, grants to waiters and messages to subscribers, is in `state`.
 */
import {
  type Backend,
  deferred,
  type Entry,
  type Grant,
  invariant,
  isQuorateError,
  type LeaseHolder,
  type LeaseState,
  type Refusal,
} from "@quorate/core";
import type { Claim, Operation, RevisionRef } from "./operations.ts";

/** How a side opens its clients, and how long its leases and entries take to be gone. */
export interface Engine {
  readonly name: string;
  open(namespace: string): Promise<Backend>;
}

const TTL_MS = 600_000;
const LAPSE_TTL_MS = 250;
const BOGUS_REVISION = 1;

/** An acquire that stands in line, or stood. */
interface Waiting {
  readonly name: string;
  state: string;
  readonly controller: AbortController;
}

/** Clients of one engine. */
export class Side {
  readonly #engine: Engine;
  readonly #namespace: string;
  /** After this long something that lapsed is gone for everybody. */
  readonly #lapseMs: number;
  readonly #clients: Backend[] = [];
  /** Which operation made a revision, and which revision it made. */
  readonly #writer = new Map<number, string>();
  readonly #written = new Map<number, number>();
  readonly #grants = new Map<string, Grant>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #highest = new Map<string, number>();
  /** Messages by subscription, or by queue where members share. */
  readonly #inboxes = new Map<string, string[]>();
  readonly #seen = new Map<string, string>();
  readonly #held = new Set<string>();
  #watching: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, namespace: string, lapseMs: number) {
    this.#engine = engine;
    this.#namespace = namespace;
    this.#lapseMs = lapseMs;
  }

  /** Opens `count` clients; the first one watches everything. */
  async open(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      this.#clients.push(await this.#engine.open(this.#namespace));
    }
    const watcher = await this.#engine.open(this.#namespace);
    this.#clients.push(watcher);
    await Promise.all(this.#clients.map((client) => client.ready()));
    this.#watching = Promise.allSettled([this.#watchKv(watcher), this.#watchLeases(watcher)]);
  }

  async close(): Promise<void> {
    for (const { controller } of this.#waiting.values()) controller.abort(new Error("over"));
    await Promise.all(this.#clients.map((client) => client.close({ graceMs: 100 })));
    // Some engines end a watch when they are closed, some say CLOSED.
    await this.#watching;
  }

  /** What has come of what happens by itself. */
  state(): object {
    const waiting = [...this.#waiting].map(([owner, { state }]) => `${owner} ${state}`);
    const inboxes = [...this.#inboxes].map(([id, texts]) => {
      // Members of a queue share, and nobody says who gets what in which order.
      return `${id}: ${(id.includes("queue") ? [...texts].sort() : texts).join(" ")}`;
    });
    const seen = [...this.#seen].map(([key, value]) => `${key}=${value}`);
    return { waiting, inboxes, seen: seen.sort(), held: [...this.#held].sort() };
  }

  /** Does what is asked. What went wrong is an answer too. */
  async run(operation: Operation): Promise<unknown> {
    try {
      return await this.#run(operation, this.#client(operation.client));
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      return `${error.code}, effect ${error.effect}`;
    }
  }

  /** Everything there is in the end. */
  async dump(): Promise<object> {
    const client = this.#client(0);
    const entries: unknown[] = [];
    for (const collection of ["", "a", "a/b", "f", "z"]) {
      for await (const entry of client.kv.list(collection)) entries.push(this.#entry(entry));
    }
    return { entries, leases: await this.#leases("") };
  }

  async #run(operation: Operation, client: Backend): Promise<unknown> {
    switch (operation.kind) {
      case "put":
        return this.#put(operation, client);
      case "get":
        return this.#entry(await client.kv.get(operation.key));
      case "delete":
        return this.#delete(operation, client);
      case "list": {
        const { collection, pageSize } = operation;
        const entries: unknown[] = [];
        for await (const entry of client.kv.list(collection, { pageSize })) {
          entries.push(this.#entry(entry));
        }
        return entries;
      }
      case "fence":
        return this.#fence(operation, client);
      case "acquire":
        return this.#acquire(operation.claim, operation.waitMs, client);
      case "renew": {
        const grants = operation.owners.flatMap((owner) => this.#grants.get(owner) ?? []);
        return client.leases.renew(grants);
      }
      case "release": {
        const grant = this.#grants.get(operation.owner);
        if (grant === undefined) return "not granted";
        // Redis takes an owner's old grant, given back, for its new place in line too.
        if (this.#waiting.get(grant.owner)?.state === "waits") return "waits again";
        const { name, owner } = grant;
        return client.leases.release(operation.byOwnerAlone ? { name, owner } : grant);
      }
      case "abort":
        return this.#abort(operation.owner, client);
      case "inspect":
        return stateOf(await client.leases.inspect(operation.name));
      case "list leases":
        return this.#leases(operation.prefix);
      case "subscribe":
        return this.#subscribe(operation, client);
      case "publish":
        await client.bus.publish(operation.subject, Buffer.from(operation.text));
        // Handed over is not arrived: what is asked after it is answered after it.
        await client.kv.get("solo");
        return "published";
      case "request": {
        const data = Buffer.from(operation.text);
        const answer = await client.bus.request(operation.subject, data, { timeoutMs: 5_000 });
        return Buffer.from(answer.data).toString();
      }
      case "reopen":
        return this.#reopen(operation.client, client);
      case "lapse of a key":
        return this.#lapseOfKey(operation, client);
      case "lapse of a lease":
        return this.#lapseOfLease(operation.claim, client);
    }
  }

  async #reopen(index: number, client: Backend): Promise<unknown> {
    // Redis grants a waiter a claim window only, until its client has confirmed that it lives; a
    // client that closes before that leaves less than its TTL behind. A renewal confirms at once.
    await client.leases.renew([...this.#grants.values()]);
    await client.close({ graceMs: 100 });
    this.#clients[index] = await this.#engine.open(this.#namespace);
    return "reopened";
  }

  async #delete(operation: Operation & { kind: "delete" }, client: Backend): Promise<unknown> {
    const expect = this.#revision(operation.expect);
    if (expect === "absent") return "not asked";
    const options = expect === undefined ? {} : { expect };
    const result = await client.kv.delete(operation.key, options);
    return result.ok ? "deleted" : { conflict: this.#entry(result.current) };
  }

  /** The waiter gives up; answered when it has left the line. */
  async #abort(owner: string, client: Backend): Promise<unknown> {
    const waiting = this.#waiting.get(owner);
    if (waiting?.state !== "waits") return "nobody waits";
    waiting.controller.abort(new Error("changed our mind"));
    for (let look = 0; look < 50; look++) {
      const { holders, waiters } = await client.leases.inspect(waiting.name);
      if (![...holders, ...waiters].some((each) => each.owner === owner)) break;
      await turn(client, 1);
    }
    return "aborted";
  }

  async #lapseOfKey(
    operation: Operation & { kind: "lapse of a key" },
    client: Backend,
  ): Promise<unknown> {
    const { key, n } = operation;
    const put = await client.kv.put(key, "x", { ttlMs: LAPSE_TTL_MS, operationId: `lapse-${n}` });
    invariant(put.ok, "a put without a condition was refused");
    const isBounded = put.entry.expiresInMs !== undefined;
    await this.#pass(client);
    return { isBounded, after: this.#entry(await client.kv.get(key)) };
  }

  async #lapseOfLease(claim: Claim, client: Backend): Promise<unknown> {
    const request = { ...claimOf(claim), ttlMs: LAPSE_TTL_MS };
    const answer = await client.leases.acquire(claim.name, request);
    if (!answer.granted) return this.#refusal(answer);
    this.#grants.set(answer.owner, answer);
    await this.#pass(client);
    return { granted: true, renewal: await client.leases.renew([answer]) };
  }

  async #put(operation: Operation & { kind: "put" }, client: Backend): Promise<unknown> {
    const { key, value, operationId, n } = operation;
    const expect = this.#revision(operation.expect);
    const options = { operationId, ...(expect === undefined ? {} : { expect }) };
    const result = await client.kv.put(key, value, options);
    if (!result.ok) return { conflict: this.#entry(result.current) };
    if (!result.replayed) this.#wrote(n, result.entry.revision);
    return { put: this.#entry(result.entry), replayed: result.replayed };
  }

  async #fence(operation: Operation & { kind: "fence" }, client: Backend): Promise<unknown> {
    const { fenced } = client.kv;
    if (fenced === undefined) return "no fenced writes";
    const { key, token, payload, n } = operation;
    const options = { operationId: `fence-${n}` };
    const result =
      payload === undefined
        ? await fenced.raise(key, token, options)
        : await fenced.write(key, token, Buffer.from(payload), options);
    if (result.ok) this.#wrote(n, result.revision);
    return result.ok ? "fenced" : { floor: result.floor };
  }

  /** A claim that may have to wait is left to itself; its fate is in the state. */
  async #acquire(claim: Claim, waitMs: number, client: Backend): Promise<unknown> {
    const request = { ...claimOf(claim), ttlMs: TTL_MS, waitMs };
    const isInLine = this.#waiting.get(claim.owner)?.state === "waits";
    // To ask again with less patience while in line is to leave it on one engine only.
    if (isInLine) return "waits already";
    if (waitMs < TTL_MS) return this.#answer(await client.leases.acquire(claim.name, request));
    const controller = new AbortController();
    const waiting: Waiting = { name: claim.name, state: "waits", controller };
    this.#waiting.set(claim.owner, waiting);
    const asked = client.leases.acquire(claim.name, { ...request, signal: controller.signal });
    asked.then(
      (answer) => (waiting.state = JSON.stringify(this.#answer(answer))),
      (error: unknown) => {
        waiting.state = isQuorateError(error) ? error.code : (error as Error).message;
      },
    );
    // It has its place in line, or its grant, before anybody else asks.
    await this.#untilInLine(claim, waiting, client);
    return "asked";
  }

  async #untilInLine(claim: Claim, waiting: Waiting, client: Backend): Promise<void> {
    for (let look = 0; look < 500 && waiting.state === "waits"; look++) {
      const { waiters } = await client.leases.inspect(claim.name);
      if (waiters.some(({ owner }) => owner === claim.owner)) return;
      await turn(client, 1);
    }
  }

  async #subscribe(
    operation: Operation & { kind: "subscribe" },
    client: Backend,
  ): Promise<unknown> {
    const { target, queue, n } = operation;
    const id = queue === undefined ? `subscription ${n}` : `queue of ${target}`;
    const texts = this.#inboxes.get(id) ?? [];
    this.#inboxes.set(id, texts);
    const options = queue === undefined ? {} : { queue };
    await client.bus.subscribe(
      target,
      async ({ data, subject, respond }) => {
        const text = Buffer.from(data).toString();
        texts.push(`${subject}:${text}`);
        await respond?.(Buffer.from(`re ${text}`));
      },
      options,
    );
    return "subscribed";
  }

  async #leases(prefix: string): Promise<object[]> {
    const states: object[] = [];
    for await (const state of this.#client(0).leases.list(prefix)) states.push(stateOf(state));
    return states;
  }

  #answer(answer: Grant | Refusal): unknown {
    if (!answer.granted) return this.#refusal(answer);
    const { name, owner, fencingToken, weight } = answer;
    const before = this.#grants.get(owner);
    const highest = this.#highest.get(name) ?? 0;
    const isSame = before?.fencingToken === fencingToken;
    // Two may be granted in one step, and heard of in any order.
    const kind = isSame ? "the same grant" : "a new grant";
    if (before !== undefined && !isSame) {
      invariant(fencingToken > before.fencingToken, `${name}: a new grant has an old token`);
    }
    this.#highest.set(name, Math.max(highest, fencingToken));
    this.#grants.set(owner, answer);
    return { granted: kind, name, owner, weight };
  }

  #refusal({ holders }: Refusal): unknown {
    return { refused: holders.map(holderOf) };
  }

  #entry(entry: Entry | undefined): unknown {
    if (entry === undefined) return "nothing";
    const { key, value, revision, createdRevision, operationId } = entry;
    const name = (made: number): string => this.#writer.get(made) ?? "an unknown operation";
    return {
      key,
      value: Buffer.from(value).toString("latin1"),
      revision: name(revision),
      created: name(createdRevision),
      operationId,
      isBounded: entry.expiresInMs !== undefined,
    };
  }

  #wrote(n: number, revision: number): void {
    if (this.#writer.has(revision)) return; // Nothing had to be written.
    this.#written.set(n, revision);
    this.#writer.set(revision, `operation ${n}`);
  }

  #revision(ref: RevisionRef | undefined): number | "absent" | undefined {
    if (ref === undefined || ref === "absent") return ref;
    return this.#written.get(ref.at) ?? BOGUS_REVISION;
  }

  #client(index: number): Backend {
    const client = this.#clients[index];
    invariant(client !== undefined, `there is no client ${index}`);
    return client;
  }

  #pass(client: Backend): Promise<void> {
    return turn(client, LAPSE_TTL_MS + this.#lapseMs);
  }

  async #watchKv(client: Backend): Promise<void> {
    for await (const change of client.kv.watch("")) {
      if (change.kind === "put") {
        this.#seen.set(change.entry.key, Buffer.from(change.entry.value).toString("latin1"));
      } else if (change.kind === "delete") this.#seen.delete(change.key);
    }
  }

  async #watchLeases(client: Backend): Promise<void> {
    for await (const event of client.leases.watch("")) {
      if (event.kind === "granted") this.#held.add(`${event.name} ${event.holder.owner}`);
      else if (event.kind === "ended") this.#held.delete(`${event.name} ${event.owner}`);
    }
  }
}

function claimOf({ owner, weight, capacity, fair }: Claim) {
  return { owner, weight, capacity, fair, data: `data of ${owner}` };
}

function holderOf({ owner, weight, data }: LeaseHolder): object {
  return { owner, weight, data };
}

function stateOf({ name, holders, waiters }: LeaseState): object {
  // By owner: the order of tokens is compared by who was granted when.
  return { name, holders: holders.map(holderOf), waiters };
}

/** Lets real time pass. */
export function turn(client: Backend, ms: number): Promise<void> {
  const passed = deferred<void>();
  client.runtime.time.setTimer(ms, passed.resolve);
  return passed.promise;
}
