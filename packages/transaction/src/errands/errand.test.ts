import { QuorateError } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSagas } from "../saga/create-sagas.ts";
import { saga } from "../saga/define.ts";
import { decodeErrand, encodeErrand, type Errand, MAX_ERRAND_BYTES } from "./errand.ts";
import { decodeReply, encodeReply, failure } from "./reply.ts";

const by = { by: "ada", why: "a test" };
const bytes = (text: string): Uint8Array => Buffer.from(text);

describe("an errand", () => {
  it.each<Errand["deed"]>([
    { verb: "retry" },
    { verb: "retry", target: "charge:undo" },
    { verb: "skip", target: "charge" },
    { verb: "resolve", target: "charge", output: { id: 7 } },
    { verb: "cancel" },
    { verb: "force", state: "done", result: [1, null] },
  ])("arrives as it was sent: %j", (deed) => {
    const errand = { id: "order/7", deed, by };
    expect(decodeErrand(encodeErrand(errand))).toEqual({ ok: true, errand });
  });

  it.each([
    ["not JSON", "{"],
    ["a list", "[]"],
    ["nothing", "null"],
    ["another format", '{"v":2,"id":"x","verb":"cancel","by":"a","why":"b"}'],
    ["no id", '{"v":1,"verb":"cancel","by":"a","why":"b"}'],
    ["nobody", '{"v":1,"id":"x","verb":"cancel","why":"b"}'],
    ["no verb", '{"v":1,"id":"x","by":"a","why":"b"}'],
    [
      "a verb of ours that is none",
      '{"v":1,"id":"x","verb":"delete","target":"a","by":"a","why":"b"}',
    ],
    ["a skip of nothing", '{"v":1,"id":"x","verb":"skip","by":"a","why":"b"}'],
    ["a retry of a number", '{"v":1,"id":"x","verb":"retry","target":7,"by":"a","why":"b"}'],
    ["a force into nowhere", '{"v":1,"id":"x","verb":"force","state":"lost","by":"a","why":"b"}'],
    ["too long", JSON.stringify({ v: 1, id: "x".repeat(MAX_ERRAND_BYTES) })],
    ["too deep", `${"[".repeat(100)}${"]".repeat(100)}`],
  ])("that is %s is none", (_, text) => {
    expect(decodeErrand(bytes(text)).ok).toBe(false);
  });

  it("is read with whatever else stands in it", () => {
    const text =
      '{"v":1,"id":"x","verb":"cancel","by":"a","why":"b","__proto__":{"id":"y"},"new":1}';
    expect(decodeErrand(bytes(text))).toEqual({
      ok: true,
      errand: { id: "x", deed: { verb: "cancel" }, by: { by: "a", why: "b" } },
    });
  });

  it("never throws, and no answer does, whatever came", () => {
    const anything = fc.oneof(fc.uint8Array(), fc.json().map(bytes));
    fc.assert(
      fc.property(anything, (data) => {
        expect(decodeErrand(data).ok).toBe(false);
        expect(decodeReply(data).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe("an answer", () => {
  it("that is not ours is no yes, and leaves it unknown", () => {
    for (const text of ["", "true", "{}", '{"ok":1}', '{"ok":"true","effect":"maybe"}']) {
      expect(decodeReply(bytes(text))).toMatchObject({ ok: false, effect: "unknown" });
    }
  });

  it("says code, effect and state, and no word of a foreign error", () => {
    const details = { id: "x", verb: "skip", state: "done" };
    const error = new QuorateError("WRONG_STATE", "it is done", { effect: "none", details });
    const told = { code: "WRONG_STATE", effect: "none", text: "it is done", state: "done" };
    expect(decodeReply(encodeReply(failure(error)))).toMatchObject(told);
    const foreign = encodeReply(failure(new Error("password=hunter2")));
    expect(Buffer.from(foreign).toString()).not.toContain("hunter2");
  });
});

it("is not carried out for what nobody can read, or what waits for no answer", async () => {
  const backend = memoryBackend();
  const sagas = createSagas(backend, { remoteVerbs: true });
  const slow = saga("slow", { version: 1, input: (input: string) => input })
    .step("a", {
      run: ({ signal }) => new Promise<string>((_, no) => signal.addEventListener("abort", no)),
      undo: "none",
    })
    .returns(() => "end");
  sagas.serve(slow);
  await sagas.start(slow, { id: "x", input: "" });
  const subject = `saga-errands/slow/1/${slow.model.hash}`;
  const answer = await backend.bus.request(subject, bytes("{"), { timeoutMs: 1_000 });
  expect(decodeReply(answer.data)).toMatchObject({ ok: false, code: "INVALID_ARGUMENT" });
  const errand: Errand = { id: "x", deed: { verb: "cancel" }, by };
  await backend.bus.publish(subject, encodeErrand(errand));
  const gone = encodeErrand({ ...errand, id: "y" });
  const none = await backend.bus.request(subject, gone, { timeoutMs: 1_000 });
  expect(decodeReply(none.data)).toMatchObject({ code: "WRONG_STATE", state: "gone" });
  expect((await sagas.inspect("x"))?.audit).toEqual([]);
  await sagas.close({ graceMs: 0 });
  await backend.close();
});
