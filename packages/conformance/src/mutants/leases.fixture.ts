/**
 * Defects of leases, as real engines have had them.
 */
import type { Grant } from "@quorate/core";
import { type Mutant, onLeases, without } from "./tools.fixture.ts";

/** What the suite must find in leases. */
export const ofLeases: readonly Mutant[] = [
  {
    name: "release frees whoever holds",
    area: "leases",
    mutate: onLeases((leases) => ({
      async release(grant, options) {
        const { holders } = await leases.inspect(grant.name);
        const owner = holders[0]?.owner ?? grant.owner;
        return leases.release({ name: grant.name, owner }, options);
      },
    })),
  },
  {
    name: "the line is not first come, first served",
    area: "lease queue",
    mutate: onLeases((leases) => ({ acquire: (n, r) => leases.acquire(n, { ...r, fair: false }) })),
  },
  {
    name: "a token is used again",
    area: "leases",
    mutate: onLeases((leases) => {
      const tokens = new Map<string, number>();
      return {
        async acquire(name, request) {
          const answer = await leases.acquire(name, request);
          if (!answer.granted) return answer;
          const fencingToken = tokens.get(name) ?? answer.fencingToken;
          tokens.set(name, fencingToken);
          return { ...answer, fencingToken };
        },
      };
    }),
  },
  {
    name: "a renewal brings back what had ended",
    area: "leases",
    mutate: onLeases((leases) => ({
      async renew(grants, options) {
        const answers = await leases.renew(grants, options);
        const revive = async ({ name, owner, ttlMs }: Grant) =>
          (await leases.acquire(name, { owner, ttlMs })).granted ? "renewed" : "lost";
        return Promise.all(
          grants.map((grant, index) =>
            answers[index] === "lost" ? revive(grant) : Promise.resolve("renewed" as const),
          ),
        );
      },
    })),
  },
  {
    name: "renewal is all or nothing",
    area: "leases",
    mutate: onLeases((leases) => ({
      async renew(grants, options) {
        const answers = await leases.renew(grants, options);
        return answers.includes("lost") ? answers.map(() => "lost") : answers;
      },
    })),
  },
  {
    name: "an aborted waiter stays in line",
    area: "lease queue",
    mutate: onLeases((leases) => ({
      acquire(name, request) {
        const { signal } = request;
        const inner = leases.acquire(name, without(request, "signal"));
        return new Promise((resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          inner.then(resolve, reject);
        });
      },
    })),
  },
  {
    name: "weights are not counted",
    area: "weights",
    mutate: onLeases((leases) => ({
      acquire: (n, r) => leases.acquire(n, { ...r, weight: 1 }),
    })),
  },
  {
    name: "an expired lease is told as released",
    area: "leases",
    mutate: onLeases((leases) => ({
      async release(grant, options) {
        await leases.release(grant, options);
        return "released";
      },
    })),
  },
  {
    name: "the holder's deadline counts from the answer, without margin",
    area: "leases",
    mutate: onLeases((leases, { runtime }) => ({
      async acquire(name, request) {
        const answer = await leases.acquire(name, request);
        if (!answer.granted) return answer;
        return { ...answer, validUntilMs: runtime.time.monotonicMs() + request.ttlMs + 1 };
      },
    })),
  },
];
