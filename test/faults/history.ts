/**
 * The claims of one primitive as a history that the checker can judge.
 *
 * Each claim is an owner of its own. What the worker saw becomes operations: the claim, each check
 * that passed (the lock was held at some instant between its two times), and the giving back. A
 * hold that was never surely given back may have ended at any time after its last check, or not
 * yet: a release whose outcome is unknown says just that, for a killed worker as for a lease that
 * ran out.
 */
import { type History, type HistoryEvent, historyOf } from "@quorate/simulator/checker";

import type { Hold } from "./holds.ts";
import { type Kind, PRIMITIVE_OF, type Primitive } from "./protocol.ts";

type Draft = Omit<HistoryEvent, "op"> & { readonly name: string };

/** What a claim asks for, in the words of the models. */
const ARGUMENT: Readonly<Record<Kind, object>> = {
  lock: {},
  permit: { weight: 1 },
  read: { mode: "read" },
  write: { mode: "write" },
};

/** The history of all claims of `primitive` among `holds`. */
export function historyOfHolds(primitive: Primitive, holds: readonly Hold[]): History {
  const own = holds.filter(({ kind }) => PRIMITIVE_OF[kind] === primitive);
  const drafts = own.flatMap(eventsOf).toSorted((a, b) => a.t - b.t);
  const numbers = new Map<string, number>();
  const events = drafts.map(({ name, ...event }): HistoryEvent => {
    const op = numbers.get(name) ?? numbers.size;
    numbers.set(name, op);
    return { ...event, op };
  });
  return historyOf(events);
}

function eventsOf(hold: Hold): Draft[] {
  const { id, kind, heldMs, token, refused, believed, releasingMs, ended } = hold;
  const owner = { owner: id };
  const about = (what: string, f: string): Omit<Draft, "t" | "type"> => ({
    name: `${id}:${what}`,
    p: `${id}:${what}`,
    f,
  });
  const claim = about("acquire", "acquire");
  const events: Draft[] = [
    { ...claim, t: hold.askedMs, type: "invoke", v: { ...owner, ...ARGUMENT[kind] } },
  ];
  if (heldMs !== undefined) events.push({ ...claim, t: heldMs, type: "ok", v: token ?? null });
  if (refused?.effect === "none") events.push({ ...claim, t: refused.atMs, type: "fail" });
  if (refused?.effect === "none") return events;

  for (const [index, { fromMs, toMs }] of believed.entries()) {
    const check = about(`check ${index}`, "renew");
    events.push({ ...check, t: fromMs, type: "invoke", v: owner });
    events.push({ ...check, t: toMs, type: "ok" });
  }
  const release = about("release", "release");
  if (releasingMs !== undefined && ended?.how === "released") {
    events.push({ ...release, t: releasingMs, type: "invoke", v: owner });
    events.push({ ...release, t: ended.atMs, type: "ok" });
  } else {
    const sinceMs = believed.at(-1)?.toMs ?? heldMs ?? hold.askedMs;
    events.push({ ...release, t: sinceMs, type: "invoke", v: owner });
  }
  return events;
}
