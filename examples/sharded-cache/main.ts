/**
 * A cache of four nodes becomes one of five, and keeps four fifths of what it knows.
 *
 * The nodes are members of a group; whoever knows the members makes the same ring of them. When a
 * fifth joins, the ring says exactly which keys are its own now: about a fifth, which is ideal, and
 * none that pass between the others. With `hash % nodes` four of five keys would have moved, and
 * the database behind the cache would have had to answer for them.
 *
 * Karger et al., "Consistent Hashing and Random Trees", STOC 1997.
 */
import { connect, type Quorate } from "quorate";
import { createLeaseMembership } from "quorate/membership";
import { HashRing, murmur3 } from "quorate/ring";
import type { Stage } from "../shared/example.ts";

const KEYS = Array.from({ length: 10_000 }, (_, index) => `user:${index}`);
const IDEAL = 1 / 5;

/** Tells it. */
export async function play({ engine, options, say, check }: Stage): Promise<void> {
  const nodes: Quorate[] = [];
  const memories = new Map<string, Map<string, string>>();
  const join = async (name: string): Promise<void> => {
    const q = await connect(engine, { ...options, name });
    nodes.push(q);
    memories.set(name, new Map());
    await q.members("cache").ready();
  };
  await Promise.all(["node-1", "node-2", "node-3", "node-4"].map(join));

  // Who uses the cache is no member: it looks on.
  await using user = await connect(engine, options);
  await using group = createLeaseMembership(user.backend, { group: "cache" });
  await group.ready();
  const ringOfMembers = (): HashRing =>
    HashRing.of(group.members.filter(({ state }) => state === "alive").map(({ id }) => id));

  const before = ringOfMembers();
  for (const key of KEYS) memories.get(ownerIn(before, key))?.set(key, `profile of ${key}`);
  say(`${before.nodes.length} nodes keep ${KEYS.length} keys: ${sizes(memories)}`);

  const joining = join("node-5");
  for await (const event of group.watch()) {
    if (event.kind === "joined" && event.member.id === "node-5") break;
  }
  await joining;
  const after = ringOfMembers();
  const plan = before.plan(after);
  say(`node-5 joins; the plan says that ${percent(plan.movedShare)} of all keys move, all to it`);

  // What moves is copied before anybody asks for it.
  const moved = KEYS.filter((key) => ownerIn(before, key) !== ownerIn(after, key));
  for (const key of moved) {
    const [from, to] = [memories.get(ownerIn(before, key)), memories.get(ownerIn(after, key))];
    to?.set(key, from?.get(key) ?? "");
    from?.delete(key);
  }
  say(`${moved.length} keys were moved: ${sizes(memories)}`);

  const share = moved.length / KEYS.length;
  const byModulo = KEYS.filter((key) => murmur3(key) % 4 !== murmur3(key) % 5).length;
  const hits = KEYS.filter((key) => memories.get(ownerIn(after, key))?.has(key)).length;
  const toNewcomer = moved.every((key) => ownerIn(after, key) === "node-5");
  const isNearIdeal = Math.abs(share - IDEAL) < 0.03;
  check(`${percent(share)} of the keys moved; ideal is ${percent(IDEAL)}`, isNearIdeal);
  check("all of them to the newcomer, none between the others", toNewcomer);
  check("the plan had said so, to a percent", Math.abs(share - plan.movedShare) < 0.01);
  check(`hash % nodes would have moved ${percent(byModulo / KEYS.length)}`, byModulo > 7_500);
  check(`afterwards ${hits} of ${KEYS.length} keys were found where the ring says`, isAll(hits));
  await Promise.all(nodes.map((q) => q.close()));
}

function ownerIn(ring: HashRing, key: string): string {
  return ring.owner(key) ?? "nobody";
}

function sizes(memories: ReadonlyMap<string, ReadonlyMap<string, string>>): string {
  return [...memories]
    .map(([name, { size }]) => `${name} ${size}`)
    .sort()
    .join(", ");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function isAll(count: number): boolean {
  return count === KEYS.length;
}
