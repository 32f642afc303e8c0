/**
 * Idempotency keys: what is known of one, and forgetting it.
 */
import type { KeyState } from "@quorate/idempotency";
import type { Command, Row } from "../command.ts";
import { BY_HAND, byHand } from "./by-hand.ts";

const SCOPE = { name: "scope", value: "SCOPE", summary: "whose key it is, if it has a scope" };

const list: Command = {
  path: ["idem", "ls"],
  args: [],
  summary: "every key that is remembered",
  async run({ q, show, terminal }) {
    const rows: Row[] = [];
    for await (const state of q.once.list({ signal: terminal.signal })) rows.push(rowOf(state));
    show(rows, "no key is remembered");
    return 0;
  },
};

const look: Command = {
  path: ["idem", "show"],
  args: ["key"],
  summary: "whether it ran, runs or is free to run again",
  options: [SCOPE],
  async run({ q, args: [key = ""], option, show }) {
    const scope = option("scope");
    const state = await q.once.peek(key, scope === undefined ? {} : { scope });
    show(state === undefined ? [] : [rowOf(state)], "nothing is known of this key: it may run");
    return 0;
  },
};

const forget: Command = {
  path: ["idem", "forget"],
  args: ["key"],
  summary: "the next call runs again",
  options: [SCOPE, ...BY_HAND],
  warning: ([key = ""]) =>
    `This forgets the answer of ${key}: the next call with this key RUNS AGAIN.\n` +
    "If it charged a card, it charges it a second time.",
  async run(context) {
    const [key = ""] = context.args;
    const scope = context.option("scope");
    const forgotten = await context.q.once.forget(key, {
      ...byHand(context),
      ...(scope !== undefined && { scope }),
    });
    context.show(forgotten === undefined ? [] : [rowOf(forgotten)], "there was nothing to forget");
    return 0;
  },
};

/** The commands about keys. */
export const IDEMPOTENCY_COMMANDS: readonly Command[] = [list, look, forget];

function rowOf(state: KeyState): Row {
  const { key, scope, attempt, expiresInMs } = state;
  return {
    key,
    scope,
    state: state.state,
    attempt,
    ...(state.state === "in-flight" && { leaseLeftMs: Math.round(state.leaseLeftMs) }),
    ...(state.state === "refused" && { reason: state.reason }),
    ...("completedAtMs" in state && { completedAt: new Date(state.completedAtMs) }),
    forgottenInMs: Math.round(expiresInMs),
  };
}
