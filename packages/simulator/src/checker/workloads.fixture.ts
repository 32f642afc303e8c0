/**
 * Objects that really do one thing at a time, to make histories from: written without a look at
 * the models, so that the two can disagree.
 */
import type { Json } from "@quorate/core";
import type { Invocation } from "./history/recorder.ts";
import { claimModel, type ClaimState } from "./models/claims.ts";
import { casRegister } from "./models/cas-register.ts";
import { fencedMutex } from "./models/fenced-mutex.ts";
import { withLeaseExpiry } from "./models/lease-expiry.ts";
import { mutex } from "./models/mutex.ts";
import { permits } from "./models/permits.ts";
import { readWriteLock } from "./models/read-write-lock.ts";
import { register } from "./models/register.ts";
import { revisionRegister } from "./models/revision-register.ts";
import type { Model } from "./model.ts";

/** A number in [0, 1). */
export type Dice = () => number;

/** One object, and what its clients ask of it. */
export interface World {
  /** What `client` asks next. */
  ask(client: string, dice: Dice): Invocation;
  /** It happens, at `nowMs`; the answer is what the client would be told. */
  happen(client: string, asked: Invocation, nowMs: number): Json;
  /** An answer that is likely wrong. */
  lie(asked: Invocation, answer: Json, dice: Dice): Json;
}

/** A kind of object, with the model that must accept it. */
export interface Workload {
  readonly name: string;
  readonly model: Model<unknown>;
  /** The same object, for the definition: nothing left out. @default the model */
  readonly reference?: Model<unknown>;
  world(): World;
}

const below = (dice: Dice, count: number): number => Math.floor(dice() * count);
const pick = <T>(dice: Dice, items: readonly T[]): T => items[below(dice, items.length)] as T;

/** A register over `values` values: few, so that they repeat, or many. */
export function registerWorkload(
  cas: boolean,
  values: number,
  hints: "all" | "some" | "none" = "all",
): Workload {
  const model = cas ? casRegister({ initial: 0 }) : register({ initial: 0 });
  const { hint: promise, ...plain } = model;
  const some: Model<Json> = {
    ...plain,
    hint: (operation) => (operation.f === "cas" ? undefined : promise?.(operation)),
  };
  return {
    name: `${model.name}, ${values} values, ${hints} hints`,
    model: { all: model, some, none: plain }[hints],
    world() {
      let value = 0;
      let written = 0;
      const some = (dice: Dice): number =>
        values === Infinity ? (written += 1) : below(dice, values);
      return {
        ask(_client, dice) {
          const kind = dice();
          if (kind < 0.45) return { f: "read" };
          if (!cas || kind < 0.75) return { f: "write", v: some(dice) };
          return { f: "cas", v: [dice() < 0.6 ? value : below(dice, 3), some(dice)] };
        },
        happen(_client, { f, v }) {
          if (f === "read") return value;
          if (f === "write") value = v as number;
          if (f !== "cas") return null;
          const [expected, wanted] = v as [number, number];
          const won = value === expected;
          if (won) value = wanted;
          return won;
        },
        lie: ({ f }, answer, dice) =>
          f === "read"
            ? values === Infinity
              ? below(dice, written + 1)
              : below(dice, values)
            : f === "cas"
              ? answer === false
              : answer,
      };
    },
  };
}

/** Our kv's key. */
export function revisionWorkload(): Workload {
  return {
    name: "register with revisions",
    model: revisionRegister(),
    world() {
      let entry: { value: number; revision: number } | undefined;
      let last = 0;
      const expectation = (dice: Dice): Json =>
        dice() < 0.5 ? (entry?.revision ?? "absent") : below(dice, last + 2);
      return {
        ask(_client, dice) {
          const kind = dice();
          if (kind < 0.4) return { f: "get" };
          const condition = dice() < 0.6 ? { expect: expectation(dice) } : {};
          if (kind < 0.85) return { f: "put", v: { value: below(dice, 2), ...condition } };
          const { expect } = condition;
          return { f: "delete", v: typeof expect === "number" ? { expect } : {} };
        },
        happen(_client, { f, v }) {
          if (f === "get") return entry === undefined ? null : { ...entry };
          const { value, expect } = v as { value: number; expect?: Json };
          const holds =
            expect === undefined ||
            (expect === "absent" ? entry === undefined : entry?.revision === expect);
          if (!holds || (f === "delete" && entry === undefined)) return false;
          if (f === "delete") {
            entry = undefined;
            return true;
          }
          last += 1;
          entry = { value, revision: last };
          return last;
        },
        lie: ({ f }, answer, dice) =>
          f === "get"
            ? pick(dice, [null, { value: below(dice, 2), revision: below(dice, last + 2) }])
            : f === "delete"
              ? answer === false
              : pick(dice, [false, below(dice, last + 2)]),
      };
    },
  };
}

/** What makes a lock of `lockWorkload`. */
export interface LockKind {
  readonly name: string;
  readonly model: Model<unknown>;
  readonly reference?: Model<unknown>;
  readonly capacity: number;
  readonly claims: readonly { readonly v: Json; readonly weight: number }[];
  readonly fenced?: boolean;
  readonly ttlMs?: number;
}

