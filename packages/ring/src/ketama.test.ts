import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";
import { HashRing } from "./hash-ring.ts";
import { md5First } from "./hash/md5.ts";
import { digestCount, type KetamaDialect, ketamaPoints } from "./ketama.ts";
import { checkNodes } from "./nodes.ts";
import type { NodeLike } from "./placement.ts";
import { buildTable, findPoint } from "./points/point-table.ts";

// RJ/ketama, ketama.servers (commit 2c6284c).
const SERVERS = [600, 300, 200, 350, 1_000, 800, 950, 100].map((weight, index) => ({
  id: `10.0.1.${index + 1}:11211`,
  weight,
}));

/** One client's ring, point by point: what it prints of a key. */
function placing(nodes: readonly NodeLike[], dialect: KetamaDialect) {
  const checked = checkNodes(nodes);
  const table = buildTable(ketamaPoints(checked, dialect));
  return (key: string): { hash: number; point: number; id: string | undefined } => {
    const hash = md5First(key);
    const at = findPoint(table, hash) % table.size;
    const owner = checked[table.owners[at] as number];
    return { hash, point: table.points[at] as number, id: owner?.id };
  };
}

describe("libketama", () => {
  it("places RJ/ketama's million keys on its servers as its own test demands", () => {
    // libketama/ketama_test.c prints an empty line (no error), then a line a key; test.sh compares
    // the MD5 of all of it with 5672b131391f5aa2b280936aec1eea74.
    const place = placing(SERVERS, "libketama");
    const digest = createHash("md5").update("\n");
    for (let index = 0; index < 1_000_000; index++) {
      const { hash, point, id } = place(String(index));
      digest.update(`${hash} ${point} ${id}\n`);
    }
    expect(digest.digest("hex")).toBe("5672b131391f5aa2b280936aec1eea74");
  }, 60_000);

  it("gives the point and server of python_ketama/tests.py", () => {
    const nodes = [
      { id: "127.0.0.1:11211", weight: 600 },
      { id: "127.0.0.1:11212", weight: 400 },
    ];
    expect(placing(nodes, "libketama")("test")).toEqual({
      hash: 3_446_378_249,
      point: 3_454_255_383,
      id: "127.0.0.1:11211",
    });
    const points = ketamaPoints(checkNodes(nodes), "libketama");
    expect(points.map(({ length }) => length)).toEqual([192, 128]);
  });

  it("wraps a key past the last point to the first", () => {
    const { hash, point, id } = placing(SERVERS, "libketama")("VDEAAAAA");
    expect(hash).toBe(0xfffcd1b5);
    expect(point).toBeLessThan(hash);
    expect(HashRing.ketama(SERVERS).owner("VDEAAAAA")).toBe(id);
  });

  it("counts digests as C does in single precision, also where the share is not exact", () => {
    // The formulas of ketama.c and hosts.cc, compiled with gcc -O0 on x86-64, printed four counts
    // a line: both dialects with weights, both without. This is the digest of what they printed.
    const lines: string[] = [];
    for (let servers = 1; servers <= 400; servers++) {
      const weights = Array.from({ length: servers }, (_, index) => ((index * 7_919) % 1_000) + 1);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const weight of weights.slice(0, 3)) {
        const counts = [
          digestCount("libketama", weight, { total, servers }),
          digestCount("libmemcached", weight, { total, servers }),
          digestCount("libketama", 1, { total: servers, servers }),
          digestCount("libmemcached", 1, { total: servers, servers }),
        ];
        lines.push(`${counts.join(" ")}\n`);
      }
    }
    expect(createHash("md5").update(lines.join("")).digest("hex")).toBe(
      "df83a581940a04ca89eb9e86bd7cdff1",
    );
  });
});

describe("the npm package hashring", () => {
  // hashring 3.2.0, tests/fixtures: 100,000 lines each, made with the Python clients. Digests of
  // the files, which end without a line break.
  const weighted = [1, 2, 3, 4, 5].map((weight) => ({ id: `0.0.0.${weight}`, weight }));
  const digestOf = (ring: HashRing): string => {
    const lines = Array.from(
      { length: 100_000 },
      (_, key) => `${key} ${ring.owner(String(key))}\n`,
    );
    return createHash("md5").update(lines.join("")).digest("hex");
  };

  it.each<[KetamaDialect, string, string]>([
    ["hashring", "ketama.txt", "944bbe0a1a4d87ab4ceca50c23de64e3"],
    ["libketama", "ketama.txt", "944bbe0a1a4d87ab4ceca50c23de64e3"],
    ["hash_ring", "hash_ring.txt", "ef83bb4fb48d131dd52c43db646eb697"],
  ])("is repeated by the dialect %s, see %s", (dialect, _file, digest) => {
    expect(digestOf(HashRing.ketama(weighted, { dialect }))).toBe(digest);
  });

  it("is what pylibmc's keys tell of libmemcached: the default port is no part of a name", () => {
    const servers = ["0.0.0.1:11211", "0.0.0.2:11211", "0.0.0.3", "0.0.0.4:11213", "0.0.0.5:11212"];
    const ring = HashRing.ketama(servers, { dialect: "libmemcached" });
    expect(digestOf(ring)).toBe("7e8fe6ea0478b5339e695c136798bdca");
    const named = HashRing.ketama(servers, { dialect: "libketama" });
    expect(digestOf(named)).not.toBe(digestOf(ring));
  });
});

