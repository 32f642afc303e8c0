/**
 * The machine behind deadlines, under scripted time.
 */
import { deferred, isQuorateError, raceAbort } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createIdempotency } from "@quorate/idempotency";
import { memoryBackend } from "@quorate/memory";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  currentDeadline,
  deadlineFetchHandler,
  fetchWithDeadline,
  idempotentFetchHandler,
} from "../index.ts";
import { LiveDeadline } from "./live-deadline.ts";
import { checkDeadlineOptions } from "./options.ts";
import { readBudget } from "./read-budget.ts";

describe("the header", () => {
  it("is a whole number of milliseconds, or refused: never a guess", () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.float().map(String),
      fc.integer().map(String),
      fc.constantFrom("", " 5", "5 ", "+5", "05", "5,5", "５", "null", "Infinity", "1_000"),
    );
    fc.assert(
      fc.property(hostile, (value) => {
        const budget = readBudget(value);
        if (budget.kind === "given") {
          expect(value).toMatch(/^[0-9]{1,12}$/);
          expect(Number.isSafeInteger(budget.budgetMs)).toBe(true);
        } else expect(budget.kind).toBe("illegible");
      }),
      { numRuns: 300 },
    );
  });

  it("is none where it is missing, and illegible where it is there twice", () => {
    expect(readBudget(undefined).kind).toBe("none");
    expect(readBudget(null).kind).toBe("none");
    expect(readBudget(["5"])).toEqual({ kind: "given", budgetMs: 5 });
    expect(readBudget(["5", "5"]).kind).toBe("illegible");
  });
});

describe("a deadline", () => {
  const begin = (budgetMs: number) => {
    const runtime = new ScriptedRuntime();
    return { runtime, deadline: new LiveDeadline(runtime, budgetMs) };
  };

  it("counts down, aborts at its end and not before, and says so at each look", async () => {
    const { runtime, deadline } = begin(100);
    const { signal } = deadline;
    await runtime.advance(99);
    expect([deadline.remainingMs, signal.aborted]).toEqual([1, false]);
    deadline.check();
    await runtime.advance(1);
    expect([deadline.isExpired, signal.aborted]).toEqual([true, true]);
    expect(signal.reason).toMatchObject({ code: "TIMEOUT", effect: "unknown" });
    expect(() => deadline.check()).toThrow(expect.objectContaining({ code: "TIMEOUT" }));
  });

  it("aborts a signal that is asked for after its end, or after the client left", async () => {
    const late = begin(10);
    await late.runtime.advance(20);
    expect(isQuorateError(late.deadline.signal.reason, "TIMEOUT")).toBe(true);
    const left = begin(10);
    left.deadline.leave();
    expect(isQuorateError(left.deadline.signal.reason, "ABORTED")).toBe(true);
    expect(() => left.deadline.check()).toThrow(expect.objectContaining({ code: "ABORTED" }));
  });

  it("aborts nothing after the response has ended, nor by a client that it outlives", async () => {
    const ended = begin(10);
    const linked = ended.deadline.signalWith(new AbortController().signal).signal;
    ended.deadline.end();
    ended.deadline.leave();
    await ended.runtime.advance(20);
    expect([ended.deadline.signal.aborted, linked.aborted]).toEqual([false, false]);

    const kept = begin(10);
    const { signal } = kept.deadline;
    kept.deadline.outliveClient();
    kept.deadline.leave();
    expect(signal.aborted).toBe(false);
    await kept.runtime.advance(20);
    expect(signal.aborted).toBe(true);
  });

  it("keeps no timer where nobody asks for the signal", () => {
    const { runtime, deadline } = begin(10);
    expect(runtime.pendingTimers).toBe(0);
    deadline.signal.throwIfAborted();
    expect(runtime.pendingTimers).toBe(1);
    deadline.end();
    expect(runtime.pendingTimers).toBe(0);
  });
});

const request = (ms: number): Request =>
  new Request("https://api.example/", {
    method: "POST",
    headers: { "request-timeout-ms": String(ms), "idempotency-key": "k-1" },
  });

