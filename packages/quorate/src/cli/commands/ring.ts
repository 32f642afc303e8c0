/**
 * Rings: what would move if nodes came, went or changed their weight, before anything does.
 */
import { writeFile } from "node:fs/promises";
import { invalidArgument } from "@quorate/core";
import { HashRing, type RingPlan } from "@quorate/ring";
import type { Command } from "../command.ts";
import { tableOf } from "../table.ts";

const MOST_KEYS = 1_000_000_000_000;
const MOST_ROWS = 100;

const plan: Command = {
  isLocal: true,
  path: ["ring", "plan"],
  args: [],
  summary: "what moves from whom to whom when the nodes of a hash ring change",
  details:
    "Nodes are names with commas between them; name=2 has the weight 2. The plan is exact for " +
    "the ring of @quorate/ring with these options; nothing is connected to, nothing changes.",
  options: [
    { name: "from", value: "NODES", summary: "the nodes now; needed" },
    { name: "to", value: "NODES", summary: "the nodes then; needed" },
    { name: "keys", value: "N", summary: "how many keys there are, to say how many move" },
    { name: "points", value: "N", summary: "points per unit of weight  @default 160" },
    { name: "svg", value: "FILE", summary: "draws it, too" },
  ],
  examples: ["quorate ring plan --from a,b,c --to a,b,c,d --keys 1000000 --svg plan.svg"],
  async run({ option, tell, say }) {
    const points = numberOf("--points", option("points"), 65_536);
    const keys = numberOf("--keys", option("keys"), MOST_KEYS);
    const options = points === undefined ? {} : { points };
    const before = HashRing.of(nodesOf("--from", option("from")), options);
    const after = HashRing.of(nodesOf("--to", option("to")), options);
    const made = before.plan(after);
    tell(dataOf(made, keys), `${made.toTable({ rows: MOST_ROWS })}\n${besideIdeal(made, keys)}`);
    const file = option("svg");
    if (file !== undefined && file !== "") {
      await writeFile(file, made.toSvg());
      say(`\ndrawn: ${file}`);
    }
    return 0;
  },
};

/** The commands about rings. */
export const RING_COMMANDS: readonly Command[] = [plan];

/** Names with commas between them, each with a weight if it says so. */
export function nodesOf(
  option: string,
  text: string | undefined,
): readonly { readonly id: string; readonly weight: number }[] {
  const parts = (text ?? "").split(",").map((part) => part.trim());
  if (parts.some((part) => part === "")) {
    throw invalidArgument(option, text, "names with commas between them, as a,b,c=2");
  }
  return parts.map((part) => {
    const at = part.lastIndexOf("=");
    if (at < 1) return { id: part, weight: 1 };
    const weight = Number(part.slice(at + 1));
    if (part.slice(at + 1).trim() === "" || !(weight >= 0 && Number.isFinite(weight))) {
      throw invalidArgument(option, part, "a name with a weight >= 0, as c=2");
    }
    return { id: part.slice(0, at), weight };
  });
}

function numberOf(option: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0 && number <= most) return number;
  throw invalidArgument(option, text, `an integer from 1 to ${most}`);
}

/** A node's part by its weight alone, where hashes were spread evenly. */
interface Ideal {
  readonly before: number;
  readonly after: number;
}

function idealsOf({ nodes }: RingPlan): ReadonlyMap<string, Ideal> {
  const sum = (weights: readonly number[]): number =>
    Math.max(
      Number.MIN_VALUE,
      weights.reduce((total, weight) => total + weight, 0),
    );
  const before = sum(nodes.map(({ weightBefore = 0 }) => weightBefore));
  const after = sum(nodes.map(({ weightAfter = 0 }) => weightAfter));
  return new Map(
    nodes.map(({ id, weightBefore = 0, weightAfter = 0 }) => {
      return [id, { before: weightBefore / before, after: weightAfter / after }];
    }),
  );
}

/** What would move if shares were as weights ask for. */
function idealMove(ideals: ReadonlyMap<string, Ideal>): number {
  let moved = 0;
  for (const { before, after } of ideals.values()) moved += Math.max(0, after - before);
  return moved;
}

/** The shares beside the ideal ones, then what that is in keys. */
function besideIdeal(made: RingPlan, keys: number | undefined): string {
  const ideals = idealsOf(made);
  const rows = made.nodes.slice(0, MOST_ROWS).map(({ id, shareAfter }) => {
    const { after = 0 } = ideals.get(id) ?? {};
    const off = after === 0 ? "" : signed((shareAfter / after - 1) * 100);
    return { node: id, after: percent(shareAfter), ideal: percent(after), off };
  });
  const least = idealMove(ideals);
  const moved = percent(made.movedShare);
  const sentence = `By weights alone ${percent(least)} would move; this moves ${moved}.`;
  const count = (share: number): number => Math.round((keys ?? 0) * share);
  const inKeys =
    keys === undefined
      ? ""
      : ` Of ${keys} keys about ${count(made.movedShare)}, where ${count(least)} is ideal.`;
  return `\n${tableOf(rows)}\n${sentence}${inKeys}\n`;
}

function dataOf(made: RingPlan, keys: number | undefined): object {
  const { movedShare, leastShare, ranges, nodes, flows } = made;
  const ideals = idealsOf(made);
  return {
    movedShare,
    leastShare,
    idealShare: idealMove(ideals),
    ranges,
    ...(keys !== undefined && { keys, movedKeys: Math.round(keys * movedShare) }),
    nodes: nodes.map((node) => ({ ...node, idealAfter: ideals.get(node.id)?.after ?? 0 })),
    flows,
  };
}

function signed(percents: number): string {
  return `${percents >= 0 ? "+" : ""}${percents.toFixed(1)} %`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
