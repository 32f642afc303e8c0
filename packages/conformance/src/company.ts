/**
 * A company: cases that suffer one disaster together.
 *
 * A server that dies, stands still or forgets does so for all its clients at once. Cases whose
 * claim begins with the same disaster therefore run together, each on its own names, and the
 * disaster strikes once all of them are ready for it: the seconds that a cluster needs to elect
 * are waited for once, not once per case.
 *
 * Guarantees: no step is taken while one of the company still prepares; each step is taken once
 * for all who wait for it; a case that ends, or fails, holds nobody up.
 */
import { type Deferred, deferred } from "@quorate/core";
import type { HarnessFaults, Need } from "./harness.ts";

/** What befalls all clients of a server. A case needs one of these, or its begin and its end. */
const SHARED = ["freeze", "thaw", "killServer", "restartServer", "flush", "failover"] as const;

type Step = (typeof SHARED)[number];

/** The disaster that `needs` names, if it is one that a company can share. */
export function disasterOf(needs: readonly Need[]): Step | undefined {
  return SHARED.find((step) => needs.includes(step));
}

interface Waiting {
  readonly step: Step;
  readonly take: () => Promise<void> | void;
  readonly taken: Deferred<void>;
}

/** Cases that wait for each other before what befalls them all. */
export class Company {
  #present = 0;
  #waiting: readonly Waiting[] = [];

  /** One more case begins, and will be waited for. */
  join(): void {
    this.#present += 1;
  }

  /** `fault` as one of the company sees it: what befalls all is waited for, the rest is its own. */
  share<F extends keyof HarnessFaults>(name: F, fault: HarnessFaults[F]): HarnessFaults[F] {
    const step = SHARED.find((shared) => shared === name);
    if (step === undefined) return fault;
    const take = fault as Waiting["take"];
    return (() => this.#wait(step, take)) as HarnessFaults[F];
  }

  /** One of the company has ended; nobody waits for it any more. */
  leave(): void {
    this.#present -= 1;
    this.#takeIfAllWait();
  }

  #wait(step: Step, take: Waiting["take"]): Promise<void> {
    const taken = deferred<void>();
    this.#waiting = [...this.#waiting, { step, take, taken }];
    this.#takeIfAllWait();
    return taken.promise;
  }

  #takeIfAllWait(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#waiting.length < this.#present) return;
    const now = this.#waiting.filter(({ step }) => step === first.step);
    this.#waiting = this.#waiting.filter(({ step }) => step !== first.step);
    const outcome = Promise.resolve().then(first.take);
    for (const { taken } of now) outcome.then(taken.resolve, taken.reject);
  }
}