describe("spymemcached", () => {
  // dustin/java-memcached-client, KetamaNodeLocatorTest.java.
  const locals = (count: number): HashRing =>
    HashRing.ketama(
      Array.from({ length: count }, (_, index) => `127.0.0.1:${10_000 + index}`),
      { dialect: "spymemcached" },
    );

  it.each([
    [4, "dustin", 0],
    [4, "noelani", 2],
    [4, "some other key", 0],
    [5, "dustin", 0],
    [5, "noelani", 2],
    [5, "some other key", 4],
    [4, "V5XS8C8N", 3],
    [4, "8KR2DKR2", 3],
    [4, "L9KH6X4X", 3],
    [5, "36", 2],
    [5, "10037", 3],
    [5, "22051", 1],
    [5, "49044", 4],
  ])("on %i servers, %j is on number %i", (count, key, index) => {
    expect(locals(count).owner(key)).toBe(`127.0.0.1:${10_000 + index}`);
  });

  it("has its last point at 4294887009, and eight servers as testLibKetamaCompatTwo", () => {
    const nodes = checkNodes([0, 1, 2, 3].map((index) => `127.0.0.1:${10_000 + index}`));
    const table = buildTable(ketamaPoints(nodes, "spymemcached"));
    expect(table.points[table.size - 1]).toBe(4_294_887_009);
    const ring = HashRing.ketama(
      SERVERS.map(({ id }) => id),
      { dialect: "spymemcached" },
    );
    // Every 233rd number from 0 on; the last digit of the server's address.
    const expected =
      "173162165373612384434742232755154255122163251552538227538636682371413355414762";
    const lasts = Array.from(expected, (_, index) => ring.owner(String(index * 233))?.charAt(7));
    expect(lasts.join("")).toBe(expected);
  });

  it("refuses weights, which it does not have", () => {
    const weighted = [{ id: "a:1", weight: 2 }, "b:1"];
    expect(() => HashRing.ketama(weighted, { dialect: "spymemcached" })).toThrow(
      /node.weight must be 1, or 0 for drained/,
    );
  });
});

describe("a ring of ketama", () => {
  it("does everything that a ring does, with that placement", () => {
    const ring = HashRing.ketama(SERVERS);
    const lighter = ring.without("10.0.1.8:11211");
    expect(lighter.fingerprint).toBe(HashRing.ketama(SERVERS.slice(0, 7)).fingerprint);
    expect(lighter.with(SERVERS[7] as NodeLike).fingerprint).toBe(ring.fingerprint);
    const shares = SERVERS.map(({ id }) => ring.share(id));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(1);
    const moved = ring.moved(lighter).reduce((sum, { share }) => sum + share, 0);
    const plan = ring.plan(lighter);
    expect(plan.movedShare).toBe(moved);
    // Unequal weights: taking one server away also moves keys between those that stay.
    expect(moved).toBeGreaterThan(ring.share("10.0.1.8:11211"));
    expect(plan.flows.some(({ from }) => from !== "10.0.1.8:11211")).toBe(true);
  });

  it("leaves a drained server out of the average, as if it were not there", () => {
    const drained = HashRing.ketama([...SERVERS, { id: "10.0.1.9:11211", weight: 0 }]);
    const without = HashRing.ketama(SERVERS);
    for (let key = 0; key < 1_000; key++) {
      expect(drained.owner(String(key))).toBe(without.owner(String(key)));
    }
  });

  it.each(["ketama", "__proto__", undefined, 7])("refuses %j for a dialect", (dialect) => {
    const options = { dialect: dialect as KetamaDialect };
    if (dialect === undefined) expect(HashRing.ketama(["a"], options).owner("x")).toBe("a");
    else expect(() => HashRing.ketama(["a"], options)).toThrow(/dialect must be one of/);
  });
});
