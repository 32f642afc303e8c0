import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { Call } from "./call.ts";
import { pipe, policyOf } from "./policy.ts";
import { outcomeOf, pending, spyGuard } from "./policy.fixture.ts";
import { timeout } from "./timeout.ts";

function world() {
  const runtime = new ScriptedRuntime();
  const log: string[] = [];
  return { runtime, log };
}

describe("guards in a pipe", () => {
  it("are asked from the outside in, and told from the inside out", async () => {
    const { runtime, log } = world();
    const policy = pipe(spyGuard(runtime, log, "a"), spyGuard(runtime, log, "b"));
    expect(await policy.run(() => 42)).toBe(42);
    expect(log).toEqual(["a in", "b in", "b ok", "a ok", "b settled", "a settled"]);
  });

  it("after a refusal are not asked, and those before it get their permits back", async () => {
    const { runtime, log } = world();
    const full = new Error("full");
    const refusing = spyGuard(runtime, log, "b", () => {
      throw full;
    });
    const policy = pipe(spyGuard(runtime, log, "a"), refusing, spyGuard(runtime, log, "c"));
    let ran = 0;
    expect(await outcomeOf(policy.run(() => ++ran))).toEqual({ error: full });
    expect(ran).toBe(0);
    expect(log).toEqual(["a in", "b in", "a cancelled", "a settled"]);
  });

  it("may make the call wait", async () => {
    const { runtime, log } = world();
    const place = pending<undefined>();
    const policy = spyGuard(runtime, log, "a", () => place.promise);
    const call = policy.run(() => "done");
    await runtime.advance(1_000);
    expect(log).toEqual(["a in"]);
    place.resolve(undefined);
    expect(await call).toBe("done");
  });

  it("keep the place of work that runs on after its deadline", async () => {
    const { runtime, log } = world();
    const policy = pipe(spyGuard(runtime, log, "a"), timeout({ timeoutMs: 50, runtime }));
    const work = pending<number>();
    const call = outcomeOf(policy.run(() => work.promise));
    await runtime.advance(50);
    expect(await call).toMatchObject({ error: { code: "TIMEOUT", effect: "unknown" } });
    expect(log).toEqual(["a in", "a failed"]);
    work.resolve(1);
    await runtime.advance(0);
    expect(log).toEqual(["a in", "a failed", "a settled"]);
  });
});

describe("case 14: work of any kind", () => {
  const empty = pipe();
  const guarded = () => pipe(timeout({ timeoutMs: 1_000, runtime: new ScriptedRuntime() }));

  it.each([
    ["undefined", () => undefined, { value: undefined }],
    ["a plain value", () => 7, { value: 7 }],
    ["a promise", async () => 7, { value: 7 }],
    // oxlint-disable-next-line unicorn/no-thenable -- any thenable must do
    ["a thenable", () => ({ then: (yes: (v: number) => void) => yes(7) }), { value: 7 }],
    ["a falsy value", () => 0, { value: 0 }],
  ])("returning %s", async (_, work, outcome) => {
    expect(await outcomeOf(empty.run(work as () => unknown))).toEqual(outcome);
    expect(await outcomeOf(guarded().run(work as () => unknown))).toEqual(outcome);
  });

  it.each([[null], [undefined], ["text"], [{ code: 14 }]])("throwing %j", async (thrown) => {
    const works = [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ];
    for (const policy of [empty, guarded()]) {
      for (const work of works) {
        const outcome = await outcomeOf(policy.run(work));
        expect(outcome).toHaveProperty("error");
        expect((outcome as { error: unknown }).error).toBe(thrown);
      }
    }
  });

  it("a thenable that settles twice, then throws, counts once", async () => {
    const work = () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- a thenable of the worst kind is the point
      then(yes: (value: number) => void, no: (error: unknown) => void) {
        yes(1);
        no(new Error("second thoughts"));
        throw new Error("third");
      },
    });
    expect(await guarded().run(work as () => PromiseLike<number>)).toBe(1);
  });
});

