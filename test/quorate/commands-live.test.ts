/**
 * The commands that look at a living fleet, on real servers; and the demos, as a person starts
 * them, with processes that are really killed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { saga } from "@quorate/transaction";
import { connect, type Quorate } from "quorate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { park } from "../../packages/quorate/src/cli/parked.fixture.ts";
import { runCommandLine } from "../../packages/quorate/src/cli/run.ts";
import { typedTerminal } from "../../packages/quorate/src/cli/terminal.fixture.ts";
import { needs, startNats, startRedis } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import { ROOT } from "../support/repository.ts";

const ENGINES = [
  { name: "redis", need: needs("redis"), start: startRedis, demos: ["lock"] },
  { name: "nats", need: needs("nats"), start: () => startNats(), demos: [] },
] as const;

/** A demo and its children start Node four times; on a busy machine that takes a while. */
const DEMO_TIMEOUT_MS = 60_000;

for (const { name, need, start, demos } of ENGINES) {
  describe.skipIf(need.skip)(`the command line on ${name}${need.reason}`, () => {
    let server: ServerProcess;
    let url = "";
    beforeAll(async () => {
      server = await start();
      url = `${name}://${server.host}:${server.port}`;
    });
    afterAll(() => server.stop());

    itLooksAround(() => url);
    itActsOnSagas(() => url);
    for (const demo of demos) itKeepsItsPromise(demo, () => ["--url", url]);
  });
}

describe("without any server", () => {
  // The stories of the others are tested beside their files, in one process.
  itKeepsItsPromise("cron", () => []);

  it("knows no demo by another name", async () => {
    const { own, said } = typedTerminal();
    expect(await runCommandLine(["demo", "magic"], own)).toBe(2);
    expect(said.err).toContain("one of cron, lock, idempotency, saga, rpc");
  });
});

/** Types a line at the store of `url`. */
async function type(
  url: string,
  ...words: string[]
): Promise<{ code: number; out: string; err: string }> {
  const { own, said } = typedTerminal();
  const code = await runCommandLine([...words, "--url", url], own);
  return { code, ...said };
}

const rowsOf = async (url: string, ...words: string[]): Promise<Record<string, unknown>[]> =>
  JSON.parse((await type(url, ...words, "--json")).out) as Record<string, unknown>[];

function itLooksAround(urlOf: () => string): void {
  it("shows members, instances, and all of it in top", async () => {
    const url = urlOf();
    await using q = await connect(url, { name: "pod-1" });
    await q.members("workers", { data: "eu-1" }).ready();
    await q.discovery.register({ service: "billing", version: "1.4.0", address: "x", zone: "a" });
    const lock = await q.lock.acquire("order/1", { label: "pod-1" });

    const [member] = await rowsOf(url, "members", "ls", "workers");
    expect(member).toMatchObject({ member: "pod-1", state: "alive", data: "eu-1" });
    expect(Math.abs(Date.parse(String(member?.["since"])) - Date.now())).toBeLessThan(60_000);
    expect(await rowsOf(url, "members", "ls", "nobody")).toEqual([]);
    const instance = { service: "billing", version: "1.4.0", zone: "a", weight: 1, state: "up" };
    expect(await rowsOf(url, "discovery", "ls")).toMatchObject([instance]);
    expect(await rowsOf(url, "discovery", "ls", "--service", "billing")).toMatchObject([instance]);
    expect((await type(url, "discovery", "ls", "--service", "nobody")).code).toBe(1);
    const top = JSON.parse((await type(url, "top", "--json")).out) as Record<string, unknown>;
    expect(top).toMatchObject({
      locks: { rows: [{ lock: "lock/order/1", holder: "pod-1" }] },
      members: { rows: expect.arrayContaining([expect.objectContaining({ group: "workers" })]) },
    });
    await lock.release();
  });

  it("tells of members as they come and go, until Ctrl-C", async () => {
    const url = urlOf();
    const { own, said, interrupt } = typedTerminal();
    const watching = runCommandLine(["members", "watch", "pool", "--url", url], own);
    await expect.poll(() => said.out, { timeout: 5_000 }).toContain("that is all");
    const q: Quorate = await connect(url, { name: "pod-9" });
    await q.members("pool").ready();
    await q.close();
    await expect.poll(() => said.out, { timeout: 5_000 }).toMatch(/joined +pod-9[^]*left +pod-9/);
    interrupt();
    expect(await watching).toBe(0);
  });
}

function itActsOnSagas(urlOf: () => string): void {
  it("has a stuck saga helped by the process that serves it, with name and reason", async () => {
    const url = urlOf();
    await using q = await connect(url);
    let isDown = true;
    const order = saga("order", { version: 1, input: (input: string) => input })
      .step("charge", {
        run: () => {
          if (isDown) throw new Error("down");
          return "charged";
        },
        undo: () => {},
        retry: { attempts: 1 },
        onExhausted: "park",
      })
      .returns(({ out }) => out.charge);
    q.sagas.serve(order);
    await q.sagas.run(order, { id: "o-1", input: "" }).catch(() => {});

    const why = ["--why", "the provider is back"];
    expect(await type(url, "saga", "retry", "o-1")).toMatchObject({
      err: expect.stringContaining("--why"),
    });
    expect(await type(url, "saga", "retry", "nobody", ...why)).toMatchObject({ code: 1 });
    const wrong = await type(url, "saga", "skip", "o-1", "ship", "--yes", ...why);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("WRONG_STATE") });
    isDown = false;
    expect((await type(url, "saga", "retry", "o-1", ...why)).code).toBe(0);
    await expect.poll(async () => (await q.sagas.inspect("o-1"))?.state).toBe("done");
    const audit = [{ verb: "retry", by: "anna", why: "the provider is back" }];
    expect((await q.sagas.inspect("o-1"))?.audit).toMatchObject(audit);
  });

  it("says who is missing where nobody serves it, and changes nothing", async () => {
    const url = urlOf();
    const q = await connect(url, { sagas: { remoteVerbs: false } });
    await park(q, "parked", "p-1");
    const told = await type(url, "saga", "abort", "p-1", "--yes", "--why", "a test");
    expect(told.code).not.toBe(0);
    expect(told.err).toMatch(/NO_RESPONDERS|nobody who serves parked v1/);
    expect((await q.sagas.inspect("p-1"))?.audit).toEqual([]);
    await q.close();
  });
}

function itKeepsItsPromise(demo: string, optionsOf: () => readonly string[]): void {
  it(
    `shows ${demo}: every claim is kept, and no process is left`,
    async () => {
      const { code, out, err } = await runDemo(demo, optionsOf());
      expect({ code, err }, out).toEqual({ code: 0, err: "" });
      const told = JSON.parse(out) as { isKept: boolean; claims: { isKept: boolean }[] };
      expect(told.claims.length).toBeGreaterThan(1);
      expect(told).toMatchObject({ isKept: true });
    },
    DEMO_TIMEOUT_MS,
  );
}

/** As a person does: a process of its own. It ends only when its children have. */
async function runDemo(
  demo: string,
  options: readonly string[],
): Promise<{ code: unknown; out: string; err: string }> {
  const program = join(ROOT, "packages/quorate/src/cli.ts");
  const flags = ["--conditions", "@quorate/source", "--import", "tsx"];
  const child = spawn(process.execPath, [...flags, program, "demo", demo, "--json", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (data: Buffer) => void (said.out += data.toString()));
  child.stderr.on("data", (data: Buffer) => void (said.err += data.toString()));
  const [code] = (await once(child, "close")) as unknown[];
  return { code, ...said };
}
