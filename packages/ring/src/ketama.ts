/**
 * Ketama: where memcached clients put their keys.
 *
 * Every server is hashed some 40 times with MD5 under `name-0`, `name-1`, …, and each digest makes
 * four points. A key's hash is the first word of its own digest. The clients agree in that, and
 * differ in two details: what a server's name is, and how many digests its weight is worth, which
 * some compute in single precision. Each dialect here repeats its client to the last bit.
 *
 * The number of points depends on all weights together, so with unequal weights a change of one
 * server also moves keys between others: the reason to move on to `HashRing.of` once migrated.
 *
 * Richard Jones, libketama (RJ/ketama); libmemcached/hosts.cc; spymemcached's KetamaNodeLocator;
 * 3rd-Eden/node-hashring. Versions and vectors are in ketama.test.ts.
 */
import { invalidArgument } from "@quorate/core";
import { md5Words } from "./hash/md5.ts";
import type { PlacedNode } from "./placement.ts";

/**
 * Whose points to repeat; ids are the servers as that client is told of them.
 *
 * - `"libketama"`: RJ/ketama and its bindings; weights are megabytes in its servers file.
 * - `"libmemcached"`: libmemcached with weighted ketama (pylibmc, PHP's Memcached), twemproxy with
 *   `hash: md5`. The port 11211 is not part of a server's name.
 * - `"spymemcached"`: spymemcached and its descendants with KETAMA_HASH, without weights. An id
 *   is what Java prints for the address without a leading `/`, such as `10.0.0.1:11211`.
 * - `"hashring"`: the npm package hashring 3 with md5 and its defaults.
 * - `"hash_ring"`: Python's hash_ring, or hashring with `compatibility: "hash_ring"`: 3 points a
 *   digest.
 */
export type KetamaDialect =
  | "libketama"
  | "libmemcached"
  | "spymemcached"
  | "hashring"
  | "hash_ring";

interface Dialect {
  /** Points taken from one digest. */
  readonly pointsPerDigest: number;
  /** What the client hashes for the server called `id`. */
  readonly nameOf: (id: string) => string;
  /** How many digests a server of this weight gets, of `servers` that weigh `total`. */
  readonly digests: (weight: number, total: number, servers: number) => number;
}

const DIGESTS = 40;
const DEFAULT_PORT = ":11211";
const { fround } = Math;

const DIALECTS: Readonly<Record<KetamaDialect, Dialect>> = {
  libketama: {
    pointsPerDigest: 4,
    nameOf: (id) => id,
    // The share is a float, the product with 40.0 a double, and floorf takes a float again.
    digests: (weight, total, servers) =>
      Math.floor(fround(share(weight, total) * 40 * fround(servers))),
  },
  libmemcached: {
    pointsPerDigest: 4,
    nameOf: (id) => (id.endsWith(DEFAULT_PORT) ? id.slice(0, -DEFAULT_PORT.length) : id),
    // Floats throughout: 160 points over 4. The 1e-10 that they add is less than a float of this
    // size can hold, and so without effect; the test compares with what their C computes.
    digests: (weight, total, servers) =>
      Math.floor(fround(fround(fround(share(weight, total) * 160) / 4) * fround(servers))),
  },
  spymemcached: { pointsPerDigest: 4, nameOf: (id) => id, digests: () => DIGESTS },
  hashring: { pointsPerDigest: 4, nameOf: (id) => id, digests: doubleDigests },
  hash_ring: { pointsPerDigest: 3, nameOf: (id) => id, digests: doubleDigests },
};

/** `dialect`, checked. */
export function checkDialect(dialect: KetamaDialect): KetamaDialect {
  if (Object.hasOwn(DIALECTS, dialect)) return dialect;
  throw invalidArgument("dialect", dialect, `one of ${Object.keys(DIALECTS).join(", ")}`);
}

/** How many digests a server of `weight` gets among `servers` that weigh `total` together. */
export function digestCount(
  dialect: KetamaDialect,
  weight: number,
  { total, servers }: { readonly total: number; readonly servers: number },
): number {
  return DIALECTS[dialect].digests(weight, total, servers);
}

/** The points of each of `nodes`, in their order; none for those that are drained. */
export function ketamaPoints(
  nodes: readonly PlacedNode[],
  dialect: KetamaDialect,
): readonly Uint32Array[] {
  const { pointsPerDigest, nameOf } = DIALECTS[dialect];
  // A drained server is one that the client does not know: it must not count in the average.
  const servers = nodes.filter(({ weight }) => weight > 0);
  if (dialect === "spymemcached") servers.forEach(checkUnweighted);
  const total = servers.reduce((sum, { weight }) => sum + weight, 0);
  const all = { total, servers: servers.length };
  return nodes.map(({ id, weight }) => {
    const count = weight === 0 ? 0 : digestCount(dialect, weight, all);
    return pointsOf(nameOf(id), count, pointsPerDigest);
  });
}

function pointsOf(name: string, digests: number, pointsPerDigest: number): Uint32Array {
  const points = new Uint32Array(digests * pointsPerDigest);
  for (let digest = 0; digest < digests; digest++) {
    const words = md5Words(`${name}-${digest}`);
    points.set(words.subarray(0, pointsPerDigest), digest * pointsPerDigest);
  }
  return points;
}

function checkUnweighted({ weight }: PlacedNode): void {
  if (weight === 1) return;
  throw invalidArgument("node.weight", weight, "1, or 0 for drained, in the dialect spymemcached");
}

function share(weight: number, total: number): number {
  return fround(fround(weight) / fround(total));
}

function doubleDigests(weight: number, total: number, servers: number): number {
  return Math.floor((weight / total) * DIGESTS * servers);
}