describe("cancel", () => {
  it("before the call: the work does not run", async () => {
    const { runtime } = world();
    let ran = 0;
    const reason = new Error("not wanted");
    const policy = timeout({ timeoutMs: 100, runtime });
    const signal = AbortSignal.abort(reason);
    expect(await outcomeOf(policy.run(() => ++ran, { signal }))).toEqual({ error: reason });
    expect(ran).toBe(0);
  });

  it("while the work runs: rejects at once with the reason itself", async () => {
    const { runtime } = world();
    const caller = new AbortController();
    let seen: unknown;
    const policy = timeout({ timeoutMs: 100, runtime });
    const call = outcomeOf(
      policy.run(
        (own: Call) =>
          new Promise((_, reject) => {
            own.signal.addEventListener("abort", () => {
              seen = own.signal.reason;
              reject(new Error("what the client makes of it"));
            });
          }),
        { signal: caller.signal },
      ),
    );
    const reason = { any: "thing" };
    caller.abort(reason);
    expect(await call).toEqual({ error: reason });
    expect(seen).toBe(reason);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("that finds the value there already comes too late", async () => {
    const caller = new AbortController();
    const work = pending<string>();
    const call = pipe().run(() => work.promise, { signal: caller.signal });
    work.resolve("paid");
    caller.abort(new Error("too late"));
    expect(await call).toBe("paid");
  });

  it("case 17: keeps the reason through five policies", async () => {
    const { runtime, log } = world();
    const five = pipe(...["a", "b", "c", "d", "e"].map((name) => spyGuard(runtime, log, name)));
    const caller = new AbortController();
    const call = outcomeOf(five.run(() => new Promise(() => {}), { signal: caller.signal }));
    const reason = Symbol("why");
    caller.abort(reason);
    expect(await call).toEqual({ error: reason });
  });

  it("reaches nobody who has finished: a thousand calls leave no listener", async () => {
    const added: string[] = [];
    const caller = new AbortController();
    const { signal } = caller;
    const count = (kind: string) => () => void added.push(kind);
    const [add, remove] = [count("add"), count("remove")];
    const listen = signal.addEventListener.bind(signal);
    const forget = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof listen>) => (add(), listen(...args));
    signal.removeEventListener = (...args: Parameters<typeof forget>) => (
      remove(),
      forget(...args)
    );
    const policy = timeout({ timeoutMs: 1_000 });
    for (let n = 0; n < 1_000; n++) await policy.run(() => n, { signal });
    expect(added.filter((kind) => kind === "add").length).toBe(1_000);
    expect(added.filter((kind) => kind === "remove").length).toBe(1_000);
  });
});

describe("options of a call", () => {
  it("a key makes it keyed, and nothing makes it unsafe", async () => {
    const policy = pipe();
    expect(await policy.run((call) => call.repeat)).toBe("unsafe");
    expect(await policy.run((call) => call.repeat, { key: "order-7" })).toBe("keyed");
    expect(await policy.run((call) => call.repeat, { key: "k", repeat: "safe" })).toBe("safe");
  });

  it("the nearer of deadline and timeout counts", async () => {
    const runtime = new ScriptedRuntime();
    await runtime.advance(1_000);
    const policy = timeout({ timeoutMs: 500, runtime });
    const left = (options: object) => policy.run((call) => call.remainingMs, options);
    expect(await left({})).toBe(500);
    expect(await left({ timeoutMs: 100 })).toBe(100);
    expect(await left({ deadlineMs: 1_200, timeoutMs: 300 })).toBe(200);
    expect(await left({ timeoutMs: Infinity, deadlineMs: Infinity })).toBe(500);
  });

  it("a deadline that has passed lets nothing run", async () => {
    const runtime = new ScriptedRuntime();
    await runtime.advance(1_000);
    let ran = 0;
    const late = timeout({ timeoutMs: 500, runtime }).run(() => ++ran, { deadlineMs: 1_000 });
    expect(await outcomeOf(late)).toMatchObject({ error: { code: "TIMEOUT", effect: "none" } });
    expect(ran).toBe(0);
  });

  it.each([0, -1, NaN])("refuses a timeout of %s", async (timeoutMs) => {
    await expect(pipe().run(() => 1, { timeoutMs })).rejects.toThrow(/timeoutMs must be/);
    await expect(pipe().run(() => 1, { deadlineMs: NaN })).rejects.toThrow(/deadlineMs must be/);
  });

  it("refuses work that is no function", async () => {
    await expect(pipe().run("work" as never)).rejects.toThrow(/work must be a function/);
  });
});

describe("wrap", () => {
  it("hands the call first, then the arguments, and makes options of them", async () => {
    const charge = pipe().wrap((call, order: string, cents: number) => [call.key, order, cents], {
      options: (order) => ({ key: order }),
    });
    expect(await charge("o-1", 500)).toEqual(["o-1", "o-1", 500]);
  });
});

describe("pipe", () => {
  it("flattens pipes", () => {
    const { runtime, log } = world();
    const [a, b, c] = ["a", "b", "c"].map((name) => spyGuard(runtime, log, name));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three");
    expect(pipe(a, pipe(b, c)).layers).toEqual([...a.layers, ...b.layers, ...c.layers]);
  });

  it("refuses what is not a policy, and policies of two runtimes", () => {
    expect(() => pipe({} as never)).toThrow(/policies\[0\] must be a policy/);
    const [one, two] = [new ScriptedRuntime(), new ScriptedRuntime()];
    const both = [timeout({ timeoutMs: 1, runtime: one }), timeout({ timeoutMs: 1, runtime: two })];
    expect(() => pipe(...both)).toThrow(/runtime must be/);
  });
});

describe("a rescue", () => {
  const rescue = (runtime: ScriptedRuntime, log: string[]) =>
    policyOf({
      kind: "rescue",
      rank: "loop",
      runtime,
      begin: () => void log.push("begin"),
      recover: async (call, error, next) => {
        log.push(`recover ${String(error)}`);
        return next(call.derive(2));
      },
    });

  it("is asked only when the first try fails, also when a guard refuses", async () => {
    const { runtime, log } = world();
    let refusals = 1;
    const moody = spyGuard(runtime, log, "a", () => {
      if (refusals-- > 0) throw new Error("full");
      return undefined;
    });
    const policy = pipe(rescue(runtime, log), moody);
    expect(await policy.run((call) => call.attempt)).toBe(2);
    expect(log).toEqual(["begin", "a in", "recover Error: full", "a in", "a ok", "a settled"]);
    log.length = 0;
    expect(await policy.run((call) => call.attempt)).toBe(1);
    expect(log).toEqual(["begin", "a in", "a ok", "a settled"]);
  });

  it("without guards runs the work itself", async () => {
    const { runtime, log } = world();
    let fails = 1;
    const work = () => {
      if (fails-- > 0) throw new Error("once");
      return "well";
    };
    expect(await rescue(runtime, log).run(work)).toBe("well");
    expect(log).toEqual(["begin", "recover Error: once"]);
  });
});
