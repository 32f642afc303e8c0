/**
 * What the processes of `more.test.ts` can be asked.
 */
import { contract } from "@quorate/rpc";
import { z } from "zod";

/** Served by a process that is killed, then by another. */
export const Till = contract("till", "1.0.0", {
  pay: { input: z.int(), output: z.string(), repeat: "keyed" },
  ticks: { input: z.int(), items: z.int(), repeat: "safe" },
});

/** Asked by a process that is killed. */
export const Waits = contract("waits", "1.0.0", {
  ping: { input: z.string(), output: z.string(), repeat: "safe" },
  wait: { input: z.string(), output: z.string(), timeoutMs: 600_000 },
});

/** Lease of a run of a keyed call, and of a client's presence. */
export const LEASE_MS = 2_000;
