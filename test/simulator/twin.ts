/**
 * A twin against the engine that it stands for: the same promises, the same answers, and every
 * planted difference told apart.
 */
import type { Backend } from "@quorate/core";
import { type EngineName, TwinStore } from "@quorate/simulator";
import { expect, it } from "vitest";

import { ofBus } from "../../packages/conformance/src/mutants/bus.fixture.ts";
import { ofKv } from "../../packages/conformance/src/mutants/kv.fixture.ts";
import { ofLeases } from "../../packages/conformance/src/mutants/leases.fixture.ts";
import { type Comparison, compareMany, freshSeed } from "./diff.ts";
import type { Engine } from "./side.ts";

/** A twin, and what it is compared with. */
export interface TwinCase {
  readonly engine: EngineName;
  /** The real one; there when the first test runs. */
  readonly real: () => Engine;
  /** How long a lapse of a TTL is waited for. */
  readonly lapseMs: number;
  /** Names of mutants: what a twin may not do unnoticed. */
  readonly planted: readonly string[];
}

/** Declares the tests of one twin. */
export function itIsATwin({ engine, real, lapseMs, planted }: TwinCase): void {
  const comparison = (mutate: (backend: Backend) => Backend = (same) => same): Comparison => {
    const store = new TwinStore({ engine });
    const open = async (namespace: string) => mutate(store.backend({ namespace }));
    return { twin: { name: "twin", open }, real: real(), lapseMs, operations: 40 };
  };

  it("promises what the real one does", async () => {
    const twin = new TwinStore({ engine }).backend();
    const backend = await real().open("promises");
    await backend.ready();
    expect(twin.capabilities).toEqual(backend.capabilities);
    expect(twin.name).toBe(backend.name);
    expect(twin.kv.fenced === undefined).toBe(backend.kv.fenced === undefined);
    await Promise.all([twin.close(), backend.close()]);
  });

  it("answers as the real one, over 100 random sequences", async () => {
    const seed = freshSeed();
    await expect(
      compareMany(comparison(), { count: 100, width: 12, seed }),
      `seed ${seed}`,
    ).resolves.toBeUndefined();
  }, 60_000);

  it.each(planted)("is told apart where %s", async (name) => {
    const found = [...ofKv, ...ofLeases, ...ofBus].find((mutant) => mutant.name === name);
    const mutate = found?.mutate ?? expect.fail(`there is no mutant called ${name}`);
    const options = { count: 80, width: 8, seed: 1 };
    const against = { ...comparison(mutate), operations: 80, patienceMs: 300 };
    await expect(compareMany(against, options)).rejects.toThrow("differ in");
  });
}
