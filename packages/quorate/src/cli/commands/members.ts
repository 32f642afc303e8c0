/**
 * Groups: who is a member, as the store knows it, and as they come and go.
 */
import { createLeaseMembership, type Member } from "@quorate/membership";
import type { Command, Context, Row } from "../command.ts";

/** Looks on, and is no member itself. */
function onlooker({ q }: Context, group: string): ReturnType<typeof createLeaseMembership> {
  return createLeaseMembership(q.backend, { group });
}

const list: Command = {
  path: ["members", "ls"],
  args: ["group"],
  summary: "who is a member of a group, since when, and what it says of itself",
  async run(context) {
    const [group = ""] = context.args;
    await using members = onlooker(context, group);
    await members.ready({ signal: context.terminal.signal });
    const nowMs = context.q.backend.runtime.time.wallMs();
    const rows = members.members.map((member) => rowOf(member, nowMs));
    context.show(rows, `nobody is a member of ${group}`);
    return 0;
  },
};

const watch: Command = {
  path: ["members", "watch"],
  isEndless: true,
  args: ["group"],
  summary: "each member as it comes, changes and goes, until Ctrl-C",
  async run(context) {
    const [group = ""] = context.args;
    await using members = onlooker(context, group);
    const { terminal, say } = context;
    for await (const event of members.watch({ signal: terminal.signal })) {
      const nowMs = context.q.backend.runtime.time.wallMs();
      if (event.kind === "synced") say("that is all; now what changes:");
      else if (event.kind === "stale") say("the store does not answer; these are the last known");
      else context.show([{ what: event.kind, ...rowOf(event.member, nowMs) }], "");
    }
    return 0;
  },
};

/** The commands about groups. */
export const MEMBER_COMMANDS: readonly Command[] = [list, watch];

/** A member's incarnation is its lease's token: microseconds of the store's clock. */
function rowOf({ id, state, incarnation, address, data }: Member, nowMs: number): Row {
  const bornMs = incarnation / 1_000;
  return {
    member: id,
    state,
    since: bornMs > 0 && bornMs <= nowMs + 60_000 ? new Date(bornMs) : undefined,
    address,
    data,
  };
}
