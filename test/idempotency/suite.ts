/**
 * Idempotent calls by real processes on real servers: many at once, killed, stopped, and with the
 * server gone under them.
 */
import type { Backend } from "@quorate/core";
import { createIdempotency } from "@quorate/idempotency";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs, type ServerProcess } from "../../scripts/servers/index.mjs";
import { freshNamespace } from "../support/nats-client.ts";
import { connect, type Connected } from "./connect.ts";
import { type Told, Worker } from "./workers.ts";

const LEASE_MS = 1_000;
/** What a busy machine may cost beyond what is promised. */
const SLACK_MS = 1_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const runsOf = (workers: readonly Worker[]): readonly Told[] =>
  workers.flatMap(({ told }) => told.filter(({ kind }) => kind === "runs"));

/** Three workers, their server, and a backend of the test's own. */
class Site {
  readonly #engine: "redis" | "nats";
  readonly #namespace = freshNamespace();
  readonly workers: Worker[] = [];
  #server: ServerProcess | undefined;
  #here: Connected | undefined;

  constructor(engine: "redis" | "nats") {
    this.#engine = engine;
  }

  async open(start: () => Promise<ServerProcess>): Promise<void> {
    this.#server = await start();
    const { url } = this.#server;
    const [engine, namespace] = [this.#engine, this.#namespace];
    for (let count = 0; count < 3; count += 1) {
      this.workers.push(new Worker({ engine, url, namespace, leaseMs: LEASE_MS }));
    }
    this.#here = await connect(engine, url, namespace);
    await Promise.all(this.workers.map((worker) => worker.hears("ready")));
  }

  async close(): Promise<void> {
    for (const worker of this.workers) worker.kill();
    await this.#here?.close();
    await this.#server?.stop();
  }

  get server(): ServerProcess {
    return there(this.#server);
  }

  get backend(): Backend {
    return there(this.#here).backend;
  }

  get first(): Worker {
    return there(this.workers[0]);
  }

  get second(): Worker {
    return there(this.workers[1]);
  }

  get third(): Worker {
    return there(this.workers[2]);
  }
}

function there<T>(one: T | undefined): T {
  if (one === undefined) throw new Error("the site is not open");
  return one;
}

/** The claims about processes on `engine`, whose server `start` starts. */
export function processesOn(engine: "redis" | "nats", start: () => Promise<ServerProcess>): void {
  describe.skipIf(needs(engine).skip)(`processes on ${engine}`, () => {
    const site = new Site(engine);
    beforeAll(() => site.open(start));
    afterAll(() => site.close());
    together(site);
    disturbed(site);
    withoutServer(site);
  });
}

/** Many at once, and for long. */
function together(site: Site): void {
  it("[42] run one of 100 concurrent duplicates, and give its answer to 99", async () => {
    const orders = (from: number) =>
      Array.from({ length: 34 }, (_, index) => ({ id: from + index, key: "all", workMs: 200 }));
    const all = site.workers.flatMap((worker, index) => {
      const mine = orders(100 * index).slice(0, index === 0 ? 32 : 34);
      worker.order(...mine);
      return mine.map(({ id }) => worker.end(id));
    });
    const ends = await Promise.all(all);
    expect(ends).toHaveLength(100);
    expect(runsOf(site.workers)).toHaveLength(1);
    const [{ id } = { id: 0 }] = runsOf(site.workers);
    for (const end of ends) {
      expect(end).toMatchObject({ kind: "answered", value: { id }, unhandled: [] });
    }
    expect(ends.filter(({ replayed }) => replayed === false)).toHaveLength(1);
  });

  it("[45] keep what takes longer than its lease, for whom it runs", async () => {
    site.first.order({ id: 1_001, key: "long", workMs: 2.5 * LEASE_MS });
    await site.first.hears("runs", 1_001);
    site.second.order({ id: 1_002, key: "long", workMs: 0, waitMs: 10_000 });
    const [one, two] = await Promise.all([site.first.end(1_001), site.second.end(1_002)]);
    expect(one).toMatchObject({ kind: "answered", replayed: false });
    expect(two).toMatchObject({ kind: "answered", replayed: true, value: one["value"] });
  });
}

/** Stopped, blocked, killed. */
function disturbed(site: Site): void {
  it("[43] give the winner's answer to one that was stopped beyond its lease", async () => {
    site.first.order({ id: 2_001, key: "stopped", workMs: 300 });
    const run = await site.first.hears("runs", 2_001);
    site.first.process.kill("SIGSTOP");
    site.second.order({ id: 2_002, key: "stopped", workMs: 0 });
    const won = await site.second.end(2_002);
    const taken = await site.second.hears("runs", 2_002);
    expect(taken).toMatchObject({ takeover: true, attempt: 2 });
    expect(Number(taken["fencingToken"])).toBeGreaterThan(Number(run["fencingToken"]));
    site.first.process.kill("SIGCONT");
    const woken = await site.first.end(2_001);
    expect(woken).toMatchObject({ kind: "answered", replayed: true, value: won["value"] });
    site.third.order({ id: 2_003, key: "stopped", workMs: 0 });
    expect(await site.third.end(2_003)).toMatchObject({ replayed: true, value: won["value"] });
  });

  it("[43] answer nothing after they were blocked beyond their lease", async () => {
    site.first.order({ id: 3_001, key: "blocked", workMs: 2 * LEASE_MS, blocks: true });
    await site.first.hears("runs", 3_001);
    site.second.order({ id: 3_002, key: "blocked", workMs: 2 * LEASE_MS });
    expect(await site.first.end(3_001)).toMatchObject({
      kind: "failed",
      code: "IDEMPOTENCY_SUPERSEDED",
      effect: "unknown",
      outcome: { value: { id: 3_001 } },
    });
    expect(await site.second.end(3_002)).toMatchObject({ replayed: false, value: { id: 3_002 } });
  });

  it("[44] are taken over within a lease when they are killed in the work", async () => {
    site.third.order({ id: 4_001, key: "killed", workMs: 60_000 });
    await site.third.hears("runs", 4_001);
    site.third.kill();
    const killedMs = performance.now();
    const idempotency = createIdempotency(site.backend, { leaseMs: LEASE_MS });
    const value = await idempotency.run("killed", ({ takeover, attempt }) => ({
      takeover,
      attempt,
    }));
    expect(value).toEqual({ takeover: true, attempt: 2 });
    expect(performance.now() - killedMs).toBeLessThan(LEASE_MS + SLACK_MS);
  });
}

/** The server is gone under them. */
function withoutServer(site: Site): void {
  it("do not run while the server is away, and are given the answer when it is back", async () => {
    site.first.order({ id: 5_001, key: "kept", workMs: 0 });
    const kept = await site.first.end(5_001);
    await site.server.kill();
    site.second.order({ id: 5_002, key: "new", workMs: 0 });
    const refused = await site.second.end(5_002);
    expect(refused).toMatchObject({ kind: "failed", effect: "none" });
    expect(runsOf(site.workers).some(({ id }) => id === 5_002)).toBe(false);
    await site.server.restart();
    await expect.poll(async () => (await site.backend.health()).ok, { timeout: 10_000 }).toBe(true);
    site.second.order({ id: 5_003, key: "kept", workMs: 0, waitMs: 5_000 });
    expect(await site.second.end(5_003)).toMatchObject({ replayed: true, value: kept["value"] });
  });

  it("store their answer when the server was away at completion, within the lease", async () => {
    site.first.order({ id: 6_001, key: "late", workMs: 100 });
    await site.first.hears("runs", 6_001);
    site.server.pause();
    await site.first.hears("worked", 6_001);
    await sleep(LEASE_MS / 3);
    site.server.resume();
    const end = await site.first.end(6_001);
    expect(end).toMatchObject({ kind: "answered", replayed: false });
    site.second.order({ id: 6_002, key: "late", workMs: 0 });
    expect(await site.second.end(6_002)).toMatchObject({ replayed: true, value: end["value"] });
  });

  it("say that the work ran when the server stays away, and the key stays held", async () => {
    site.first.order({ id: 7_001, key: "lost", workMs: 100 });
    await site.first.hears("runs", 7_001);
    site.server.pause();
    const end = await site.first.end(7_001);
    site.server.resume();
    expect(end).toMatchObject({
      kind: "failed",
      code: "OUTCOME_UNKNOWN",
      effect: "applied",
      outcome: { value: { id: 7_001 } },
      unhandled: [],
    });
    site.second.order({ id: 7_002, key: "lost", workMs: 0, waitMs: 10_000 });
    const after = await site.second.end(7_002);
    // One of the tries may have landed after all; else the next run is told of the first.
    if (after["replayed"] === true) expect(after).toMatchObject({ value: { id: 7_001 } });
    else expect(await site.second.hears("runs", 7_002)).toMatchObject({ takeover: true });
  });
}
