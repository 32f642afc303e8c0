import { describe, expect, it } from "vitest";
import { refuse } from "@quorate/core";
import { saga } from "./define.ts";
import { numbered, Shop } from "./saga.fixture.ts";

const says = { by: "ada", why: "asked to" };

describe("the id of a saga", () => {
  it("starts one saga, however often it is started with the same input", async () => {
    const shop = new Shop();
    const made = saga("any", { version: 1, input: (input: { a: number; b?: number }) => input })
      .step("a", shop.act("a"))
      .returns(() => "end");
    const { sagas } = shop.process([made]);
    const { sagas: others } = shop.process([made]);
    const starts = [
      sagas.start(made, { id: "x", input: { a: 1, b: 2 } }),
      others.start(made, { id: "x", input: { b: 2, a: 1 } }),
      sagas.start(made, { id: "x", input: { a: 1, b: 2 } }),
    ];
    const outcome = await shop.world.outcome(Promise.all(starts));
    const handles = outcome.kind === "value" ? outcome.value : [];
    expect(handles.filter(({ isNew }) => isNew).length).toBe(1);
    const results = await shop.world.outcome(Promise.all(handles.map((one) => one.result())));
    expect(results).toEqual({ kind: "value", value: ["end", "end", "end"] });
    expect(shop.log).toEqual(["a do"]);
  });

  it("with another input, or of another saga, is a mismatch", async () => {
    const shop = new Shop();
    const line = shop.line(["a"]);
    const other = shop.line(["a"], { name: "other" });
    const { sagas } = shop.process([line]);
    await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    const code = { code: "INSTANCE_MISMATCH" };
    await expect(sagas.start(line, { id: "x", input: { n: 2 } })).rejects.toMatchObject(code);
    await expect(sagas.start(other, { id: "x", input: { n: 1 } })).rejects.toMatchObject(code);
  });

  it("may be any text of 128 bytes as a key, and no more", async () => {
    const shop = new Shop();
    const line = shop.line(["a"]);
    const { sagas } = shop.process([line]);
    const run = (id: string) => shop.world.outcome(sagas.run(line, { id, input: { n: 1 } }));
    for (const id of ["ü/%2F {x}*>.", "a".repeat(128), "..", "%"]) {
      expect((await run(id)).kind).toBe("value");
      expect((await sagas.inspect(id))?.id).toBe(id);
    }
    expect(await run("/".repeat(43))).toMatchObject({ error: { code: "TOO_LARGE" } });
    expect(await run("")).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
    expect(await run("\ud800")).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
    const ids: string[] = [];
    for await (const { id } of sagas.list()) ids.push(id);
    expect(ids).toContain("ü/%2F {x}*>.");
  });
});

describe("versions of a definition", () => {
  it("are left to workers that have them, and run where they are served", async () => {
    const shop = new Shop();
    const two = shop.line(["a", "b"], { version: 2 });
    const three = shop.line(["a", "c"], { version: 3 });
    const old = shop.process([two]);
    shop.behave.set("b do", (_, count) => {
      if (count > 1) return {};
      old.process.kill();
      return new Promise(() => {});
    });
    await shop.world.outcome(old.sagas.start(two, { id: "x", input: { n: 1 } }));
    const fresh = shop.process([three]);
    await shop.world.runtime.advance(20_000);
    expect(shop.world.events("transaction.scan").at(-1)).toMatchObject({ unclaimed: 1 });
    expect(await fresh.sagas.versions("line")).toEqual(new Map([[2, 1]]));
    expect((await fresh.sagas.inspect("x"))?.takeovers).toBe(0);
    fresh.sagas.serve(two);
    await shop.world.runtime.advance(2_000);
    expect((await fresh.sagas.inspect("x"))?.state).toBe("done");
    expect(await fresh.sagas.versions("line")).toEqual(new Map());
  });

  it("that changed their shape leave the record as it is, and say so", async () => {
    const shop = new Shop();
    const before = shop.line(["a", "b"]);
    const after = shop.line(["b", "a"]);
    const old = shop.process([before]);
    shop.behave.set("b do", () => {
      old.process.kill();
      return new Promise(() => {});
    });
    await shop.world.outcome(old.sagas.start(before, { id: "x", input: { n: 1 } }));
    const fresh = shop.process([after]);
    const entry = await fresh.process.memory.kv.get("sagas/x");
    await shop.world.runtime.advance(20_000);
    expect((await fresh.process.memory.kv.get("sagas/x"))?.revision).toBe(entry?.revision);
    await shop.world.runtime.advance(100_000);
    const told = shop.world.events("saga.definition-changed");
    expect(told).toEqual([{ saga: "line", version: 1, id: "x" }]);
    const control = await fresh.sagas.get("x");
    const code = { code: "DEFINITION_CHANGED" };
    await expect(control?.cancel(says)).rejects.toMatchObject(code);
    expect(() => fresh.sagas.serve(before)).toThrow(/shape/);
  });

  it("whose schema moved on park the saga, and crash nothing in a loop", async () => {
    const shop = new Shop();
    const define = (input: (value: { n: number }) => { n: number }) =>
      saga("drift", { version: 1, input })
        .step("a", shop.act("a"))
        .returns(() => null);
    const before = define(numbered);
    const after = define(() => {
      throw new TypeError("n is gone");
    });
    const old = shop.process([before]);
    shop.behave.set("a do", () => {
      old.process.kill();
      return new Promise(() => {});
    });
    await shop.world.outcome(old.sagas.start(before, { id: "x", input: { n: 1 } }));
    const fresh = shop.process([after]);
    await shop.world.runtime.advance(30_000);
    expect(await fresh.sagas.inspect("x")).toMatchObject({
      state: "running",
      stuck: [{ what: "input", isParked: true }],
      takeovers: 0,
    });
    expect(shop.world.events("transaction.takeover")).toHaveLength(1);
  });
});

