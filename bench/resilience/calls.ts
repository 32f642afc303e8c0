/**
 * What a call costs that goes well: one policy alone, and the four that most services want.
 *
 * One call after another, each awaited, of a function that returns at once: everything measured is
 * the policies'. Ours and the rivals' are made once, with the options that their READMEs show.
 */
import { breaker, bulkhead, pipe, retry, timeout } from "@quorate/resilience";
import {
  bulkhead as cockatielBulkhead,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  retry as cockatielRetry,
  SamplingBreaker,
  timeout as cockatielTimeout,
  TimeoutStrategy,
  wrap,
} from "cockatiel";
import CircuitBreaker from "opossum";
import pRetry from "p-retry";

import { type AwaitedContestant, effortOf, raceCalls, speedTable } from "../harness/micro.ts";
import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { medianRatio } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";

const work = async (): Promise<number> => 42;

const BARE = "no policy";
const OURS = "quorate";
const COCKATIEL = "cockatiel 3.2.1";
const OPOSSUM = "opossum 9";
const P_RETRY = "p-retry 7";
const METHOD =
  "Calls one after another, each awaited, of an async function that returns a constant. " +
  "Medians of interleaved rounds; ratios within a round.";

const cockatielBreaker = () =>
  circuitBreaker(handleAll, {
    halfOpenAfter: 10_000,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
  });
const cockatielAttempts = () =>
  cockatielRetry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() });

/** A breaker that is closed. */
export const measureBreaker: Measure = async ({ quick }): Promise<Section> => {
  const ours = breaker({});
  const theirs = cockatielBreaker();
  const opossum = new CircuitBreaker(work);
  const speeds = await raceCalls(
    [
      { name: BARE, run: work },
      { name: OURS, run: () => ours.run(work) },
      { name: COCKATIEL, run: () => theirs.execute(work) },
      { name: OPOSSUM, run: () => opossum.fire() },
    ],
    effortOf(quick),
  );
  opossum.shutdown();
  return {
    title: "A closed breaker",
    method: `${METHOD} All by a time window; opossum with its defaults.`,
    tables: [speedTable("closed breaker", speeds)],
    claims: [
      atMost("a closed breaker beside cockatiel's", OURS, COCKATIEL, 1, speeds),
      atMost("a closed breaker beside opossum's", OURS, OPOSSUM, 1 / 4, speeds),
    ],
  };
};

/** A retry whose first try succeeds. */
export const measureRetry: Measure = async ({ quick }): Promise<Section> => {
  const ours = retry({});
  const theirs = cockatielAttempts();
  const speeds = await raceCalls(
    [
      { name: BARE, run: work },
      { name: OURS, run: () => ours.run(work) },
      { name: COCKATIEL, run: () => theirs.execute(work) },
      { name: P_RETRY, run: () => pRetry(work, { retries: 3 }) },
    ],
    effortOf(quick),
  );
  return {
    title: "A retry whose first try succeeds",
    method: `${METHOD} p-retry is given its options as its README shows.`,
    tables: [speedTable("first try", speeds)],
    claims: [
      atMost("a first try beside cockatiel's", OURS, COCKATIEL, 1, speeds),
      atMost("a first try beside p-retry's", OURS, P_RETRY, 1 / 20, speeds),
    ],
  };
};

/** Retry, breaker, timeout and bulkhead in one. */
export const measureFour: Measure = async ({ quick }): Promise<Section> => {
  const speeds = await raceCalls(fourPolicies(), effortOf(quick));
  return {
    title: "Retry, breaker, bulkhead and timeout together",
    method: `${METHOD} opossum's is its breaker with timeout and capacity, inside a p-retry.`,
    tables: [speedTable("four policies", speeds)],
    claims: [
      atMost("four policies beside none", OURS, BARE, 9, speeds),
      atMost("four policies beside cockatiel's", OURS, COCKATIEL, 1 / 15, speeds),
    ],
  };
};

/** The four that most services want, as each library has them. */
export function fourPolicies(): AwaitedContestant[] {
  const ours = pipe(retry({}), breaker({}), bulkhead({ max: 64 }), timeout({ timeoutMs: 2_000 }));
  const theirs = wrap(
    cockatielAttempts(),
    cockatielBreaker(),
    cockatielBulkhead(64),
    cockatielTimeout(2_000, TimeoutStrategy.Aggressive),
  );
  const opossum = new CircuitBreaker(work, { timeout: 2_000, capacity: 64 });
  // Its two intervals would keep this process alive.
  opossum.on("shutdown", () => {});
  return [
    { name: BARE, run: work },
    { name: OURS, run: () => ours.run(work) },
    { name: COCKATIEL, run: () => theirs.execute(work) },
    { name: `${P_RETRY} + ${OPOSSUM}`, run: () => pRetry(() => opossum.fire(), { retries: 3 }) },
  ];
}

/** The claim that one costs at most `bar` of what another costs in the same round. */
function atMost(
  name: string,
  ours: string,
  other: string,
  bar: number,
  speeds: ReadonlyMap<string, readonly number[]>,
): Claim {
  const ratio = medianRatio(speeds.get(other) ?? [], speeds.get(ours) ?? []);
  return {
    name,
    bar: `≤ ${bar < 1 ? `1/${Math.round(1 / bar)}` : bar} × ${other}`,
    measured: `${figure(ratio)} × ${other}`,
    held: ratio <= bar,
  };
}
