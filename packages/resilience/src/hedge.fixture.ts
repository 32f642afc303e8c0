/** A hedge in scripted time, and work whose attempts a test settles one by one. */
import { ScriptedRuntime } from "@quorate/core/testing";

import type { Call } from "./call.ts";
import { hedge } from "./hedge.ts";
import type { HedgeOptions } from "./hedge-options.ts";
import { pending } from "./policy.fixture.ts";

/** Options of a call that may run twice. */
export const safe = { repeat: "safe" } as const;

/** A hedge after 100 ms, and work whose attempts the test settles one by one. */
export function world(options: HedgeOptions = {}) {
  const runtime = new ScriptedRuntime();
  const policy = hedge({ delayMs: 100, runtime, ...options });
  const answers = [1, 2, 3, 4].map(() => pending<string>());
  const calls: Call[] = [];
  const work = (call: Call): Promise<string> => {
    calls.push(call);
    return (answers[calls.length - 1] as (typeof answers)[0]).promise;
  };
  const answer = (attempt: number) => answers[attempt - 1] as (typeof answers)[0];
  return { runtime, policy, work, calls, answer };
}
