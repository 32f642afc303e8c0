import { isQuorateError } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import { contract } from "@quorate/rpc";
import { saga } from "@quorate/transaction";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { connect } from "./connect.ts";

describe("a connection", () => {
  it("has every primitive, each made once, on one backend", async () => {
    await using q = await connect("memory:", { namespace: "shop", name: "pod-1" });
    const token = await q.lock.run("order/42", (lock) => lock.check());
    expect(token).toBeGreaterThan(0);
    expect(await q.once.run("charge/42", () => 17)).toBe(17);
    expect(await q.once.run("charge/42", () => 18)).toBe(17);
    const permit = await q.semaphore("mail", { permits: 2 }).acquire();
    await permit.release();
    await q.readWrite("page").read.run(() => "read");
    const hello = saga("hello", { version: 1, input: (name: string) => name })
      .step("greet", { run: ({ input }) => `hello ${input}`, undo: () => {} })
      .returns(({ out }) => out.greet);
    q.sagas.serve(hello);
    expect(await q.sagas.run(hello, { id: "a", input: "you" })).toBe("hello you");
    const led = await q.elect("boss").lead(({ term }) => term);
    expect(led).toBeGreaterThan(0);
    expect((await q.health()).ok).toBe(true);
    for (const part of ["lock", "once", "sagas", "tcc", "cron", "guard"] as const) {
      expect(q[part], part).toBe(q[part]);
    }
    expect(q.elect("boss")).toBe(q.elect("boss"));
    expect(q.elect("boss").candidate).toBe("pod-1");
  });

  it("serves a contract, finds it again, and knows who is there", async () => {
    await using q = await connect("memory:", { name: "pod-1" });
    const Greeter = contract("greeter", "1.2.0", {
      greet: { input: z.string(), output: z.string(), repeat: "safe" },
    });
    const server = await q.rpc.serve(Greeter, { greet: (name) => `hello, ${name}` });
    expect(await q.rpc.client(Greeter).greet("Ada")).toBe("hello, Ada");
    expect(q.rpc.client(Greeter)).toBe(q.rpc.client(Greeter));
    const { endpoints } = await q.discovery.service("greeter").ready();
    expect(endpoints.map(({ id }) => id)).toEqual([server.id]);
    const group = q.members("workers");
    await group.ready();
    expect(group.members.map(({ id, state }) => `${id} ${state}`)).toEqual(["pod-1 alive"]);
  });

  it("closes what was used, in order, and refuses what comes later", async () => {
    const q = await connect();
    const election = q.elect("boss");
    const ended: string[] = [];
    const leading = election.lead(async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      // It still may write: its locks and the store outlast it.
      await q.backend.kv.put("last", "word");
      ended.push("led");
    });
    await expect.poll(() => election.isLeader).toBe(true);
    await Promise.all([q.close(), q.close()]);
    await leading;
    expect(ended).toEqual(["led"]);
    for (const late of [() => q.lock, () => q.once, () => q.elect("other"), () => q.cron]) {
      expect(late).toThrow(/was closed/);
    }
    await expect(q.backend.kv.get("last")).rejects.toThrow(/closed/);
  });

  it("leaves a backend that was handed in open", async () => {
    const backend = memoryBackend();
    const q = await connect(backend);
    await q.lock.run("a", () => {});
    await q.close();
    await backend.kv.put("still", "here");
    expect(q.backend).toBe(backend);
    await backend.close();
  });

  it("can be closed without having been used", async () => {
    const q = await connect();
    await q.close();
    expect(() => q.sagas).toThrow(/was closed/);
  });

  it.each([
    ["an unknown option", "memory:", { namespaces: "a" }, /namespaces/],
    ["a namespace beside a backend", memoryBackend(), { namespace: "a" }, /namespace/],
    ["what is no backend", {}, {}, /target/],
    ["a name of no bytes", "memory:", { name: "" }, /name/],
  ])("refuses %s", async (_what, target, options, message) => {
    const error = await connect(target as never, options as never).catch(
      (thrown: unknown) => thrown,
    );
    expect(isQuorateError(error, "INVALID_ARGUMENT")).toBe(true);
    expect(String(error)).toMatch(message);
  });
});
