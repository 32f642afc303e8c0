/**
 * Siblings against causal histories.
 *
 * The model keeps, per replica, plain sets: the writes it knows and those of them still alive. A
 * write replaces what its context contains, a merge keeps what both hold alive and what only one
 * has heard of. No counters, no vectors: that is what the compact form has to equal.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Siblings } from "./siblings.ts";
import { VersionVector } from "./version-vector.ts";

const REPLICAS = ["r1", "r2", "__proto__"];
const CLIENTS = 4;

interface Model {
  readonly known: ReadonlySet<string>;
  readonly alive: ReadonlySet<string>;
}

interface Replica {
  readonly set: Siblings<string>;
  readonly model: Model;
}

interface Client {
  readonly context: VersionVector;
  readonly seen: ReadonlySet<string>;
}

const replica = fc.constantFrom(...REPLICAS);
const client = fc.nat(CLIENTS - 1);
const steps = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("read" as const), client, replica }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), client, replica }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), client, replica }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("sync" as const), from: replica, replica }),
    },
  ),
  { maxLength: 40 },
);

type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

describe("siblings in random histories of 3 replicas and 4 clients with stale contexts", () => {
  it("hold the values of the causal histories, no less and no more, after every step", () => {
    let conflicts = 0;
    fc.assert(
      fc.property(steps, (history) => {
        for (const { set, model } of run(history)) {
          expect(new Set(set.read().values)).toEqual(model.alive);
          expect(set.size).toBe(model.alive.size);
          conflicts += set.size > 1 ? 1 : 0;
        }
      }),
      { numRuns: 400 },
    );
    expect(conflicts).toBeGreaterThan(100); // Or there was nothing to get wrong.
  });

  it("merge by the laws: commutative, associative, idempotent, and as compare foretells", () => {
    fc.assert(
      fc.property(steps, (history) => {
        const sets = [...run(history)].map(({ set }) => set);
        const [a, b, c] = [sets.at(-1), sets.at(-2), sets.at(-5)];
        if (a === undefined || b === undefined || c === undefined) return;
        const both = a.merge(b);
        expect(both.compare(b.merge(a))).toBe("equal");
        expect(both.merge(c).compare(a.merge(b.merge(c)))).toBe("equal");
        expect(a.merge(a).compare(a)).toBe("equal");
        expect(new Set(both.read().values)).toEqual(new Set(b.merge(a).read().values));
        const changesA = both.compare(a) !== "equal";
        const changesB = both.compare(b) !== "equal";
        const foretold = changesA
          ? changesB
            ? "concurrent"
            : "before"
          : changesB
            ? "after"
            : "equal";
        expect(a.compare(b)).toBe(foretold);
      }),
      { numRuns: 300 },
    );
  });

  it("would not equal them with one version vector per value instead of dots", () => {
    // The naive store: each value with the vector of its write, dropped once another is after it.
    const write = (old: [string, VersionVector][], value: string, context: VersionVector) => {
      const all = old.reduce((merged, [, vector]) => merged.merge(vector), context);
      const vector = all.tick("r1");
      return [...old.filter(([, seen]) => seen.compare(vector) !== "before"), [value, vector]] as [
        string,
        VersionVector,
      ][];
    };
    const nothing = VersionVector.of();
    const naive = write(write([], "mary", nothing), "peter", nothing);
    const ours = Siblings.empty<string>()
      .write("mary", nothing, "r1")
      .write("peter", nothing, "r1");
    expect(naive.map(([value]) => value)).toEqual(["peter"]);
    expect(ours.read().values).toEqual(["peter", "mary"]);
  });
});

/** Yields every replica's state after each step, the one that changed last. */
function* run(history: readonly Step[]): Generator<Replica> {
  const replicas = new Map<string, Replica>(
    REPLICAS.map((id) => [
      id,
      { set: Siblings.empty(), model: { known: new Set(), alive: new Set() } },
    ]),
  );
  const clients: Client[] = Array.from({ length: CLIENTS }, () => ({
    context: VersionVector.of(),
    seen: new Set(),
  }));
  for (const [index, step] of history.entries()) {
    const at = replicas.get(step.replica) as Replica;
    if (step.kind === "read") {
      clients[step.client] = { context: at.set.read().context, seen: at.model.known };
      continue;
    }
    const from = step.kind === "sync" ? (replicas.get(step.from) as Replica) : undefined;
    const changed =
      from === undefined
        ? change(at, step as ChangeStep, clients, `w${index}`)
        : { set: at.set.merge(from.set), model: merged(at.model, from.model) };
    replicas.set(step.replica, changed);
    yield* [...replicas.values()].filter((other) => other !== changed);
    yield changed;
  }
}

type ChangeStep = Extract<Step, { readonly client: number }>;

function change(at: Replica, step: ChangeStep, clients: readonly Client[], value: string): Replica {
  const { context, seen } = clients[step.client] as Client;
  const alive = [...at.model.alive].filter((write) => !seen.has(write));
  const known = [...at.model.known, ...seen];
  if (step.kind === "remove") {
    const model = { known: new Set(known), alive: new Set(alive) };
    return { set: at.set.remove(context), model };
  }
  const model = { known: new Set([...known, value]), alive: new Set([...alive, value]) };
  return { set: at.set.write(value, context, step.replica), model };
}

function merged(mine: Model, theirs: Model): Model {
  const alive = [...mine.alive, ...theirs.alive].filter(
    (write) =>
      (mine.alive.has(write) || !mine.known.has(write)) &&
      (theirs.alive.has(write) || !theirs.known.has(write)),
  );
  return { known: new Set([...mine.known, ...theirs.known]), alive: new Set(alive) };
}
