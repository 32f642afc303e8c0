/**
 * Session guarantees over lagging replicas, with the tracker and without, on the same schedules.
 *
 * Three replicas pull from each other at random, each write in the order in which the sender
 * applied it. Three clients read and write at random replicas. A judge that knows the sets of
 * writes, and nothing of vectors, counts the violations as the paper defines them.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { VersionVector } from "../vector/version-vector.ts";
import { SESSION_GUARANTEES, type SessionGuarantee, SessionToken } from "./session-token.ts";

const REPLICAS = ["r1", "r2", "r3"];
const CLIENTS = 3;
const replica = fc.nat(REPLICAS.length - 1);
const client = fc.nat(CLIENTS - 1);
const schedules = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("read" as const), client, replica }),
    fc.record({ kind: fc.constant("write" as const), client, replica }),
    fc.record({
      kind: fc.constant("pull" as const),
      replica,
      from: replica,
      atMost: fc.integer({ min: 1, max: 3 }),
    }),
  ),
  { minLength: 10, maxLength: 60 },
);

type Schedule = typeof schedules extends fc.Arbitrary<infer S> ? S : never;
type Violations = Record<SessionGuarantee, number>;

describe("sessions over replicas that lag at random", () => {
  it("meet no violation with the tracker", () => {
    const served = { yes: 0, no: 0 };
    fc.assert(
      fc.property(schedules, (schedule) => {
        const world = new World(SESSION_GUARANTEES);
        world.run(schedule);
        served.yes += world.served;
        served.no += world.refused;
        expect(world.violations).toEqual(none());
      }),
      { numRuns: 400 },
    );
    // It must have stood in the way, and not of everything.
    expect(served.no).toBeGreaterThan(500);
    expect(served.yes).toBeGreaterThan(500);
  });

  it("meet violations of all four kinds without it, on schedules of the same kind", () => {
    expect(Object.values(totals([])).every((count) => count > 0)).toBe(true);
  });

  it.each(SESSION_GUARANTEES)(
    "meet violations of %s alone if only that is not asked for",
    (left) => {
      const found = totals(SESSION_GUARANTEES.filter((guarantee) => guarantee !== left));
      expect(found[left]).toBeGreaterThan(0);
      expect({ ...found, [left]: 0 }).toEqual(none());
    },
  );

  it("can be served everywhere once the replicas have caught up", () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const world = new World(SESSION_GUARANTEES);
        world.run(schedule);
        for (let round = 0; round < 2; round++) world.pullAll();
        expect(world.everybodyCanBeServed()).toBe(true);
      }),
    );
  });
});

function none(): Violations {
  return {
    "read-your-writes": 0,
    "monotonic-reads": 0,
    "monotonic-writes": 0,
    "writes-follow-reads": 0,
  };
}

/** Violations over a fixed sample of schedules, under these guarantees. */
function totals(guarantees: readonly SessionGuarantee[]): Violations {
  const sum = none();
  for (const schedule of fc.sample(schedules, { seed: 1994, numRuns: 300 })) {
    const world = new World(guarantees);
    world.run(schedule);
    for (const guarantee of SESSION_GUARANTEES) sum[guarantee] += world.violations[guarantee];
  }
  return sum;
}

interface Write {
  readonly replica: string;
  readonly counter: number;
  /** What its session had written and read before, by the judge's books. */
  readonly afterWrites: readonly Write[];
  readonly afterReads: readonly Write[];
}

interface Replica {
  readonly id: string;
  vector: VersionVector;
  /** In the order of application. */
  readonly log: Write[];
}

class World {
  readonly violations: Violations = none();
  served = 0;
  refused = 0;
  readonly #guarantees: readonly SessionGuarantee[];
  readonly #replicas: Replica[] = REPLICAS.map((id) => ({
    id,
    vector: VersionVector.of(),
    log: [],
  }));
  /** As clients hold them: text. */
  readonly #tokens: string[] = Array.from({ length: CLIENTS }, () => SessionToken.empty().encode());
  readonly #written: Write[][] = Array.from({ length: CLIENTS }, () => []);
  readonly #read: Set<Write>[] = Array.from({ length: CLIENTS }, () => new Set());

  constructor(guarantees: readonly SessionGuarantee[]) {
    this.#guarantees = guarantees;
  }

  run(schedule: Schedule): void {
    for (const step of schedule) {
      const at = this.#replicas[step.replica] as Replica;
      if (step.kind === "pull") this.#pull(at, this.#replicas[step.from] as Replica, step.atMost);
      else this.#request(at, step.client, step.kind);
    }
  }

  pullAll(): void {
    for (const to of this.#replicas)
      for (const from of this.#replicas) this.#pull(to, from, Infinity);
  }

  everybodyCanBeServed(): boolean {
    return this.#tokens.every((token) =>
      this.#replicas.every(
        ({ vector }) =>
          SessionToken.decode(token).canServe(vector, { operation: "read" }).ok &&
          SessionToken.decode(token).canServe(vector, { operation: "write" }).ok,
      ),
    );
  }

  #request(at: Replica, client: number, operation: "read" | "write"): void {
    const token = SessionToken.decode(this.#tokens[client] as string);
    const { vector } = at;
    if (!token.canServe(vector, { operation, guarantees: this.#guarantees }).ok) {
      this.refused += 1;
      return;
    }
    this.served += 1;
    const after =
      operation === "read"
        ? this.#serveRead(at, client, token)
        : this.#serveWrite(at, client, token);
    this.#tokens[client] = after.encode();
  }

  #serveRead(at: Replica, client: number, token: SessionToken): SessionToken {
    const [written, read] = [this.#written[client] as Write[], this.#read[client] as Set<Write>];
    if (!written.every((write) => at.log.includes(write))) this.violations["read-your-writes"] += 1;
    if (![...read].every((write) => at.log.includes(write)))
      this.violations["monotonic-reads"] += 1;
    for (const write of at.log) read.add(write);
    return token.observedRead(at.vector);
  }

  #serveWrite(at: Replica, client: number, token: SessionToken): SessionToken {
    const written = this.#written[client] as Write[];
    const counter = at.vector.get(at.id) + 1;
    const afterReads = [...(this.#read[client] as Set<Write>)];
    const write = { replica: at.id, counter, afterWrites: [...written], afterReads };
    written.push(write);
    this.#apply(at, write);
    return token.observedWrite({ replica: at.id, counter });
  }

  #pull(to: Replica, from: Replica, atMost: number): void {
    const news = from.log.filter((write) => !to.log.includes(write));
    for (const write of news.slice(0, atMost)) this.#apply(to, write);
  }

  #apply(to: Replica, write: Write): void {
    const has = (other: Write): boolean => to.log.includes(other);
    if (!write.afterWrites.every(has)) this.violations["monotonic-writes"] += 1;
    if (!write.afterReads.every(has)) this.violations["writes-follow-reads"] += 1;
    to.log.push(write);
    to.vector = to.vector.with({ replica: write.replica, counter: write.counter });
  }
}
