/**
 * What the processes of `servers.test.ts` ask each other.
 */
import { contract } from "@quorate/rpc";
import { z } from "zod";

const input = z.object({ text: z.string() });

export const Probe = contract("probe", "1.0.0", {
  /** Answers with the instant at which its time ends, by the machine's clock. */
  deadline: { input, output: z.object({ text: z.string(), deadlineMs: z.number() }) },
  /** Runs until it is told to stop. */
  hang: { input, output: z.object({}) },
  /** What the server counted. */
  counts: {
    input: z.object({}),
    output: z.object({ expired: z.int(), cancelled: z.int() }),
    repeat: "safe",
  },
});
