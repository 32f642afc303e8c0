/**
 * The fault probes of `npm run bench -- idempotency --probes`, on ours: none of them finds a
 * fault. And on a library as one writes it in an afternoon, so that they are known to find some.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Contender } from "../bench/idempotency/contenders/contender.ts";
import { quorate } from "../bench/idempotency/contenders/quorate.ts";
import { PROBES, runProbe } from "../bench/idempotency/probes/run.ts";
import { needs, startRedis } from "../scripts/servers/index.mjs";
import type { ServerProcess } from "../scripts/servers/types.ts";

/** Look, run, store: no claim, no fence, `JSON.stringify` for everything. */
const afternoon: Contender = {
  id: "afternoon",
  title: "an afternoon's work",
  async open({ url }) {
    const redis = new Redis(url, { maxRetriesPerRequest: null });
    redis.on("error", () => {});
    return {
      async run({ key, payload }, work) {
        const stored = await redis.get(key);
        if (stored !== null) {
          const { request, result } = JSON.parse(stored);
          if (request !== JSON.stringify(payload)) throw new Error("mismatch");
          return result;
        }
        try {
          const result = await work(payload);
          await redis.set(key, JSON.stringify({ request: JSON.stringify(payload), result }));
          return result;
        } catch (error) {
          await redis.del(key);
          throw error;
        }
      },
      close: async () => redis.disconnect(),
    };
  },
};

describe.skipIf(needs("redis").skip)("the fault probes", () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it.each(PROBES.map((probe) => ({ probe, title: probe.title })))(
    "find no fault in ours: $title",
    async ({ probe }) => {
      const { kind, saw } = await runProbe(probe, quorate, server.url);
      expect({ kind, saw }).toEqual({ kind: "holds", saw });
    },
  );

  // Who has no lease has no dead owner to wait for, and whoever forgets an error forgets the key.
  const SPARED = ["the same request again", "the work throws once", "the owner dies at work"];

  it.each(PROBES.map((probe) => ({ probe, title: probe.title })))(
    "find the fault of an afternoon's work: $title",
    async ({ probe }) => {
      const { kind, saw } = await runProbe(probe, afternoon, server.url);
      const expected = SPARED.includes(probe.title) ? "holds" : "fault";
      expect({ kind, saw }).toEqual({ kind: expected, saw });
    },
  );
});