describe("a saga that kills its workers", () => {
  it("is parked after so many takeovers without progress, and others go on", async () => {
    const shop = new Shop();
    const poison = shop.line(["p"], { name: "poison" });
    const fine = shop.line(["f"], { name: "fine" });
    let alive = shop.process([poison, fine], { maxTakeovers: 2 });
    shop.behave.set("p do", () => {
      alive.process.kill();
      return new Promise(() => {});
    });
    await shop.world.outcome(alive.sagas.start(poison, { id: "x", input: { n: 1 } }));
    for (let deaths = 0; deaths < 4; deaths += 1) {
      alive = shop.process([poison, fine], { maxTakeovers: 2 });
      await shop.world.runtime.advance(8_000);
    }
    expect(shop.log).toEqual(["p do", "p do", "p do"]);
    expect(await alive.sagas.inspect("x")).toMatchObject({ stuck: [{ what: "takeovers" }] });
    const other = await shop.world.outcome(alive.sagas.run(fine, { id: "y", input: { n: 1 } }));
    expect(other.kind).toBe("value");
  });
});

describe("values", () => {
  it("are inline up to 32 KiB, apart above it, and the same over a takeover", async () => {
    for (const length of [0, 32_768 - 2, 32_768 - 1, 500_000]) {
      const shop = new Shop();
      const value = "v".repeat(length);
      const line = shop.line(["a", "b"]);
      const one = shop.process([line]);
      const seen: unknown[] = [];
      shop.behave.set("a do", () => value);
      shop.behave.set("b do", ({ out }, count) => {
        seen.push((out as { a: string }).a.length);
        if (count > 1) return {};
        one.process.kill();
        return new Promise(() => {});
      });
      await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 1 } }));
      const two = shop.process([line]);
      await shop.world.runtime.advance(10_000);
      expect({ length, seen }).toEqual({ length, seen: [length, length] });
      const apart: string[] = [];
      for await (const { key } of two.process.memory.kv.list("saga-values")) apart.push(key);
      expect(apart).toHaveLength(length > 32_766 ? 1 : 0);
      const record = await two.process.memory.kv.get("sagas/x");
      expect(record?.value.byteLength).toBeLessThan(34_000);
      for (const key of apart) {
        expect((await two.process.memory.kv.get(key))?.expiresInMs).toBeGreaterThan(0);
      }
    }
  });

  it("that the store cannot take park the saga before the next step", async () => {
    for (const value of ["v".repeat(600_000), 1n]) {
      const shop = new Shop();
      const line = shop.line(["a", "b"]);
      shop.behave.set("a do", () => value);
      const { sagas } = shop.process([line]);
      const outcome = await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
      expect(outcome).toMatchObject({ error: { code: "SAGA_STUCK", details: { step: "a" } } });
      expect(shop.log).toEqual(["a do"]);
      await (await sagas.get("x"))?.cancel(says);
      await shop.world.runtime.advance(1_000);
      expect(shop.log).toEqual(["a do", "a undo"]);
    }
  });

  it("are stored as the codec makes them, and shown as the definition redacts them", async () => {
    const shop = new Shop();
    const made = saga("secret", {
      version: 1,
      input: (input: { card: string }) => input,
      redact: () => "hidden",
    })
      .step("a", shop.act("a"))
      .returns(({ input }) => input.card);
    const codec = {
      encode: (text: string) => Buffer.from(text).toString("base64"),
      decode: (text: string) => Buffer.from(text, "base64").toString(),
    };
    const { sagas, process } = shop.process([made], { codec });
    const outcome = await shop.world.outcome(sagas.run(made, { id: "x", input: { card: "4242" } }));
    expect(outcome).toEqual({ kind: "value", value: "4242" });
    const entry = await process.memory.kv.get("sagas/x");
    expect(Buffer.from(entry?.value ?? []).toString()).not.toContain("4242");
    expect(await sagas.inspect("x")).toMatchObject({ input: "hidden", result: "hidden" });
  });

  it("that do not fit the schema start nothing", async () => {
    const shop = new Shop();
    const line = shop.line(["a"]);
    const { sagas } = shop.process([line]);
    for (const input of [{}, { n: 1n }, undefined]) {
      const outcome = await shop.world.outcome(
        sagas.start(line, { id: "x", input: input as never }),
      );
      expect(outcome).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
    }
    expect(await sagas.inspect("x")).toBeUndefined();
  });
});

