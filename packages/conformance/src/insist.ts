/**
 * Asking until there is an answer: what a caller does after an unknown outcome.
 */
import { strict as assert } from "node:assert";
import { isQuorateError } from "@quorate/core";
import type { CaseContext } from "./case.ts";

export async function insist<T>(t: CaseContext, what: string, ask: () => Promise<T>): Promise<T> {
  let answer: { readonly value: T } | undefined;
  const tried = async (): Promise<boolean> => {
    const attempt = ask().then(
      (value) => ({ value }),
      (error: unknown) => {
        assert(isQuorateError(error), String(error));
        return undefined;
      },
    );
    answer = await t.settle(what, attempt, 10_000);
    return answer !== undefined;
  };
  await t.until(what, tried, 15_000);
  assert(answer !== undefined);
  return answer.value;
}
