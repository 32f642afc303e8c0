/**
 * The saga that our own engine is explored with: three steps and a participant, as the guide has
 * them, and the ways in which they are wrong elsewhere.
 */
import { saga } from "@quorate/transaction";
import { type Explored, participant, type ParticipantOptions } from "@quorate/transaction/explore";

/** What is different from the guide. */
export interface ReferenceOptions extends ParticipantOptions {
  /** Attempts of each step. @default 3 */
  readonly attempts?: number;
}

/** Makes a fresh world for each schedule. */
export function reference(options: ReferenceOptions = {}): () => Explored<number, number> {
  const { attempts = 3, ...kind } = options;
  return () => {
    const shop = participant("shop", kind);
    const step = (amount: number) => ({
      run: ({ input, key }: { readonly input: number; readonly key: string }) =>
        shop.apply(key, input + amount),
      undo: ({ key }: { readonly key: string }) => shop.cancel(key),
      retry: { attempts },
    });
    const order = saga("reference", { version: 1, input: (cents: number) => cents })
      .step("reserve", step(1))
      .step("charge", step(2))
      .step("dispatch", step(3))
      .returns(({ out }) => out.dispatch);
    return { saga: order, input: 500, participants: [shop] };
  };
}
