/**
 * Leaders: who they are, as they change, and taking the leadership away.
 */
import type { Command, Row } from "../command.ts";

const ELECTIONS = "lock/election/";

const list: Command = {
  path: ["leader", "ls"],
  args: [],
  summary: "who leads which election, in which term, and how many wait",
  async run({ q, show, terminal }) {
    const rows: Row[] = [];
    for await (const state of q.backend.leases.list(ELECTIONS, { signal: terminal.signal })) {
      const election = state.name.slice(ELECTIONS.length);
      const leader = await q.elect(election).leader();
      rows.push({
        election,
        leader: leader?.candidate,
        term: leader?.term,
        since: leader?.sinceMs === undefined ? undefined : new Date(leader.sinceMs),
        waiting: state.waiters.length,
      });
    }
    show(rows, "nobody leads anything");
    return 0;
  },
};

const watch: Command = {
  path: ["leader", "watch"],
  isEndless: true,
  args: ["election"],
  summary: "each new leader as it comes, until Ctrl-C",
  async run({ q, args: [name = ""], show, terminal }) {
    for await (const { kind, leader, term } of q.elect(name).observe({ signal: terminal.signal })) {
      show([{ what: kind, leader: leader?.candidate, term }], "");
    }
    return 0;
  },
};

const resign: Command = {
  path: ["leader", "resign"],
  args: ["election"],
  summary: "takes the leadership away; the next in line leads",
  warning: ([name = ""]) =>
    `This ends the present term of ${name}, and the next in line leads.\n` +
    "The leader is told at its next renewal, and works on until then: only what a\n" +
    "guard protects is safe from it.",
  async run({ q, args: [name = ""], show }) {
    const lease = `${ELECTIONS}${name}`;
    const [holder] = (await q.backend.leases.inspect(lease)).holders;
    if (holder !== undefined) await q.backend.leases.release({ name: lease, owner: holder.owner });
    const ended = holder === undefined ? [] : [{ election: name, endedTerm: holder.fencingToken }];
    show(ended, `nobody leads ${name}`);
    return 0;
  },
};

/** The commands about leaders. */
export const LEADER_COMMANDS: readonly Command[] = [list, watch, resign];
