/**
 * The other process of placement-laws.test.ts: nodes and keys on stdin, owners on stdout.
 */
import { readFileSync } from "node:fs";
import type { NodeLike } from "./placement.ts";
import { FREE_PLACEMENTS } from "./placements.fixture.ts";

const { name, nodes, keys } = JSON.parse(readFileSync(0, "utf8")) as {
  readonly name: string;
  readonly nodes: readonly NodeLike[];
  readonly keys: readonly string[];
};
const placement = FREE_PLACEMENTS[name]?.(nodes);
const owners = keys.map((key) => placement?.owners(key, 4));
process.stdout.write(JSON.stringify({ fingerprint: placement?.fingerprint, owners }));
