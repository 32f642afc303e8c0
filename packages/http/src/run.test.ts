import { describe, expect, it } from "vitest";

import { refuse } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createIdempotency } from "@quorate/idempotency";
import { memoryBackend } from "@quorate/memory";
import type { Answer } from "./answer.ts";
import type { NotStored } from "./events.ts";
import { type FetchIdempotencyOptions, idempotentFetchHandler } from "./fetch/fetch-handler.ts";
import { keptHeaders } from "./header-policy.ts";
import { storedByDefault } from "./options.ts";
import { HttpRun, type RunTerms } from "./run.ts";

const answer: Answer = { status: 201, headers: [], body: Buffer.from("done") };

async function runOf(more: Partial<RunTerms> = {}) {
  const runtime = new ScriptedRuntime();
  const backend = memoryBackend({ runtime });
  const idempotency = createIdempotency(backend, { leaseMs: 10_000 });
  const begin = async (): Promise<HttpRun> => {
    const beginning = idempotency.begin("k", { concurrent: "reject" });
    beginning.catch(() => {}); // It is looked at a moment later.
    await runtime.advance(0);
    const begun = await beginning;
    if (begun.kind !== "claimed") throw new Error(begun.kind);
    return new HttpRun(begun.execution, "client's", {
      store: storedByDefault,
      maxBodyBytes: 1_000,
      unkept: "release",
      kept: keptHeaders("replayHeaders"),
      maxRunMs: 60_000,
      storeWaitMs: 5_000,
      cutOffMs: 1_000,
      problemBase: "urn:x:",
      runtime,
      ...more,
    });
  };
  const told = (): NotStored[] =>
    runtime.recorded
      .filter(({ name }) => name === "http.not-stored")
      .map(({ event }) => event as NotStored);
  return { runtime, backend, idempotency, begin, told, run: await begin() };
}

describe("a run", () => {
  it("keeps its key as long as it runs, but not for ever", async () => {
    const { runtime, begin } = await runOf();
    await runtime.advance(55_000); // Five leases and a half: it was renewed.
    await expect(begin()).rejects.toMatchObject({ code: "IDEMPOTENCY_IN_FLIGHT" });
    await runtime.advance(20_000); // Past `maxRunMs`, and the lease after it.
    expect((await begin()).context).toMatchObject({ takeover: true, attempt: 2 });
  });

  it("that answers after it was given up sends its answer, marked", async () => {
    const { runtime, run, told } = await runOf();
    await runtime.advance(61_000);
    const finishing = run.finish(answer);
    await runtime.advance(6_000);
    const outcome = await finishing;
    expect(outcome.kind).toBe("own");
    expect(outcome.answer.headers).toContainEqual(["idempotency-not-stored", "store"]);
    expect(told()).toMatchObject([{ reason: "store", status: 201 }]);
  });

  it("waits for a mute store no longer than it may, and tells why", async () => {
    const { runtime, run, backend, told } = await runOf();
    backend.faults.pauseReplies();
    const finishing = run.finish(answer);
    await runtime.advance(4_999);
    expect(await Promise.race([finishing, Promise.resolve("waiting")])).toBe("waiting");
    await runtime.advance(2);
    expect((await finishing).answer.headers).toContainEqual(["idempotency-not-stored", "store"]);
    expect(told()[0]?.error).toBe("Error");
  });

  it("is ended once: the second ending says nothing and changes nothing", async () => {
    const { runtime, run, idempotency } = await runOf();
    const first = run.finish(answer);
    const second = run.finish({ ...answer, status: 500 });
    await runtime.advance(0);
    expect((await first).answer).toBe(answer);
    expect((await second).kind).toBe("own");
    await run.fail(new Error("late"));
    const peeking = idempotency.peek("k");
    await runtime.advance(0);
    expect(await peeking).toMatchObject({ state: "completed" });
    expect(runtime.pendingTimers).toBeLessThan(5);
  });

  it.each([
    ["an error that may have had effects", new Error("half-way"), true],
    ["a refusal, which had none", refuse("no"), false],
  ])("after %s lets the next one begin at once", async (_what, error, takeover) => {
    const { runtime, run, begin } = await runOf();
    const failing = run.fail(error);
    await runtime.advance(0);
    await failing;
    expect((await begin()).context.takeover).toBe(takeover);
  });

  it.each([
    [401, false],
    [429, false],
    [500, true],
  ])("that answers %i leaves the key free (takeover: %s)", async (status, takeover) => {
    const { runtime, run, begin } = await runOf();
    const finishing = run.finish({ ...answer, status });
    await runtime.advance(0);
    expect((await finishing).answer.headers).toEqual([]);
    expect((await begin()).context.takeover).toBe(takeover);
  });

  it("stores what the service says, a 500 too", async () => {
    const { runtime, run, begin } = await runOf({ store: () => true });
    const finishing = run.finish({ ...answer, status: 500 });
    await runtime.advance(0);
    await finishing;
    await expect(begin()).rejects.toThrow("replay");
  });
});

describe("an answer that the store cannot hold", () => {
  it("is sent, marked as too large, and not run for again", async () => {
    const idempotency = createIdempotency(memoryBackend(), { maxResultBytes: 100 });
    const options: FetchIdempotencyOptions = { idempotency, scope: () => "acme" };
    let runs = 0;
    const handler = idempotentFetchHandler(() => new Response("x".repeat(200 * ++runs)), options);
    const post = (): Promise<Response> =>
      handler(new Request("http://x/", { method: "POST", headers: { "idempotency-key": "k" } }));
    const first = await post();
    expect(first.headers.get("idempotency-not-stored")).toBe("too-large");
    expect((await first.text()).length).toBe(200);
    const second = await post();
    expect([second.status, runs]).toEqual([409, 1]);
    expect(await second.json()).toMatchObject({ type: "urn:quorate:idempotency:answer-not-kept" });
  });
});
