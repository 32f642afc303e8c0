/**
 * Locks, semaphores and read-write locks, as the store knows them.
 */
import type { LeaseState } from "@quorate/core";
import type { Command, Row } from "../command.ts";

/** Where the kinds of locks keep their leases. */
const FAMILIES = ["lock/", "semaphore/", "rw/"] as const;
/** Elections are locks too, and have commands of their own. */
const ELECTIONS = "lock/election/";

const list: Command = {
  path: ["lock", "ls"],
  args: [],
  summary: "who holds which lock, for how long, and how many wait",
  async run({ q, show, terminal }) {
    const rows: Row[] = [];
    for (const family of FAMILIES) {
      for await (const state of q.backend.leases.list(family, { signal: terminal.signal })) {
        if (!state.name.startsWith(ELECTIONS)) rows.push(...rowsOf(state));
      }
    }
    show(rows, "nobody holds a lock");
    return 0;
  },
};

const look: Command = {
  path: ["lock", "show"],
  args: ["name"],
  summary: "one lock by the name that `lock ls` shows: holders, then the line",
  async run({ q, args: [name = ""], show }) {
    const state = await q.backend.leases.inspect(name);
    const line = state.waiters.map(({ owner, data }, index) => ({
      name,
      role: `waits, ${index + 1}.`,
      label: data,
      owner,
    }));
    show([...rowsOf(state).map((row) => ({ ...row, role: "holds" })), ...line], `${name} is free`);
    return 0;
  },
};

const breakIt: Command = {
  path: ["lock", "break"],
  args: ["name"],
  summary: "takes a lock away from all who hold it",
  warning: ([name = ""]) =>
    `This takes ${name} away from whoever holds it, and the next in line gets it.\n` +
    "The holder is told at its next renewal, and works on until then: only what a\n" +
    "guard protects is safe from it.",
  async run({ q, args: [name = ""], show, say }) {
    const { holders } = await q.backend.leases.inspect(name);
    for (const { owner } of holders) await q.backend.leases.release({ name, owner });
    show(rowsOf({ name, holders, waiters: [] }), `nobody held ${name}`);
    if (holders.length > 0) say(`taken from ${holders.length}`);
    return 0;
  },
};

/** The commands about locks. */
export const LOCK_COMMANDS: readonly Command[] = [list, look, breakIt];

function rowsOf({ name, holders, waiters }: LeaseState): Row[] {
  return holders.map(({ owner, fencingToken, expiresInMs, data }) => ({
    name,
    token: fencingToken,
    expiresInMs: Math.round(expiresInMs),
    waiters: waiters.length,
    label: data,
    owner,
  }));
}
