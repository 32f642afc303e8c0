/** Probes of how work ends: twice, late, badly, or never. */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import type { Contender, Request } from "../contenders/contender.ts";
import {
  counted,
  finding,
  type Finding,
  type Outcome,
  outcomeOf,
  type Probe,
  type RemoteSession,
  type Stage,
  told,
} from "./probe.ts";

const DUPLICATES = 10;
const LEASE_MS = 400;

const inProcess = ({ inProcess: alone }: Contender): string | undefined =>
  alone === true ? "keeps its records in one process" : undefined;

const concurrentDuplicates: Probe = {
  title: `${DUPLICATES} duplicates at once`,
  async run(stage) {
    const service = await stage.session();
    const { runs, work } = counted(() => sleep(100, "paid"));
    const request = stage.request();
    const calls = Array.from({ length: DUPLICATES }, () => outcomeOf(service.run(request, work)));
    const answers = await Promise.all(calls);
    const paid = answers.filter(({ kind }) => kind === "answer").length;
    return finding(runs() !== 1 || paid === 0, `${runs()} run(s), ${paid} answered`);
  },
};

const throwsOnce: Probe = {
  title: "the work throws once",
  async run(stage) {
    const service = await stage.session();
    const request = stage.request();
    await outcomeOf(service.run(request, () => Promise.reject(new Error("no connection"))));
    const again = await outcomeOf(service.run(request, () => "paid"));
    return finding(again.kind !== "answer", `then ${told(again)}`);
  },
};

/** The first caller and a repeat are told the same: an answer, or an error that says why not. */
function result(title: string, value: () => unknown): Probe {
  return {
    title,
    async run(stage) {
      const service = await stage.session();
      const { runs, work } = counted(value);
      const request = stage.request();
      const first = await outcomeOf(service.run(request, work));
      const again = await outcomeOf(service.run(request, work));
      const saw = `${told(first)}, then ${told(again)}, ${runs()} run(s)`;
      return finding(runs() !== 1 || !sameToBoth(first, again), saw);
    },
  };
}

function sameToBoth(first: Outcome, again: Outcome): boolean {
  if (first.kind === "answer" && again.kind === "answer") {
    return isDeepStrictEqual(first.value, again.value);
  }
  return first.kind === "error" && told(first) === told(again);
}

const crashedOwner: Probe = {
  title: "the owner dies at work",
  exempt: inProcess,
  async run(stage) {
    const [owner, next] = await twoSessions(stage);
    const request = stage.request();
    await stall(owner, request, new Promise(() => {}));
    const then = await untilAnswered(next, request, "of the next");
    return finding(then.kind !== "answer", `a lease later ${told(then)}`);
  },
};

/** The owner is cut off beyond its lease, another finishes; then the owner is heard again. */
function late(title: string, how: "success" | "failure"): Probe {
  return {
    title,
    exempt: inProcess,
    async run(stage) {
      const [owner, next] = await twoSessions(stage);
      const request = stage.request();
      let finish = (_: unknown): void => {};
      let fail = (_: Error): void => {};
      const gate = new Promise((resolve, reject) => {
        finish = resolve;
        fail = reject;
      });
      const { end } = await stall(owner, request, gate);
      const second = await untilAnswered(next, request, "of the next");
      if (second.kind !== "answer") return { kind: "n/a", saw: "nobody could take over" };
      owner.proxy.pauseRequests(false);
      if (how === "success") finish("of the late owner");
      else fail(new Error("late failure"));
      const lately = await end;
      const { runs, work } = counted(() => "of a third run");
      const again = await outcomeOf(next.run(request, work));
      return judgeLate(lately, again, runs());
    },
  };
}

function judgeLate(lately: Outcome, again: Outcome, runs: number): Finding {
  const announced = lately.kind === "answer" && lately.value === "of the late owner";
  const flipped = again.kind === "answer" && again.value !== "of the next";
  const saw = `the late one was told ${told(lately)}; a repeat ${told(again)}`;
  return finding(announced || flipped || runs > 0, saw);
}

async function twoSessions(stage: Stage): Promise<[RemoteSession, RemoteSession]> {
  return [await stage.session({ leaseMs: LEASE_MS }), await stage.session({ leaseMs: LEASE_MS })];
}

/** `owner` claims, and from then on is not heard, beyond its lease. How its call ends is `end`. */
async function stall(
  owner: RemoteSession,
  request: Request,
  gate: Promise<unknown>,
): Promise<{ readonly end: Promise<Outcome> }> {
  let begun = (): void => {};
  const atWork = new Promise<void>((resolve) => (begun = resolve));
  const call = owner.run(request, () => {
    begun();
    return gate;
  });
  // Without a bound of its own: it is asked for its end after the others have had theirs.
  const end = call.then(
    (value): Outcome => ({ kind: "answer", value }),
    (error: Error): Outcome => ({ kind: "error", error }),
  );
  await atWork;
  owner.proxy.pauseRequests(true);
  await sleep(LEASE_MS + 100);
  return { end };
}

/** Asks again and again, as a client does that was told "in progress", for some leases. */
async function untilAnswered(
  session: RemoteSession,
  request: Request,
  answer: string,
): Promise<Outcome> {
  let last: Outcome = { kind: "silence" };
  for (let waitedMs = 0; waitedMs < 5 * LEASE_MS; waitedMs += 100) {
    last = await outcomeOf(session.run(request, () => answer));
    if (last.kind === "answer") return last;
    await sleep(100);
  }
  return last;
}

/** In the order of the table. */
export const ENDING_PROBES: readonly Probe[] = [
  concurrentDuplicates,
  throwsOnce,
  result("a bigint in the result", () => ({ total: 5n })),
  result("a Date in the result", () => ({ at: new Date(0) })),
  crashedOwner,
  late("a superseded owner succeeds late", "success"),
  late("a superseded owner fails late", "failure"),
];
