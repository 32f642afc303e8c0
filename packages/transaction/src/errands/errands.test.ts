import { describe, expect, it } from "vitest";
import { saga } from "../saga/define.ts";
import { Shop } from "../saga/saga.fixture.ts";
import type { SagaControl, SagasOptions } from "../saga/sagas.ts";

const WHO = { by: "ada", why: "a test" };

/** A saga stuck at `b`, a process that serves it, and one that does not. */
async function stuckSaga(options: SagasOptions = { remoteVerbs: true }) {
  const shop = new Shop();
  const ab = shop.line(["a", "b"], {
    step: { b: { onExhausted: "park", retry: { attempts: 1 } } },
  });
  let isDown = true;
  shop.behave.set("b do", () => {
    if (isDown) throw new Error("down");
    return { by: "b" };
  });
  const here = shop.process([ab], options);
  const outside = shop.process([]);
  await shop.world.runtime.advance(100);
  await shop.world.outcome(here.sagas.run(ab, { id: "x", input: { n: 1 } }));
  const control = await outside.sagas.remote("x", { timeoutMs: 1_000 });
  if (control === undefined) throw new Error("there is no saga x");
  const act = (verb: (saga: SagaControl) => Promise<void>) => shop.world.outcome(verb(control));
  return { shop, ab, here, outside, control, act, recover: () => void (isDown = false) };
}

describe("a verb from outside", () => {
  it("is carried out where the definition is served, and kept with who and why", async () => {
    const { shop, outside, act, recover } = await stuckSaga();
    recover();
    expect(await act((saga) => saga.retry(undefined, WHO))).toEqual({ kind: "value" });
    await shop.world.runtime.advance(100);
    const after = await outside.sagas.inspect("x");
    expect(after).toMatchObject({ state: "done", stuck: [], audit: [{ verb: "retry", ...WHO }] });
  });

  it.each([
    ["skip", (saga: SagaControl) => saga.skip("b", WHO), "done"],
    ["resolve", (saga: SagaControl) => saga.resolve("b", { by: "ada" }, WHO), "done"],
    ["cancel", (saga: SagaControl) => saga.cancel(WHO), "compensated"],
    ["force-done", (saga: SagaControl) => saga.force("done", { ...WHO, result: 7 }), "done"],
    ["force-compensated", (saga: SagaControl) => saga.force("compensated", WHO), "compensated"],
  ])("may be %s", async (verb, say, state) => {
    const { shop, here, act } = await stuckSaga();
    expect(await act(say)).toEqual({ kind: "value" });
    await shop.world.runtime.advance(100);
    const after = await here.sagas.inspect("x");
    expect(after).toMatchObject({ state, audit: [{ verb, ...WHO }] });
    if (verb === "resolve") expect(after?.steps.get("b")?.output).toEqual({ by: "ada" });
    if (verb === "force-done") expect(after?.result).toBe(7);
  });

  it("is refused as it would be there, and changes nothing", async () => {
    const { outside, act } = await stuckSaga();
    const refused = await act((saga) => saga.skip("a", WHO));
    expect(refused).toMatchObject({
      kind: "error",
      error: { code: "WRONG_STATE", effect: "none", details: { id: "x", verb: "skip" } },
    });
    expect((await outside.sagas.inspect("x"))?.audit).toEqual([]);
  });

  it("is carried out by one of all who serve the definition", async () => {
    const { shop, ab, outside, act } = await stuckSaga();
    shop.process([ab], { remoteVerbs: true });
    await shop.world.runtime.advance(100);
    expect(await act((saga) => saga.retry("b", WHO))).toEqual({ kind: "value" });
    expect((await outside.sagas.inspect("x"))?.audit).toHaveLength(1);
  });

  it("reaches the sagas inside of a served one", async () => {
    const shop = new Shop();
    const inner = shop.line(["a"], {
      name: "inner",
      step: { a: { onExhausted: "park", retry: { attempts: 1 } } },
    });
    shop.behave.set("a do", () => {
      throw new Error("down");
    });
    const outer = saga("outer", { version: 1, input: (input: { n: number }) => input })
      .child("audit", inner, ({ input }) => input)
      .returns(() => "whole");
    const { sagas } = shop.process([outer], { remoteVerbs: true });
    const outside = shop.process([]);
    void sagas.run(outer, { id: "x", input: { n: 1 } }).catch(() => {});
    await shop.world.runtime.advance(1_000);
    const child = await outside.sagas.remote("x/audit");
    expect(await shop.world.outcome(child!.skip("a", WHO))).toEqual({ kind: "value" });
  });
});

describe("where a verb cannot be carried out", () => {
  it.each([
    ["nobody heard of verbs from outside", {}],
    ["it was told not to", { remoteVerbs: false }],
  ])("says at once that nobody listens: %s", async (_, options) => {
    const { act } = await stuckSaga(options);
    expect(await act((saga) => saga.retry(undefined, WHO))).toMatchObject({
      kind: "error",
      error: {
        code: "NO_RESPONDERS",
        effect: "none",
        message: expect.stringMatching(/nobody who serves line v1 .* remoteVerbs/),
      },
    });
  });

  it("does not ask who serves the same version in another shape", async () => {
    const { shop, here, act } = await stuckSaga();
    await here.sagas.close();
    shop.process([shop.line(["a", "b", "c"])], { remoteVerbs: true });
    await shop.world.runtime.advance(100);
    expect(await act((saga) => saga.retry(undefined, WHO))).toMatchObject({
      error: { code: "NO_RESPONDERS" },
    });
  });

  it("says that it does not know, where the answer does not come", async () => {
    const { here, act } = await stuckSaga();
    here.process.pause();
    expect(await act((saga) => saga.retry(undefined, WHO))).toMatchObject({
      error: { code: "TIMEOUT", effect: "unknown", message: expect.stringContaining("audit") },
    });
  });

  it("sends nothing that is wrong in itself, or too long", async () => {
    const { act, control, outside } = await stuckSaga();
    const wrong: [(saga: SagaControl) => Promise<void>, string][] = [
      [(saga) => saga.cancel({ by: "", why: "x" }), "INVALID_ARGUMENT"],
      [(saga) => saga.skip("", WHO), "INVALID_ARGUMENT"],
      [(saga) => saga.resolve("b", "x".repeat(300_000), WHO), "TOO_LARGE"],
    ];
    for (const [verb, code] of wrong) {
      expect(await act(verb)).toMatchObject({ error: { code, effect: "none" } });
    }
    expect((await outside.sagas.inspect(control.id))?.audit).toEqual([]);
    expect(await outside.sagas.remote("nobody")).toBeUndefined();
    await expect(outside.sagas.remote("x", { timeoutMs: 0 })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("tells of other failures that they happened there", async () => {
    const { here, act } = await stuckSaga();
    here.process.calls.fate = (_, name) => (name.startsWith("put") ? "none" : undefined);
    expect(await act((saga) => saga.retry(undefined, WHO))).toMatchObject({
      error: { code: "REMOTE_FAILED", effect: "none", details: { error: "STORE_UNAVAILABLE" } },
    });
  });
});
