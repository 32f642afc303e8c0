import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLAIM_WINDOW_MS,
  type Claim,
  FREE_LINE,
  type LeaseInput,
  type LeaseLine,
  type LeaseStep,
  nextDueMs,
  stepLease,
} from "./lease-line.ts";
import type { Now } from "./now.ts";

const START_MICROS = 1_700_000_000_000_000;

function at(ms: number): Now {
  return { ms, micros: START_MICROS + ms * 1_000 };
}

function claimOf(owner: string, more: Partial<Claim> = {}): Claim {
  const process = `p-${owner}`;
  const plain = { weight: 1, capacity: 1, ttlMs: 1_000, fair: true, data: undefined };
  return { owner, process, ...plain, ...more };
}

/** Runs inputs, each with the time at which it comes. */
function play(...script: [number, LeaseInput][]): LeaseStep[] {
  let line: LeaseLine = FREE_LINE;
  return script.map(([ms, input]) => {
    const step = stepLease(line, input, at(ms));
    line = step.line;
    return step;
  });
}

function claims(owner: string, more?: Partial<Claim>, waitMs = Infinity): LeaseInput {
  return { kind: "claim", claim: claimOf(owner, more), waitMs };
}

function releases(owner: string, token?: number): LeaseInput {
  return { kind: "release", owner, token };
}

describe("a lease line", () => {
  it("grants a waiter provisionally, for the claim window", () => {
    const [, , handed] = play([0, claims("a")], [1, claims("b")], [2, releases("a")]);
    const [holder] = handed!.line.holders;
    expect(holder).toMatchObject({ owner: "b", provisional: true });
    expect(holder!.expiresAtMs).toBe(2 + CLAIM_WINDOW_MS);
  });

  it("never makes the claim window longer than the TTL", () => {
    const short = { ttlMs: 50 };
    const [, , handed] = play([0, claims("a")], [1, claims("b", short)], [2, releases("a")]);
    expect(handed!.line.holders[0]!.expiresAtMs).toBe(52);
  });

  it("hands on when nobody confirms, and sends that process to the back", () => {
    const sleepy = { process: "sleepy" };
    const steps = play(
      [0, claims("a")],
      [1, claims("s1", sleepy)],
      [2, claims("s2", sleepy)],
      [3, claims("b")],
      [4, releases("a")],
      [4 + CLAIM_WINDOW_MS, { kind: "tick" }],
    );
    const { line } = steps.at(-1)!;
    expect(line.holders.map(({ owner }) => owner)).toEqual(["b"]);
    expect(line.waiters.map(({ owner }) => owner)).toEqual(["s2"]);
  });

  it("lets a renewal confirm, and then lasts for the TTL", () => {
    const [, , handed] = play([0, claims("a")], [1, claims("b")], [2, releases("a")]);
    const { token } = handed!.line.holders[0]!;
    const renewal: LeaseInput = { kind: "renew", owner: "b", token, ttlMs: 1_000 };
    const { line, answer } = stepLease(handed!.line, renewal, at(300));
    expect(answer.kind).toBe("renewed");
    expect(line.holders[0]).toMatchObject({ provisional: false, expiresAtMs: 1_300 });
  });

  it("refuses a renewal in the very instant of expiry", () => {
    const [granted] = play([0, claims("a")]);
    const token = granted!.line.lastToken;
    const renewal: LeaseInput = { kind: "renew", owner: "a", token, ttlMs: 1_000 };
    expect(stepLease(granted!.line, renewal, at(1_000)).answer.kind).toBe("lost");
    expect(stepLease(granted!.line, renewal, at(999)).answer.kind).toBe("renewed");
  });

  it("gives a greater token though the clock stands still or goes back", () => {
    let line: LeaseLine = FREE_LINE;
    let last = 0;
    for (const micros of [START_MICROS, START_MICROS, START_MICROS - 5_000_000]) {
      line = stepLease(line, claims("a"), { ms: 0, micros }).line;
      expect(line.lastToken).toBeGreaterThan(last);
      last = line.lastToken;
      line = stepLease(line, releases("a"), { ms: 0, micros }).line;
    }
  });

  it("drops a waiter whose time is up", () => {
    const steps = play([0, claims("a")], [1, claims("b", {}, 100)], [101, { kind: "tick" }]);
    expect(steps.at(-1)!.line.waiters).toEqual([]);
    expect(nextDueMs(steps[1]!.line)).toBe(101);
  });

  it("forgets the waiters of a process that is gone, and keeps its leases", () => {
    const process = "p";
    const steps = play(
      [0, claims("a", { process })],
      [1, claims("b", { process })],
      [2, { kind: "gone", process }],
    );
    const { line } = steps.at(-1)!;
    expect(line.waiters).toEqual([]);
    expect(line.holders.map(({ owner }) => owner)).toEqual(["a"]);
  });
});

const OWNERS = ["a", "b", "c", "d", "e", "f"];
const CAPACITY = 4;

interface Command {
  readonly afterMs: number;
  readonly input: LeaseInput | { readonly kind: "renew-held"; readonly index: number };
}

const command: fc.Arbitrary<Command> = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 700 })),
  input: fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .record({
          owner: fc.constantFrom(...OWNERS),
          weight: fc.integer({ min: 1, max: CAPACITY }),
          ttlMs: fc.integer({ min: 1, max: 1_500 }),
          fair: fc.boolean(),
          waitMs: fc.constantFrom(0, 300, Infinity),
        })
        .map(({ owner, waitMs, ...more }): LeaseInput => {
          const process = `p${OWNERS.indexOf(owner) % 3}`;
          return claims(owner, { ...more, process, capacity: CAPACITY }, waitMs);
        }),
    },
    { weight: 3, arbitrary: fc.constantFrom(...OWNERS).map((owner) => releases(owner)) },
    {
      weight: 2,
      arbitrary: fc.nat({ max: 5 }).map((index) => ({ kind: "renew-held", index }) as const),
    },
    { weight: 1, arbitrary: fc.constantFrom("p0", "p1", "p2").map(goes) },
    { weight: 2, arbitrary: fc.constant<LeaseInput>({ kind: "tick" }) },
  ),
});

