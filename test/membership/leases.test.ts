/**
 * Leases as membership, and the registry above them, on real servers: a process is paused and
 * killed, another's link is cut, an instance drains and one falls silent, while others look on.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { createRegistry, type Registration } from "@quorate/discovery";
import { createLeaseMembership, type LeaseMembership } from "@quorate/membership";
import { describe, type ExpectStatic, it } from "vitest";

import {
  needs,
  type ServerProcess,
  startNats,
  startRedis,
  startTcpProxy,
} from "../../scripts/servers/index.mjs";
import { connect, type Connected } from "../idempotency/connect.ts";
import { freshNamespace } from "../support/nats-client.ts";

const CHILD = fileURLToPath(new URL("member.child.ts", import.meta.url));
const TTL_MS = 1_000;
/** A TTL, one more where those who look judge (NATS), and what a busy machine costs. */
const NOTICED_MS = 2 * TTL_MS + 3_000;
const GROUP = { group: "workers", ttlMs: TTL_MS };

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Site {
  /** Runs at the end of this site's test: several go on at a time. */
  readonly finally: (work: () => unknown) => void;
  readonly engine: string;
  readonly url: string;
  readonly namespace: string;
}

/** A member in a process of its own. Its last word on itself is in `said`. */
interface Child {
  readonly process: ChildProcess;
  readonly said: { readonly state: string; readonly incarnation: number }[];
}

function start(site: Site, name: string): Child {
  const { engine, url, namespace } = site;
  const env = { ENGINE: engine, URL: url, NAMESPACE: namespace, TTL_MS: String(TTL_MS) };
  const child = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
    env: { ...process.env, ...env, MEMBER: name },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  site.finally(() => child.kill("SIGKILL"));
  const said: Child["said"] = [];
  child.on("message", (message) => said.push(message as Child["said"][number]));
  return { process: child, said };
}

/** Looks until `holds`. */
async function until(what: string, withinMs: number, holds: () => boolean): Promise<void> {
  const startMs = performance.now();
  while (!holds()) {
    if (performance.now() - startMs > withinMs)
      throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
}

async function join(site: Site, id: string): Promise<LeaseMembership> {
  const link = await connected(site);
  const members = createLeaseMembership(link.backend, { ...GROUP, id });
  site.finally(() => members.close());
  await members.ready();
  return members;
}

async function connected(site: Site): Promise<Connected> {
  const link = await connect(site.engine, site.url, site.namespace);
  site.finally(() => link.close());
  return link;
}

const ENGINES = [
  ["redis", () => startRedis()],
  ["nats", () => startNats()],
] as const;

/** A child is paused, wakes, and is killed; meanwhile another's link is cut. */
async function group(site: Site, server: ServerProcess, expect: ExpectStatic): Promise<void> {
  const { url, host, port } = server;
  const proxy = await startTcpProxy({ host, port, url });
  site.finally(() => proxy.close());
  const child = start(site, "child");
  const watcher = await join(site, "watcher");
  const cut = await join({ ...site, url: proxy.url ?? url }, "cut");
  const stateOf = (id: string): string | undefined => watcher.member(id)?.state;
  const is = (id: string, state: string, withinMs: number): Promise<void> =>
    until(`${id} is ${state}`, withinMs, () => stateOf(id) === state);
  await Promise.all([is("child", "alive", 20_000), is("cut", "alive", 2_000)]);
  const before = watcher.member("child")?.incarnation ?? 0;
  await until("the child has said so", 5_000, () => child.said.length > 0);

  child.process.kill("SIGSTOP");
  proxy.refuse(true);
  proxy.cutAll();
  await Promise.all([is("child", "down", NOTICED_MS), is("cut", "down", NOTICED_MS)]);
  expect(cut.self?.state).toBe("down");
  expect(cut.isStale).toBe(true);
  expect(cut.member("watcher")?.state).toBe("alive");
  expect(stateOf("watcher")).toBe("alive");

  child.process.kill("SIGCONT");
  proxy.refuse(false);
  await Promise.all([is("child", "alive", 5_000), is("cut", "alive", 5_000)]);
  expect(watcher.member("child")?.incarnation).toBeGreaterThan(before);
  // It knew by its own clock, and told its parent before it was back.
  const isBack = (): boolean => (child.said.at(-1)?.incarnation ?? 0) > before;
  await until("the child has spoken", 2_000, isBack);
  expect(child.said.at(-2)?.state).toBe("down");

  child.process.kill("SIGKILL");
  await cut.leave();
  await Promise.all([is("cut", "left", 1_000), is("child", "down", NOTICED_MS)]);
}

/** Two instances: one drains, the other's process loses its connection. */
async function registry(site: Site, expect: ExpectStatic): Promise<void> {
  const options = { ttlMs: TTL_MS, watchDelayMs: 200 };
  const links = await Promise.all([connected(site), connected(site), connected(site)]);
  const [one, two, three] = links;
  const register = async ({ backend }: Connected, id: string): Promise<Registration> => {
    const instance = { service: "billing", version: "1.2.0", address: `at-${id}`, id };
    return createRegistry(backend, options).register(instance);
  };
  const [a] = await Promise.all([register(one, "a"), register(two, "b")]);
  const view = createRegistry(three.backend, options).service("billing", "^1.0.0");
  const ids = (): string => view.snapshot.endpoints.map(({ id }) => id).join(" ");
  await until("both are listed", 3_000, () => ids() === "a b");
  await a.update({ weight: 5 });
  await until("the weight is told", 1_000, () => view.endpoint("a")?.weight === 5);
  let seenWhenFinishing = "";
  await a.drain({ finish: () => void (seenWhenFinishing = ids()) });
  expect(seenWhenFinishing).toBe("b");
  await until("a has gone", 1_000, () => view.endpoint("a") === undefined);
  await two.close();
  await until("the last one is doubted", NOTICED_MS, () => view.snapshot.isPanic);
  expect(ids()).toBe("b");
  await view.close();
}

describe.concurrent("leases of a group, and what is registered by them", () => {
  for (const [engine, serve] of ENGINES) {
    it.skipIf(needs(engine).skip)(
      `on ${engine} tell who is paused, killed, cut off, drained`,
      { timeout: 40_000 },
      async ({ expect, onTestFinished }) => {
        const server = await serve();
        onTestFinished(() => server.stop());
        const site: Site = {
          finally: (work) => onTestFinished(async () => void (await work())),
          ...{ engine, url: server.url, namespace: freshNamespace() },
        };
        await Promise.all([group(site, server, expect), registry(site, expect)]);
      },
    );
  }
});
