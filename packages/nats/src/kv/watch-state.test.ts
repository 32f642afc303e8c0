import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WatchState } from "./watch-state.ts";

const entry = (key: string, revision: number) => ({
  key,
  value: new Uint8Array(0),
  revision,
  createdRevision: revision,
  operationId: "op",
});

describe("what a watcher is told", () => {
  it("is each revision once, and never an older one", () => {
    const state = new WatchState();
    expect(state.put(entry("k", 4), Infinity)?.kind).toBe("put");
    expect(state.put(entry("k", 4), Infinity)).toBeUndefined();
    expect(state.put(entry("k", 2), Infinity)).toBeUndefined();
    expect(state.gone("k", 2, "deleted")).toBeUndefined();
    expect(state.gone("k", 6, "deleted")).toEqual({
      kind: "delete",
      key: "k",
      revision: 6,
      reason: "deleted",
    });
    // A replica that lags says again what was there before.
    expect(state.put(entry("k", 4), Infinity)).toBeUndefined();
    expect(state.put(entry("k", 8), Infinity)?.kind).toBe("put");
  });

  it("leaves out the end of what it never heard of", () => {
    expect(new WatchState().gone("k", 6, "deleted")).toBeUndefined();
  });

  it("has ends by time, between the last write and the next", () => {
    const state = new WatchState();
    state.put(entry("soon", 10), 100);
    state.put(entry("late", 12), 200);
    state.put(entry("never", 14), Infinity);
    expect(state.nextEndMs).toBe(100);
    expect(state.expire(99)).toEqual([]);
    expect(state.expire(100)).toEqual([
      { kind: "delete", key: "soon", revision: 11, reason: "expired" },
    ]);
    expect(state.nextEndMs).toBe(200);
    expect(state.put(entry("soon", 16), Infinity)?.kind).toBe("put");
    expect(state.size).toBe(3);
  });

  it("names after a resync what did not come again; the leader has the last word", () => {
    const state = new WatchState();
    state.put(entry("stays", 2), Infinity);
    state.put(entry("goes", 4), Infinity);
    state.beginSync();
    state.put(entry("stays", 2), Infinity);
    state.put(entry("new", 6), Infinity);
    expect(state.endSync()).toEqual(["goes"]);
    expect(state.has("goes")).toBe(true);
    expect(state.lost("goes")).toMatchObject({ reason: "unknown", revision: 5 });
    expect(state.lost("goes")).toBeUndefined();
    expect(state.missingFrom(new Set(["stays"]))).toEqual(["new"]);
  });

  it("only grows per key, in whatever order things are delivered", () => {
    const step = fc.record({
      what: fc.constantFrom("put", "gone", "lost", "expire"),
      key: fc.constantFrom("a", "b"),
      seq: fc.integer({ min: 1, max: 30 }),
      ends: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const state = new WatchState();
        const last = new Map<string, number>();
        const living = new Set<string>();
        for (const { what, key, seq, ends } of steps) {
          const told =
            what === "put"
              ? [state.put(entry(key, 2 * seq), ends ? seq : Infinity)]
              : what === "gone"
                ? [state.gone(key, 2 * seq, "deleted")]
                : what === "lost"
                  ? [state.lost(key)]
                  : state.expire(seq);
          for (const change of told) {
            if (change === undefined) continue;
            const { key: name, revision } = change.kind === "put" ? change.entry : change;
            expect(revision).toBeGreaterThan(last.get(name) ?? 0);
            // An end is told of what lives, and nothing else.
            if (change.kind === "delete") expect(living.delete(name)).toBe(true);
            else living.add(name);
            last.set(name, revision);
          }
        }
        expect(state.size).toBe(living.size);
      }),
    );
  });
});
