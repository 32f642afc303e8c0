import { describe, expect, it } from "vitest";
import { murmur3 } from "./hash/murmur3.ts";
import { JumpHash } from "./jump-hash.ts";
import { jumpBucket } from "./jump/bucket.ts";

const KEYS = Array.from({ length: 2_000 }, (_, index) => `user:${index}`);

describe("JumpHash", () => {
  it("gives a key the bucket of its two hashes, read as one number of 64 bits", () => {
    const shards = JumpHash.of(1_000);
    for (const key of KEYS) {
      const key64 = (BigInt(murmur3(key, 0x9747b28c)) << 32n) | BigInt(murmur3(key));
      expect(shards.bucket(key)).toBe(jumpBucket(key64, 1_000));
      expect(shards.owner(key)).toBe(String(shards.bucket(key)));
    }
  });

  it("names shards by their numbers when given how many", () => {
    expect(JumpHash.of(3).nodes.map(({ id }) => id)).toEqual(["0", "1", "2"]);
    expect(JumpHash.of(3).fingerprint).toBe(JumpHash.of(["0", "1", "2"]).fingerprint);
    expect(JumpHash.of(0).owner("key")).toBeUndefined();
    expect(JumpHash.of(0).bucket("key")).toBeUndefined();
    expect(JumpHash.of(1).owner("key")).toBe("0");
  });

  it("numbers nodes in the order given, which is part of the fingerprint", () => {
    const shards = JumpHash.of(["b", "a"]);
    expect(shards.nodes.map(({ id }) => id)).toEqual(["b", "a"]);
    expect(shards.fingerprint).not.toBe(JumpHash.of(["a", "b"]).fingerprint);
  });

  it("moves keys only to a node that is appended, about 1/n of them", () => {
    const before = JumpHash.of(16);
    const after = before.with("16");
    const moved = KEYS.filter((key) => before.owner(key) !== after.owner(key));
    expect(moved.every((key) => after.owner(key) === "16")).toBe(true);
    expect(Math.abs(moved.length / KEYS.length - 1 / 17)).toBeLessThan(0.03);
    expect(after.share("16")).toBe(1 / 17);
  });

  it("gives just the last node's keys back when it is removed", () => {
    const before = JumpHash.of(["a", "b", "c"]);
    const after = before.without("c");
    const moved = KEYS.filter((key) => before.owner(key) !== after.owner(key));
    expect(moved).toEqual(KEYS.filter((key) => before.owner(key) === "c"));
    expect(after.with("c").fingerprint).toBe(before.fingerprint);
  });

  it("refuses to remove any other node, and says what to do instead", () => {
    expect(() => JumpHash.of(3).without("1")).toThrow(
      /id must be the last node, "2", as the others are numbers; name a stand-in .* got "1"/,
    );
    expect(JumpHash.of(3).without("7").nodes).toHaveLength(3);
  });

  it("refuses weights, which a number cannot have", () => {
    expect(() => JumpHash.of([{ id: "a", weight: 2 }])).toThrow(/node.weight must be 1, as jump/);
    expect(() => JumpHash.of(["a"]).with({ id: "b", weight: 0 })).toThrow(/node.weight must be 1/);
  });

  it("changes a zone in its place and keeps the numbers", () => {
    const shards = JumpHash.of([{ id: "a", zone: "x" }, "b"]);
    const other = shards.with({ id: "a", zone: "y" });
    expect(other.nodes.map(({ id, zone }) => [id, zone])).toEqual([
      ["a", "y"],
      ["b", undefined],
    ]);
    expect(shards.with("b")).toBe(shards);
  });

  it("refuses what is no number of nodes and no list of them", () => {
    for (const nodes of [-1, 1.5, Number.NaN, 65_537, "3", undefined, {}]) {
      expect(() => JumpHash.of(nodes as number)).toThrow(/INVALID_ARGUMENT: nodes must be/);
    }
    expect(() => JumpHash.of(["a", "b", "a"])).toThrow(/node.id must be named once/);
  });

  it("refuses a key that is no string", () => {
    expect(() => JumpHash.of(3).owner(7 as unknown as string)).toThrow(/key must be a string/);
    expect(() => JumpHash.of(3).bucket(7 as unknown as string)).toThrow(/key must be a string/);
  });
});
