import { describe, expect, it } from "vitest";
import { checkLinearizable } from "./check-linearizable.ts";
import type { HistoryEvent } from "./history/event.ts";
import { type History, historyOf } from "./history/history.ts";
import type { Model } from "./model.ts";
import { casRegister } from "./models/cas-register.ts";
import { register } from "./models/register.ts";
import { ETCD, KV, readEtcd, readKv } from "./published.fixture.ts";

const queue: Model<readonly unknown[]> = {
  name: "queue",
  initial: [],
  step(items, { f, argument, result }) {
    if (f === "E") return { ok: true, state: [...items, argument] };
    return items[0] === result ? { ok: true, state: items.slice(1) } : { ok: false };
  },
};

const appendable: Model<string> = {
  name: "string to append to",
  initial: "",
  step(text, { f, argument, result }) {
    if (f === "put") return { ok: true, state: argument as string };
    if (f === "get") return text === result ? { ok: true, state: text } : { ok: false };
    return {
      ok: true,
      state: text === "" ? (argument as string) : `${text},${argument as string}`,
    };
  },
};

/** `A` calls, `A.` returns: `"A:E x"` asks, `"A."` answers nothing, `"A.x"` answers x. */
function figure(text: string): History {
  const open = new Map<string, { op: number; f: string }>();
  return historyOf(
    text.split(", ").map((word, t): HistoryEvent => {
      const [, p = "", mark = "", rest = ""] = /^(\w)([:.])(.*)$/.exec(word) ?? [];
      const begun = open.get(p);
      if (mark === ":" || begun === undefined) {
        const [f = "", argument] = rest.split(" ");
        open.set(p, { op: t, f });
        return {
          t,
          p,
          op: t,
          type: "invoke",
          f,
          ...(argument === undefined ? {} : { v: argument }),
        };
      }
      return { t, p, ...begun, type: "ok", ...(rest === "" ? {} : { v: rest }) };
    }),
  );
}

describe("histories with published verdicts", () => {
  it.each(ETCD)(
    "of etcd under Jepsen, from Porcupine: $name is linearizable: $linearizable",
    (log) => {
      const history = readEtcd(log);
      expect(history.operations.length).toBeGreaterThan(70);
      expect(history.operations.every(({ f }) => f !== "unreadable")).toBe(true);
      const { verdict } = checkLinearizable(history, casRegister());
      expect(verdict).toBe(log.linearizable ? "ok" : "illegal");
    },
  );

  it.each(KV)("of a kv, from Porcupine: $name is linearizable: $linearizable", (log) => {
    const verdict = checkLinearizable(readKv(log), appendable);
    expect(verdict.verdict).toBe(log.linearizable ? "ok" : "illegal");
    // One client, so the lie is plain: it appended to key 7 and did not find it.
    expect(verdict).toMatchObject({ explanation: { key: "7", state: '"0,3"' } });
  });

  // Herlihy and Wing, "Linearizability", TOPLAS 1990, section 1.2 (figure 1): four queues.
  it.each([
    ["a", "A:E x, B:E y, B., A., B:D, B.x, A:D, A.y, A:E z", "ok"],
    ["b", "A:E x, A., B:E y, A:D, B., A.y", "illegal"],
    ["c", "A:E x, B:D, B.x", "ok"],
    ["d", "A:E x, B:E y, A., B., A:D, C:D, A.y, C.y", "illegal"],
  ])("of Herlihy and Wing's queue, figure 1(%s)", (_, text, verdict) => {
    expect(checkLinearizable(figure(text), queue).verdict).toBe(verdict);
  });

  it.each([
    // MIT 6.824, quiz 2 of 2017, section VII, as in Porcupine's tests: both reads overlap the put.
    ["A:write 100, B:read, C:read, C.0, B.100, A.", "ok"],
    ["A:write 200, B:read, B.200, C:read, C.0, A.", "illegal"],
  ])("of a register: %s", (text, verdict) => {
    expect(checkLinearizable(figure(text), register({ initial: "0" })).verdict).toBe(verdict);
  });
});
