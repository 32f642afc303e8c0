import { isQuorateError, QuorateError } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import type { TokenHolder } from "./fenced.ts";
import { createGuard, type Guard } from "./guard.ts";
import { StepwiseKv } from "./stepwise-kv.fixture.ts";

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString();

function holderOf(fencingToken: number): TokenHolder {
  return { fencingToken, exclusive: true, check: () => fencingToken };
}

/** A guard over a fresh kv; `play` lets its accesses happen until `work` has ended. */
function world(native: boolean): {
  guard: Guard;
  store: StepwiseKv;
  play: <T>(work: Promise<T>) => Promise<T>;
} {
  const store = new StepwiseKv(native);
  return {
    guard: createGuard(store.kv),
    store,
    play: async (work) => {
      await store.play(seededRandom(1), [work]);
      return work;
    },
  };
}

describe.each([
  ["natively fenced", true],
  ["compare-and-set", false],
])("a guard over a %s kv", (_, native) => {
  it("keeps what the holder writes, for the holder and the next", async () => {
    const { guard, play } = world(native);
    const first = await play(guard.open(holderOf(1), "a"));
    expect(await play(first.read())).toBeUndefined();
    await play(first.write("one"));
    expect(text(await play(first.read()))).toBe("one");
    const second = await play(guard.open(holderOf(2), "a"));
    expect(text(await play(second.read()))).toBe("one");
    expect(second.safety).toBe("fenced");
  });

  it("refuses an older holder from the moment that a newer one has opened", async () => {
    const { guard, play } = world(native);
    const old = await play(guard.open(holderOf(6), "a"));
    await play(guard.open(holderOf(7), "a"));
    const stale = { code: "STALE_TOKEN", effect: "none", retryable: false };
    const details = { resource: "a", fencingToken: 6, floor: 7 };
    await expect(play(old.write("late"))).rejects.toMatchObject({ ...stale, details });
    await expect(play(old.read())).rejects.toMatchObject({ ...stale, details });
    await expect(play(old.admit())).rejects.toMatchObject({ ...stale, details });
    await expect(play(guard.open(holderOf(6), "a"))).rejects.toMatchObject({ ...stale, details });
    expect(text((await play(guard.peek("a")))?.payload)).toBe("");
  });

  it("takes the same token as often as it comes", async () => {
    const { guard, play } = world(native);
    await play(guard.admit("a", 7));
    await play(guard.admit("a", 7));
    const fenced = await play(guard.open(holderOf(7), "a"));
    await play(fenced.write("one"));
    await play(fenced.write("two"));
    expect(text(await play(fenced.read()))).toBe("two");
  });

  it("is atomic: of many at once exactly those in rising order get through", async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const store = new StepwiseKv(native);
      const guard = createGuard(store.kv);
      const order: number[] = [];
      const admitted = [3, 1, 4, 2, 5].map((token) =>
        guard.admit("a", token).then(
          () => void order.push(token),
          (error: unknown) => {
            if (!isQuorateError(error, "STALE_TOKEN")) throw error;
          },
        ),
      );
      await store.play(seededRandom(seed), admitted);
      await Promise.all(admitted);
      expect(order, `seed ${seed}`).toEqual(order.toSorted((a, b) => a - b));
      expect(order.at(-1), `seed ${seed}`).toBe(5);
    }
  });

  it("keeps resources apart", async () => {
    const { guard, play } = world(native);
    await play(guard.admit("a", 7));
    await play(guard.admit("b", 1));
    expect((await play(guard.peek("b")))?.floor).toBe(1);
  });

  it("holds tokens at the edge of the safe integers", async () => {
    const { guard, play } = world(native);
    await play(guard.admit("a", Number.MAX_SAFE_INTEGER));
    await play(guard.admit("a", Number.MAX_SAFE_INTEGER));
    const below = guard.admit("a", Number.MAX_SAFE_INTEGER - 1);
    await expect(play(below)).rejects.toMatchObject({
      details: { floor: Number.MAX_SAFE_INTEGER },
    });
  });

  it("lets an operator lower a floor that ran ahead, if it still is where it was", async () => {
    const { guard, play } = world(native);
    const fenced = await play(guard.open(holderOf(9_000), "a"));
    await play(fenced.write("kept"));
    const wrong = guard.resetFloor("a", { expected: 8_000, floor: 5 });
    await expect(play(wrong)).rejects.toMatchObject({ details: { floor: 9_000 } });
    await play(guard.resetFloor("a", { expected: 9_000, floor: 5 }));
    const next = await play(guard.open(holderOf(6), "a"));
    expect(text(await play(next.read()))).toBe("kept");
  });

  it("tells a holder that still believes in its lock that the tokens went back", async () => {
    const { guard, play } = world(native);
    await play(guard.admit("a", 3_000_000));
    const refused = play(guard.open(holderOf(1_000_000), "a"));
    await expect(refused).rejects.toThrow(/clock went back .* pass this floor in 2000 ms/);
  });
});

