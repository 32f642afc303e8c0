/**
 * Processes that are killed, on real servers: what a dead client left running is aborted, a keyed
 * call whose server died happens once, and a stream whose server died says so.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { type Backend, deferred } from "@quorate/core";
import { createIdempotency } from "@quorate/idempotency";
import { client, type KeyedFacts, serve } from "@quorate/rpc";
import { afterAll, beforeAll, describe, it } from "vitest";

import { needs, type ServerProcess, startNats, startRedis } from "../../scripts/servers/index.mjs";
import { connect, type Connected } from "../idempotency/connect.ts";
import { freshNamespace } from "../support/nats-client.ts";
import { LEASE_MS, Till, Waits } from "./more.contract.ts";

const CHILD = fileURLToPath(new URL("more.child.ts", import.meta.url));

const ENGINES = [
  ["redis", () => startRedis()],
  ["nats", () => startNats()],
] as const;

/** Serves `wait`, whose handler ends by its signal alone. */
async function serveWaits(backend: Backend) {
  const begun = deferred<void>();
  const aborted = deferred<{ readonly atMs: number; readonly reason: unknown }>();
  await serve(backend, Waits, {
    ping: (text) => text,
    wait: (_, { signal }) => {
      begun.resolve();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          aborted.resolve({ atMs: performance.now(), reason: signal.reason });
          reject(signal.reason as Error);
        });
      });
    },
  });
  return { hasBegun: begun.promise, aborted: aborted.promise };
}

/** Serves payments after the death of their first server; its runs. */
async function serveHeir(backend: Backend) {
  const runs: { key: string; takeover: boolean; applied: boolean }[] = [];
  const idempotency = createIdempotency(backend, { name: "till", leaseMs: LEASE_MS });
  const pay = async (key: string, takeover: boolean): Promise<string> => {
    const put = await backend.kv.put(`effects/${key}`, "by the heir", { expect: "absent" });
    runs.push({ key, takeover, applied: put.ok });
    return put.ok ? "by the heir" : "it was there";
  };
  const ticks = async function* (): AsyncGenerator<number> {};
  const handlers = { pay: (_: number, call: KeyedFacts) => pay(call.key, call.takeover), ticks };
  await serve(backend, Till, handlers, { idempotency });
  return runs;
}

/** A process that is going to be killed, and what it tells. */
class Child {
  readonly #process: ChildProcess;
  readonly #told: string[] = [];
  readonly #heard: (() => void)[] = [];

  constructor(env: Record<string, string>) {
    this.#process = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#process.on("message", (message) => {
      if (typeof message === "string") this.#told.push(message);
      for (const heard of this.#heard.splice(0)) heard();
    });
  }

  async hears(kind: string): Promise<void> {
    while (!this.#told.includes(kind)) {
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

describe.concurrent("a process that is killed", () => {
  for (const [engine, start] of ENGINES) {
    describe.skipIf(needs(engine).skip)(`on ${engine}`, () => {
      let server: ServerProcess | undefined;
      const links: Connected[] = [];
      const children: Child[] = [];
      const namespace = freshNamespace();

      const backend = async (): Promise<Backend> => {
        const link = await connect(engine, server?.url ?? "", namespace);
        links.push(link);
        return link.backend;
      };

      beforeAll(async () => {
        server = await start();
      });

      afterAll(async () => {
        for (const one of children) one.kill();
        await Promise.all(links.map((link) => link.close()));
        await server?.stop();
      });

      it("leaves no handler running; its keyed calls happen once; its stream says so", async ({
        expect,
      }) => {
        const [here, heirs] = await Promise.all([backend(), backend()]);
        const waits = await serveWaits(here);
        const doomed = new Child({ ENGINE: engine, URL: server?.url ?? "", NAMESPACE: namespace });
        children.push(doomed);
        await Promise.all([doomed.hears("ready"), waits.hasBegun]);

        const till = client(here, Till, { streams: { keepAliveMs: 500 }, tries: 1 });
        const ticks: number[] = [];
        const flowing = deferred<void>();
        const reading = (async () => {
          for await (const tick of till.ticks(0)) if (ticks.push(tick) > 2) flowing.resolve();
        })().catch((error: unknown) => error);
        await flowing.promise;
        const lost = ["effect", "stored"].map((key) =>
          till.pay(1, { key, timeoutMs: 1_000 }).catch((error: unknown) => error),
        );
        await Promise.all([doomed.hears("effect"), doomed.hears("answering")]);
        doomed.kill();
        const killedMs = performance.now();
        for (const error of await Promise.all(lost)) {
          expect(error).toMatchObject({ code: "TIMEOUT", effect: "unknown" });
        }

        const runs = await serveHeir(heirs);
        const keys = ["effect", "stored"];
        const late = keys.map((key) => till.pay(1, { key, timeoutMs: 10_000 }));
        expect(await Promise.all(late)).toEqual(["it was there", "by the first"]);
        expect(runs).toEqual([{ key: "effect", takeover: true, applied: false }]);

        expect(await reading).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown" });
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks).toEqual(ticks.map((_, at) => at));

        const { atMs, reason } = await waits.aborted;
        expect(reason).toMatchObject({ code: "ABORTED", effect: "unknown" });
        expect(atMs - killedMs).toBeLessThan(LEASE_MS + 1_000);
        await till.close();
      }, 60_000);
    });
  }
});