describe("deadlines in a handler", () => {
  it("only shrink: a door inside another gives no time back", async () => {
    const left = (): Response => new Response(String(currentDeadline()?.remainingMs));
    const inner = deadlineFetchHandler(left, { maxMs: 50_000 });
    const outer = deadlineFetchHandler(inner, { maxMs: 200 });
    expect(Number(await (await outer(request(40_000))).text())).toBeLessThanOrEqual(200);
    expect(currentDeadline()).toBeUndefined();
  });

  it("end with a streamed body, not with the handler, where its source needs them", async () => {
    const signals: AbortSignal[] = [];
    const handler = deadlineFetchHandler((_request, deadline) => {
      signals.push(deadline.signal);
      const parts = async function* () {
        yield "one ";
        deadline.check();
        yield String(deadline.signal.aborted);
      };
      const body = ReadableStream.from(parts()).pipeThrough(new TextEncoderStream());
      return new Response(body, { status: 203 });
    });
    const leaving = new AbortController();
    const response = await handler(new Request("https://x.example/", { signal: leaving.signal }));
    expect([response.status, await response.text()]).toEqual([203, "one false"]);
    leaving.abort();
    expect(signals[0]?.aborted).toBe(false);
  });

  it("reach into a body that streams on after its handler", async () => {
    const runtime = new ScriptedRuntime();
    const signals: AbortSignal[] = [];
    const handler = deadlineFetchHandler(
      (_request, { signal }) => {
        signals.push(signal);
        return new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
      },
      { runtime },
    );
    const response = await handler(request(100));
    await runtime.advance(99);
    expect(signals[0]?.aborted).toBe(false);
    await runtime.advance(1);
    expect(signals[0]?.aborted).toBe(true);
    await response.body?.cancel();
  });

  it("are not begun by a run that was late to its key, which then is free", async () => {
    const runtime = new ScriptedRuntime();
    const backend = memoryBackend({ runtime });
    const idempotency = createIdempotency(backend);
    let runs = 0;
    let scopeMs = 60; // Finding out whose request it is takes longer than the caller waits.
    const scope = async (): Promise<string> => {
      await runtime.advance(scopeMs);
      return "acme";
    };
    const protectedHandler = idempotentFetchHandler(() => Response.json({ runs: ++runs }), {
      idempotency,
      runtime,
      scope,
    });
    const handler = deadlineFetchHandler(protectedHandler, { runtime });
    const late = await handler(request(50));
    expect([late.status, runs]).toEqual([504, 0]);
    scopeMs = 10;
    const again = await handler(request(50));
    expect([again.status, runs]).toEqual([200, 1]);
    void idempotency.close();
    void backend.close();
  });
});

it("a duplicate waits for the first no longer than its caller waits", async () => {
  const backend = memoryBackend();
  const idempotency = createIdempotency(backend);
  const free = deferred<void>();
  const entered = deferred<void>();
  const slow = async (): Promise<Response> => {
    entered.resolve();
    await free.promise;
    return new Response();
  };
  const handler = deadlineFetchHandler(
    idempotentFetchHandler(slow, { idempotency, scope: () => "acme", waitMs: 60_000 }),
  );
  const first = handler(request(5_000));
  await entered.promise;
  expect((await handler(request(40))).status).toBe(409);
  free.resolve();
  expect((await first).status).toBe(200);
  await idempotency.close();
  await backend.close();
});

describe("fetchWithDeadline", () => {
  it("is fetch as it was outside of a request, and ends with either signal inside", async () => {
    const seen: (RequestInit | undefined)[] = [];
    const send = fetchWithDeadline(async (_url, init) => {
      seen.push(init);
      return new Response();
    });
    await send("https://x.example/", { method: "PUT" });
    expect(seen).toEqual([{ method: "PUT" }]);

    const mine = new AbortController();
    const { signal } = mine;
    const handler = deadlineFetchHandler(() =>
      send("https://x.example/", { signal, headers: { "x-own": "1" } }),
    );
    await handler(new Request("https://x.example/"));
    const headers = new Headers(seen[1]?.headers);
    expect(headers.get("x-own")).toBe("1");
    expect(Number(headers.get("request-timeout-ms"))).toBeGreaterThan(59_000);
  });

  it("is ended by the caller's own signal, and by the deadline's", async () => {
    const hang = fetchWithDeadline((_url, init) =>
      raceAbort(new Promise<Response>(() => {}), init?.signal ?? undefined),
    );
    const mine = new AbortController();
    const { signal } = mine;
    const handler = deadlineFetchHandler(() => hang("https://x.example/", { signal }));
    const over = handler(request(20));
    await expect(over).rejects.toMatchObject({ code: "TIMEOUT", effect: "unknown" });
    const given = handler(request(5_000));
    mine.abort(new Error("not needed"));
    await expect(given).rejects.toThrow("not needed");
  });

  it("refuses options that nobody knows, and bounds that are none", () => {
    const refused = (options: object) => () => checkDeadlineOptions(options);
    for (const options of [{ max: 1 }, { maxMs: 0 }, { maxMs: 1e12 }, { header: "a b" }]) {
      expect(refused(options)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    }
    expect(checkDeadlineOptions({ defaultMs: Infinity }).defaultMs).toBe(Infinity);
  });
});