describe("a guard", () => {
  it("sends nothing for a holder who knows that it is over", async () => {
    const { guard, play, store } = world(true);
    let lost = false;
    const check = (): number => {
      if (lost) throw new Error("lost");
      return 1;
    };
    const fenced = await play(guard.open({ fencingToken: 1, check }, "a"));
    await play(fenced.write("one"));
    lost = true;
    await expect(fenced.write("two")).rejects.toThrow("lost");
    await expect(fenced.admit()).rejects.toThrow("lost");
    await expect(fenced.read()).rejects.toThrow("lost");
    await expect(guard.open({ fencingToken: 1, check }, "a")).rejects.toThrow("lost");
    expect(text(store.stored("fence/a")?.subarray(16))).toBe("one");
  });

  it("refuses readers and permits, whose floor would shut out their fellows", async () => {
    const { guard } = world(true);
    const reader = { fencingToken: 1, exclusive: false, check: () => 1 };
    await expect(guard.open(reader, "a")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it.each([0, -1, 1.5, 2 ** 53, Number.NaN, "7", undefined])(
    "refuses %o as a token",
    async (token) => {
      const { guard } = world(true);
      await expect(guard.admit("a", token as number)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    },
  );

  it("leaves a record that is not its own as it is", async () => {
    const { guard, store, play } = world(false);
    store.plant("fence/a", Buffer.from("somebody else's"));
    await expect(play(guard.admit("a", 1))).rejects.toMatchObject({
      code: "RECORD_INVALID",
      effect: "none",
    });
    expect(text(store.stored("fence/a"))).toBe("somebody else's");
  });

  it("refuses what is not a kv, a prefix or a payload", async () => {
    const invalid = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    expect(() => createGuard({} as never)).toThrow(invalid);
    expect(() => createGuard(world(true).store.kv, { prefix: "" })).toThrow(invalid);
    const { guard, play } = world(true);
    const fenced = await play(guard.open(holderOf(1), "a"));
    await expect(fenced.write(7 as never)).rejects.toEqual(invalid);
    await expect(guard.open({} as never, "a")).rejects.toEqual(invalid);
  });

  it("settles a write without an answer before it does anything else", async () => {
    const { guard, store, play } = world(true);
    const fenced = await play(guard.open(holderOf(1), "a"));
    const settled: string[] = [];
    const write = store.kv.fenced!.write.bind(store.kv.fenced);
    Object.assign(store.kv.fenced!, {
      write: () => {
        Object.assign(store.kv.fenced!, { write });
        const error = new QuorateError("OUTCOME_UNKNOWN", "no answer", {
          effect: "unknown",
          details: { operation: "kv.fenced.write" },
          resolve: async () => {
            settled.push("first write");
            return "none";
          },
        });
        return Promise.reject(error);
      },
    });
    await expect(fenced.write("one")).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(settled).toEqual([]);
    await play(fenced.write("two"));
    await play(fenced.write("three"));
    expect(settled).toEqual(["first write"]);
  });

  it("copies the payload: the caller may reuse its buffer at once", async () => {
    const { guard, store, play } = world(true);
    const fenced = await play(guard.open(holderOf(1), "a"));
    const buffer = Buffer.from("one");
    const writing = fenced.write(buffer);
    buffer.fill(120);
    await play(writing);
    expect(text(store.stored("fence/a")?.subarray(16))).toBe("one");
  });
});