/** A lock with refusals, renewals and, with `ttlMs`, expiry. */
export function lockWorkload(kind: LockKind): Workload {
  const { name, model, reference = model } = kind;
  return { name, model, reference, world: () => lockWorld(kind) };
}

function lockWorld({ capacity, claims, fenced = false, ttlMs = Infinity }: LockKind): World {
  const holds = new Map<string, { weight: number; untilMs: number }>();
  const believers = new Set<string>();
  let token = 0;
  const purge = (nowMs: number): void => {
    for (const [owner, hold] of holds) if (hold.untilMs <= nowMs) holds.delete(owner);
  };
  return {
    ask(client, dice) {
      if (!believers.has(client) && dice() < 0.9) return { f: "acquire", v: pick(dice, claims).v };
      return { f: dice() < 0.3 ? "renew" : "release" };
    },
    happen(client, { f, v }, nowMs) {
      purge(nowMs);
      const hold = holds.get(client);
      if (f === "acquire") {
        const { weight } = claims.find((claim) => claim.v === v) ?? { weight: 1 };
        const used = [...holds.values()].reduce((sum, one) => sum + one.weight, 0);
        if (hold !== undefined || used + weight > capacity) return false;
        holds.set(client, { weight, untilMs: nowMs + ttlMs });
        believers.add(client);
        token += 1;
        return fenced ? token : null;
      }
      if (f === "release") believers.delete(client);
      if (hold === undefined) return false;
      if (f === "release") holds.delete(client);
      else hold.untilMs = nowMs + ttlMs;
      return true;
    },
    lie: ({ f }, answer, dice) =>
      fenced && f === "acquire" ? pick(dice, [false, below(dice, token + 2)]) : answer === false,
  };
}

/** A queue: a model that a user may have written, without hints. */
export function queueWorkload(): Workload {
  const model: Model<readonly Json[]> = {
    name: "queue",
    initial: [],
    step(items, { f, argument, result, outcome }) {
      if (f === "enqueue") return { ok: true, state: [...items, argument] };
      const head = items[0] ?? null;
      const possible = outcome === "unknown" || head === result;
      return possible ? { ok: true, state: items.slice(1) } : { ok: false };
    },
  };
  return {
    name: "queue, a user's model",
    model: model,
    world() {
      const items: number[] = [];
      return {
        ask: (_client, dice) =>
          dice() < 0.55 ? { f: "enqueue", v: below(dice, 3) } : { f: "dequeue" },
        happen(_client, { f, v }) {
          if (f === "enqueue") items.push(v as number);
          return f === "enqueue" ? null : (items.shift() ?? null);
        },
        lie: ({ f }, answer, dice) => (f === "dequeue" ? pick(dice, [null, 0, 1, 2]) : answer),
      };
    },
  };
}

const ONE = [{ v: null, weight: 1 }];
const MODES = [
  { v: { mode: "read" }, weight: 1 },
  { v: { mode: "write" }, weight: 99 },
];
const WEIGHTS = [
  { v: { weight: 1 }, weight: 1 },
  { v: { weight: 2 }, weight: 2 },
];

/** TTL of the leases below, in the time of `randomHistory`. */
export const LEASE_MS = 12;

/** Every model, most of them with few values, where more histories are ambiguous. */
export function allWorkloads(): Workload[] {
  const exact = { exactRefusals: true };
  const leased = { ttlMs: LEASE_MS };
  const lock = (
    model: Model<ClaimState>,
    kind: Omit<LockKind, "name" | "model">,
    reference = model,
  ): Workload =>
    lockWorkload({
      name: model.name,
      model: model,
      reference: reference,
      ...kind,
    });
  const whole = (capacity: number, fenced: boolean): Model<ClaimState> =>
    claimModel({
      name: "whole",
      capacity,
      fenced,
      weightOf: ({ weight = 1 }) => weight as number,
      keepGhosts: true,
    });
  const three = permits({ capacity: 3 });
  const leasedPermits = withLeaseExpiry(permits({ capacity: 2 }), leased);
  const leasedFenced = withLeaseExpiry(fencedMutex(), leased);
  const leasedExact = withLeaseExpiry(fencedMutex(exact), leased);
  return [
    registerWorkload(false, 2),
    registerWorkload(false, Infinity),
    registerWorkload(true, 3),
    registerWorkload(true, Infinity),
    registerWorkload(true, 3, "some"),
    registerWorkload(true, Infinity, "some"),
    registerWorkload(true, 3, "none"),
    revisionWorkload(),
    lock(mutex(), { capacity: 1, claims: ONE }, whole(1, false)),
    lock(mutex(exact), { capacity: 1, claims: ONE }),
    lock(fencedMutex(), { capacity: 1, claims: ONE, fenced: true }, whole(1, true)),
    lock(three, { capacity: 3, claims: WEIGHTS }, whole(3, false)),
    lock(readWriteLock(exact), { capacity: 99, claims: MODES }),
    lock(leasedExact, { capacity: 1, claims: ONE, fenced: true, ...leased }),
    lock(
      leasedFenced,
      { capacity: 1, claims: ONE, fenced: true, ...leased },
      withLeaseExpiry(whole(1, true), leased),
    ),
    lock(
      leasedPermits,
      { capacity: 2, claims: WEIGHTS, ...leased },
      withLeaseExpiry(whole(2, false), leased),
    ),
    queueWorkload(),
  ];
}
