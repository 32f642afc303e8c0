/**
 * A saga that waits for a person, for those who look at such.
 */
import { saga } from "@quorate/transaction";
import type { Quorate } from "../quorate.ts";

/** Begins a saga of version 1 under this name whose one step never succeeds; it is stuck after. */
export async function park(q: Quorate, name: string, id: string): Promise<void> {
  const stuck = saga(name, { version: 1, input: (input: string) => input })
    .step("a", {
      run: () => {
        throw new Error("down");
      },
      undo: "none",
      retry: { attempts: 1 },
      onExhausted: "park",
    })
    .returns(() => "end");
  await q.sagas.run(stuck, { id, input: "" }).catch(() => {});
}
