/**
 * A server, four workers, the shop that they call, and a look at the log of the test's own.
 */
import { createBarrier, createSagas, type SagaState, type Sagas } from "@quorate/transaction";

import { type ServerProcess, startTcpProxy } from "../../scripts/servers/index.mjs";
import type { ServerName, TcpProxy } from "../../scripts/servers/types.ts";
import { type Connected, connect } from "../idempotency/connect.ts";
import { freshNamespace } from "../support/nats-client.ts";
import type { Definition } from "./protocol.ts";
import { Shop } from "./shop.ts";
import { Worker } from "./workers.ts";

/** The workers' leases. */
export const LEASE_MS = 2_000;
/** What is promised: the lease and a second. What a busy machine may cost beyond. */
export const RECOVERED_MS: number = LEASE_MS + 1_000 + 3_000;

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Everything that a test of one engine has. */
export class Site {
  readonly shop: Shop = new Shop();
  readonly workers: readonly Worker[];
  readonly proxy: TcpProxy;
  readonly #server: ServerProcess;
  readonly #log: Connected;
  readonly #till: Connected;
  readonly #sagas: Sagas;

  private constructor(
    server: ServerProcess,
    proxy: TcpProxy,
    workers: (shop: Shop) => Worker[],
    connected: { readonly log: Connected; readonly till: Connected },
  ) {
    this.#server = server;
    this.proxy = proxy;
    this.workers = workers(this.shop);
    this.#log = connected.log;
    this.#till = connected.till;
    this.#sagas = createSagas(this.#log.backend);
  }

  static async open(engine: ServerName, start: () => Promise<ServerProcess>): Promise<Site> {
    const server = await start();
    const { url, host, port } = server;
    const proxy = await startTcpProxy({ host, port, url });
    const namespace = freshNamespace();
    const workers = (shop: Shop): Worker[] =>
      ["first", "second", "owner", "other"].map((name) => {
        // Only one link can be cut, and only that to the log.
        const link = name === "owner" ? (proxy.url ?? url) : url;
        const place = { engine, url: link, tillUrl: url, namespace, leaseMs: LEASE_MS };
        return new Worker(name, place, shop);
      });
    const log = await connect(engine, url, namespace);
    const till = await connect(engine, url, `${namespace}-till`);
    const site = new Site(server, proxy, workers, { log, till });
    await Promise.all(site.workers.map((worker) => worker.hears("ready")));
    return site;
  }

  /** Is killed with sagas in hand. */
  get first(): Worker {
    return this.#worker("first");
  }

  /** Takes over, and is killed too. */
  get second(): Worker {
    return this.#worker("second");
  }

  /** Is stopped and cut off, and lives on. */
  get owner(): Worker {
    return this.#worker("owner");
  }

  /** Nothing happens to it. */
  get other(): Worker {
    return this.#worker("other");
  }

  /** The sagas that the log has, by id. */
  async states(): Promise<Map<string, SagaState>> {
    const states = new Map<string, SagaState>();
    for await (const { id, state } of this.#sagas.list()) states.set(id, state);
    return states;
  }

  /** The states of `ids`, once all of them have ended. */
  async ended(ids: readonly string[]): Promise<Map<string, SagaState>> {
    for (;;) {
      const states = await this.states();
      const hasEnded = (id: string): boolean =>
        states.get(id) === "done" || states.get(id) === "compensated";
      if (ids.every(hasEnded)) return states;
      await sleep(50);
    }
  }

  /** Charges of `id` that the till has. */
  charges(id: string): Promise<number> {
    const barrier = createBarrier(this.#till.backend);
    return barrier.record<number>(`accounts/${id}`, { empty: 0 }).read();
  }

  /** What is wrong with `id` in the world, if its log says `state`; empty: nothing. */
  async problemOf(id: string, state: SagaState | undefined): Promise<string> {
    const outcome = state === "done" ? "completed" : "compensated";
    const problem = this.shop.problemOf(id, outcome);
    if (problem !== undefined) return `${id} ${problem}`;
    const charges = await this.charges(id);
    return charges === (state === "done" ? 1 : 0) ? "" : `${id} was charged ${charges} times`;
  }

  async close(): Promise<void> {
    for (const worker of this.workers) worker.kill();
    await this.#sagas.close({ graceMs: 0 });
    await Promise.all([this.#log.close(), this.#till.close()]);
    await this.proxy.close();
    await this.#server.stop();
  }

  #worker(name: string): Worker {
    const found = this.workers.find((worker) => worker.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }
}

/** Makes `workers` serve `definitions`. */
export function serve(workers: readonly Worker[], ...definitions: readonly Definition[]): void {
  for (const worker of workers) worker.order({ kind: "serve", definitions });
}