function goes(process: string): LeaseInput {
  return { kind: "gone", process };
}

/** A command as an input: a renewal needs the token of somebody who holds. */
function inputOf({ input }: Command, line: LeaseLine): LeaseInput {
  if (input.kind !== "renew-held") return input;
  const holder = line.holders[input.index % Math.max(1, line.holders.length)];
  if (holder === undefined) return { kind: "tick" };
  return { kind: "renew", owner: holder.owner, token: holder.token, ttlMs: 500 };
}

/** Plays random commands and hands each step to `check`. */
function always(check: (before: LeaseLine, step: LeaseStep, input: LeaseInput, now: Now) => void) {
  const script = fc.array(command, { maxLength: 60 });
  const property = fc.property(script, (commands) => {
    let line: LeaseLine = FREE_LINE;
    let ms = 0;
    for (const each of commands) {
      ms += each.afterMs;
      const input = inputOf(each, line);
      const step = stepLease(line, input, at(ms));
      check(line, step, input, at(ms));
      line = step.line;
    }
  });
  fc.assert(property, { numRuns: 400 });
  expect(true).toBe(true); // fast-check asserts by throwing, with its seed in the message.
}

function heldWeight(line: LeaseLine): number {
  return line.holders.reduce((sum, { weight }) => sum + weight, 0);
}

describe("in any lease line, always", () => {
  it("the weights held fit the capacity", () => {
    always((_before, { line }) => expect(heldWeight(line)).toBeLessThanOrEqual(CAPACITY));
  });

  it("tokens grow with every grant, and are never below the clock", () => {
    always((before, { effects, line }, _input, now) => {
      let last = before.lastToken;
      for (const effect of effects) {
        if (effect.kind !== "granted") continue;
        expect(effect.holder.token).toBeGreaterThan(last);
        expect(effect.holder.token).toBeGreaterThanOrEqual(now.micros);
        last = effect.holder.token;
      }
      expect(line.lastToken).toBe(last);
    });
  });

  it("nobody holds beyond expiry, and nobody waits for what is free", () => {
    always((_before, { line }, _input, now) => {
      for (const holder of line.holders) expect(holder.expiresAtMs).toBeGreaterThan(now.ms);
      const room = CAPACITY - heldWeight(line);
      for (const [index, waiter] of line.waiters.entries()) {
        if (index === 0 || !waiter.fair) expect(waiter.weight).toBeGreaterThan(room);
      }
    });
  });

  it("an owner is in one place at most, and each grant ends once", () => {
    always((before, { line, effects }) => {
      const owners = [...line.holders, ...line.waiters].map(({ owner }) => owner);
      expect(new Set(owners).size).toBe(owners.length);
      const alive = new Set(before.holders.map(({ token }) => token));
      for (const effect of effects) {
        if (effect.kind === "granted") alive.add(effect.holder.token);
        else expect(alive.delete(effect.token)).toBe(true);
      }
      expect(alive).toEqual(new Set(line.holders.map(({ token }) => token)));
    });
  });

  it("no waiter is lost: it waits on, is granted, gave up, or its process is gone", () => {
    always((before, { line, effects }, input, now) => {
      const granted = effects.flatMap((e) => (e.kind === "granted" ? [e.holder.owner] : []));
      for (const { owner, process, untilMs } of before.waiters) {
        const waits = line.waiters.some((waiter) => waiter.owner === owner);
        const left =
          (input.kind === "release" && input.owner === owner) ||
          (input.kind === "gone" && input.process === process) ||
          (input.kind === "claim" && input.claim.owner === owner) ||
          untilMs <= now.ms;
        expect(waits || granted.includes(owner) || left).toBe(true);
      }
    });
  });

  it("fair waiters are granted in the order of the line", () => {
    always((before, { line, effects }, input) => {
      const lapsed = new Set(
        before.holders
          .filter(({ provisional }) => provisional)
          .filter(({ token }) => effects.some((e) => e.kind === "ended" && e.token === token))
          .map(({ process }) => process),
      );
      const asked = input.kind === "claim" ? input.claim.owner : undefined;
      for (const effect of effects) {
        if (effect.kind !== "granted" || !effect.holder.provisional || !effect.holder.fair)
          continue;
        const { owner } = effect.holder;
        const place = before.waiters.findIndex((waiter) => waiter.owner === owner);
        if (owner === asked || lapsed.has(effect.holder.process)) continue;
        for (const earlier of before.waiters.slice(0, Math.max(0, place))) {
          const stillWaits = line.waiters.some((waiter) => waiter.owner === earlier.owner);
          expect(!stillWaits || lapsed.has(earlier.process)).toBe(true);
        }
      }
    });
  });

  it("a renewal succeeds for the living only", () => {
    always((before, { answer }, input, now) => {
      if (input.kind !== "renew") return;
      const held = before.holders.find(({ token }) => token === input.token);
      const alive = held !== undefined && held.expiresAtMs > now.ms;
      expect(answer.kind).toBe(alive ? "renewed" : "lost");
    });
  });

  it("the state before is left as it was", () => {
    always((before, _step, input, now) => {
      const copy = structuredClone(before);
      stepLease(before, input, now);
      expect(before).toEqual(copy);
    });
  });
});