describe("waiting for a result", () => {
  it("from another process hears of the end, or that the saga goes on", async () => {
    const shop = new Shop();
    const line = shop.line(["a"], { step: { a: { timeoutMs: 60_000 } } });
    shop.behave.set("a do", () => shop.world.work(10_000));
    const one = shop.process([line]);
    const two = shop.process([line]);
    await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 5 } }));
    const handle = await two.sagas.start(line, { id: "x", input: { n: 5 } });
    const early = await shop.world.outcome(handle.result({ timeoutMs: 1_000 }));
    expect(early).toMatchObject({ error: { code: "SAGA_PENDING", details: { state: "running" } } });
    const late = await shop.world.outcome(handle.result());
    expect(late).toEqual({ kind: "value", value: { n: 5 } });
    expect(shop.log).toEqual(["a do"]);
  });

  it("ends by its signal, and leaves the saga alone", async () => {
    const shop = new Shop();
    const line = shop.line(["a"]);
    shop.behave.set("a do", () => shop.world.work(500));
    const { sagas } = shop.process([line]);
    const controller = new AbortController();
    const wait = { signal: controller.signal };
    const waited = shop.world.outcome(sagas.run(line, { id: "x", input: { n: 5 } }, wait));
    controller.abort(new Error("enough"));
    expect(await waited).toMatchObject({ kind: "error" });
    await shop.world.runtime.advance(2_000);
    const seen = await sagas.inspect("x");
    expect(seen === undefined || seen.state === "done").toBe(true);
  });
});

describe("closing", () => {
  it("ends the step in hand, begins no other, and leaves the saga to another process", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b", "c"]);
    shop.behave.set("b do", () => shop.world.work(500));
    const one = shop.process([line]);
    await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 5 } }));
    const two = shop.process([line]);
    await shop.world.runtime.advance(200);
    await shop.world.outcome(one.sagas.close());
    await shop.world.runtime.advance(2_000);
    expect(shop.log.slice(0, 2)).toEqual(["a do", "b do"]);
    const seen = await two.sagas.inspect("x");
    expect(seen).toMatchObject({ takeovers: 0 });
    await expect(one.sagas.start(line, { id: "y", input: { n: 5 } })).rejects.toMatchObject({
      code: "CLOSED",
    });
  });

  it("refuses a step in doubt no more than its undo does: none is lost", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"]);
    shop.behave.set("b do", () => {
      throw refuse("no");
    });
    shop.behave.set("b undo", () => shop.world.work(300));
    const one = shop.process([line]);
    const two = shop.process([line]);
    await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 5 } }));
    one.process.kill();
    await shop.world.runtime.advance(10_000);
    expect((await two.sagas.inspect("x"))?.state).toBe("compensated");
  });
});

describe("operators' verbs", () => {
  it("need who and why, a target that is at hand, and a state in which they apply", async () => {
    const shop = new Shop();
    const line = shop.line(["a"]);
    const { sagas } = shop.process([line]);
    await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    const control = await sagas.get("x");
    await expect(control?.cancel({ by: "", why: "x" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    for (const verb of [
      control?.retry(undefined, says),
      control?.skip("a", says),
      control?.resolve("a", 1, says),
      control?.cancel(says),
      control?.force("compensated", says),
    ]) {
      await expect(verb).rejects.toMatchObject({ code: "WRONG_STATE", details: { state: "done" } });
    }
  });

  it("resolve a step while its owner tries it, and give its output to the next", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"], { step: { a: { timeoutMs: 60_000 } } });
    shop.behave.set("a do", () => new Promise(() => {}));
    shop.behave.set("b do", ({ out }) => out);
    const one = shop.process([line]);
    const two = shop.process([line]);
    await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 1 } }));
    await (await two.sagas.get("x"))?.resolve("a", { known: true }, says);
    await shop.world.runtime.advance(61_000);
    const seen = await two.sagas.inspect("x");
    expect(seen).toMatchObject({ state: "done", audit: [{ verb: "resolve", target: "a" }] });
    expect(seen?.steps.get("b")?.output).toEqual({ a: { known: true } });
  });

  it("force an end that stands, and the owner hears of it", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"]);
    shop.behave.set("a do", () => shop.world.work(500));
    const { sagas } = shop.process([line]);
    const running = shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    await shop.world.runtime.advance(100);
    await (await sagas.get("x"))?.force("done", { ...says, result: { by: "hand" } });
    expect(await running).toEqual({ kind: "value", value: { by: "hand" } });
    await shop.world.runtime.advance(2_000);
    expect(shop.log).toEqual(["a do"]);
  });
});
