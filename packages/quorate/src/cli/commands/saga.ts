/**
 * Sagas: what they wait for, and what happened. Their verbs: `saga-verbs.ts`.
 */
import type { SagaInspection } from "@quorate/transaction";
import type { Command, Context, Row } from "../command.ts";

const list: Command = {
  path: ["saga", "ls"],
  args: [],
  summary: "every saga that is stored: state, and what is stuck",
  options: [
    { name: "stuck", summary: "only those that wait for an operator" },
    { name: "name", value: "NAME", summary: "only those of one definition" },
  ],
  async run({ q, option, show, terminal }) {
    const name = option("name");
    const rows: Row[] = [];
    const filter = {
      signal: terminal.signal,
      ...(option("stuck") !== undefined && { stuck: true }),
      ...(name !== undefined && { name }),
    };
    for await (const saga of q.sagas.list(filter)) rows.push(rowOf(saga));
    show(rows, "no saga fits");
    return rows.some(({ stuck }) => stuck !== undefined) ? 1 : 0;
  },
};

const look: Command = {
  path: ["saga", "show"],
  args: ["id"],
  summary: "what happened, oldest first",
  async run({ q, args: [id = ""], show, say }) {
    const saga = await q.sagas.inspect(id);
    if (saga === undefined) return missing(id, show);
    say(
      Object.entries(rowOf(saga))
        .map(([name, value]) => `${name}: ${String(value)}`)
        .join("\n"),
    );
    show(
      saga.timeline.map(({ atMs, what }) => ({ at: new Date(atMs), what })),
      "no timeline",
    );
    return 0;
  },
};

/** The commands about sagas. */
export const SAGA_COMMANDS: readonly Command[] = [list, look];

function missing(id: string, show: Context["show"]): 1 {
  show([], `there is no saga ${id}`);
  return 1;
}

function rowOf(saga: SagaInspection): Row {
  const { id, version, state, stuck, createdAtMs, inDoubtForMs } = saga;
  return {
    id,
    saga: `${saga.saga} v${version}`,
    state,
    stuck:
      stuck.length === 0
        ? undefined
        : stuck.map(({ what, reason }) => `${what}: ${reason}`).join("; "),
    inDoubtForMs: inDoubtForMs === undefined ? undefined : Math.round(inDoubtForMs),
    createdAt: new Date(createdAtMs),
  };
}
