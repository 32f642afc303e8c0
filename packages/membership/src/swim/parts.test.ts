/**
 * The small parts: formulas, packets, seals, the queue and the roster.
 */
import { seededRandom } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { GossipQueue } from "./gossip-queue.ts";
import { MAX_INCARNATION, type News, writeNews } from "./news.ts";
import { textOf } from "./names-cache.ts";
import { decodePacket, encodePacket, headBytes, MAX_PACKET_BYTES, SEAL_BYTES } from "./packet.ts";
import type { Sender, SwimMessage } from "./packet.ts";
import { Roster } from "./roster.ts";
import { createSeal } from "./seal.ts";
import {
  checkTiming,
  minSuspicionMs,
  suspicionMs,
  SWIM_TIMINGS,
  syncScale,
  transmitLimit,
  wantedConfirmations,
} from "./timing.ts";

const FROM: Sender = { group: 7, id: "a", address: "10.0.0.1:7946" };

describe("timing", () => {
  it.each([
    [10, 4_000, 8],
    [50, 6_795, 8],
    [100, 8_000, 12],
    [500, 10_795, 12],
    [1_000, 12_000, 16],
    [5_000, 14_795, 16],
  ])("of %i members is memberlist's: %i ms at least, %i retransmits", (size, minMs, limit) => {
    const { lan } = SWIM_TIMINGS;
    expect(Math.floor(minSuspicionMs(lan, size))).toBe(minMs);
    expect(transmitLimit(lan, size)).toBe(limit);
  });

  // hashicorp/memberlist, suspicion_test.go: k = 3, from 2 s to 30 s.
  it.each([
    [0, 30_000],
    [1, 16_000],
    [2, 7_810],
    [3, 2_000],
    [4, 2_000],
  ])("of a suspicion with %i confirmations of 3 is %i ms", (confirmed, expected) => {
    expect(suspicionMs(2_000, 30_000, confirmed, 3)).toBeCloseTo(expected, -1);
  });

  it("asks nobody to confirm where too few could", () => {
    expect([3, 4, 40].map((size) => wantedConfirmations(SWIM_TIMINGS.lan, size))).toEqual([
      0, 2, 2,
    ]);
    expect(suspicionMs(4_000, 24_000, 0, 0)).toBe(4_000);
  });

  it("compares tables more rarely in large groups", () => {
    expect([32, 33, 64, 65, 1_000].map(syncScale)).toEqual([1, 2, 2, 3, 6]);
  });

  it.each([
    ["fast", "timing"],
    [{ probeTimeoutMs: 1_000 }, "timing.probeTimeoutMs"],
    [{ probeIntervalMs: 0 }, "timing.probeIntervalMs"],
    [{ gossipNodes: 33 }, "timing.gossipNodes"],
    [{ gossipNodes: 1.5 }, "timing.gossipNodes"],
    [{ probing: 1 }, "timing.probing"],
  ])("%j is refused by name", (timing, option) => {
    expect(() => checkTiming(timing as never)).toThrow(option);
  });
});

const name = fc.oneof(
  fc.constantFrom("a", "__proto__", "Ö\u{1F600}", "x".repeat(128)),
  fc.string({ minLength: 1, maxLength: 20, unit: "grapheme-ascii" }),
);
const seq = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const incarnation = fc.integer({ min: 0, max: MAX_INCARNATION });
const message: fc.Arbitrary<SwimMessage> = fc.oneof(
  fc.record({ kind: fc.constant("ping" as const), seq, target: name }),
  fc.record({ kind: fc.constant("ping-req" as const), seq, target: name, address: name }),
  fc.record({ kind: fc.constant("ack" as const), seq, subject: name }),
  fc.record({ kind: fc.constantFrom("nack" as const, "gossip" as const), seq }),
  fc.record({
    kind: fc.constant("sync" as const),
    seq,
    digest: fc.record({ count: seq, low: seq, high: seq }),
  }),
  fc.record({ kind: fc.constant("state" as const), seq, wants: fc.boolean() }),
  fc.record({ kind: fc.constant("conflict" as const), seq, birth: incarnation }),
);
const news: fc.Arbitrary<News> = fc.record({
  kind: fc.constantFrom("alive", "suspect", "down", "left"),
  id: name,
  incarnation,
  address: name,
  data: fc.string({ maxLength: 60, unit: "grapheme" }),
  by: fc.oneof(fc.constant(""), name),
});

describe("a packet", () => {
  it("is read as it was written, in the bytes that were counted", () => {
    fc.assert(
      fc.property(message, fc.array(news, { maxLength: 3 }), (sent, all) => {
        const pieces = all.map(writeNews);
        const bytes = encodePacket(FROM, sent, pieces);
        const newsBytes = pieces.reduce((sum, { length }) => sum + length, 0);
        expect(bytes.length).toBe(headBytes(FROM, sent) + newsBytes);
        const read = decodePacket(bytes, 7);
        if (!read.ok) return expect(read.reason).toBe("too-long");
        expect(read.packet.from).toEqual(FROM);
        expect(read.packet.message).toEqual(sent);
        const fields = read.packet.news.map(({ kind, id, incarnation, address, data, by }) => {
          return { kind, id, incarnation, address, data, by };
        });
        expect(fields).toEqual(all);
        return undefined;
      }),
    );
  });

  it("of anybody else's making is a reason, never an exception", () => {
    const packet = encodePacket(FROM, { kind: "ping", seq: 1, target: "b" }, [
      writeNews({ kind: "alive", id: "b", incarnation: 1, address: "x", data: "d", by: "" }),
    ]);
    const damage = fc.tuple(fc.nat(packet.length - 1), fc.nat(255), fc.nat(packet.length));
    fc.assert(
      fc.property(damage, fc.uint8Array({ maxLength: 1_500 }), ([at, byte, length], noise) => {
        const damaged = Uint8Array.from(packet).slice(0, length);
        if (at < damaged.length) damaged[at] = byte;
        for (const bytes of [damaged, noise]) {
          const read = decodePacket(bytes, 7);
          if (!read.ok) expect(read.reason).not.toBe("");
        }
      }),
    );
  });

  it.each([
    ["too-long", new Uint8Array(1_401)],
    ["version", Uint8Array.of(9, 0, 0, 0)],
    ["malformed", Uint8Array.of(1, 0, 0, 0)],
    ["group", encodePacket({ ...FROM, group: 8 }, { kind: "gossip", seq: 1 }, [])],
    ["malformed", encodePacket({ ...FROM, id: "" }, { kind: "gossip", seq: 1 }, [])],
    ["malformed", encodePacket(FROM, { kind: "gossip", seq: 1 }, [Uint8Array.of(0, 1)])],
    ["malformed", encodePacket(FROM, { kind: "gossip", seq: 1 }, [Uint8Array.of(9, 1)])],
  ])("is refused as %s", (reason, bytes) => {
    expect(decodePacket(bytes, 7)).toEqual({ ok: false, reason });
  });

  it("holds the longest piece of news beside the longest head", () => {
    const long = "x".repeat(128);
    const longest = { kind: "suspect", id: long, incarnation: 1, address: long, by: long } as const;
    const piece = writeNews({ ...longest, data: "y".repeat(512) });
    const from = { group: 7, id: long, address: long };
    const head = headBytes(from, { kind: "ping", seq: 1, target: long });
    expect(head + piece.length + SEAL_BYTES).toBeLessThanOrEqual(MAX_PACKET_BYTES);
  });

  it("gives the same string for the same bytes, whatever came between", () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 50 }), (names) => {
        for (const text of names) {
          const bytes = Buffer.from(`..${text}..`);
          expect(textOf(bytes, 2, bytes.length - 2)).toBe(text);
        }
      }),
    );
  });
});

describe("a seal", () => {
  const [old, young] = ["o".repeat(16), "y".repeat(32)];
  const packet = encodePacket(FROM, { kind: "gossip", seq: 1 }, []);
  const seal = (...secrets: string[]) => createSeal({ secrets, maxAgeMs: 60_000 });

  it("opens what a member sealed, and nothing else", () => {
    const sealed = seal(old).close(packet, 1_000_000);
    expect(sealed.length).toBe(packet.length + SEAL_BYTES);
    expect(seal(old).open(sealed, 1_000_000)).toEqual(packet);
    expect(seal(young).open(sealed, 1_000_000)).toBe("seal");
    expect(seal(old).open(packet, 1_000_000)).toBe("seal");
    for (let at = 0; at < sealed.length; at++) {
      const damaged = Uint8Array.from(sealed);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(seal(old).open(damaged, 1_000_000)).toBe("seal");
    }
  });

  it("changes its secret in three steps without a packet lost", () => {
    const steps = [seal(old), seal(old, young), seal(young, old), seal(young)];
    for (const [index, before] of steps.slice(0, -1).entries()) {
      const after = steps[index + 1]!;
      expect(after.open(before.close(packet, 5), 5)).toEqual(packet);
      expect(before.open(after.close(packet, 5), 5)).toEqual(packet);
    }
    expect(steps[3]!.open(steps[0]!.close(packet, 5), 5)).toBe("seal");
  });

  it("is of no use an hour later", () => {
    const sealed = seal(old).close(packet, 10_000_000);
    expect(seal(old).open(sealed, 10_060_000)).toEqual(packet);
    expect(seal(old).open(sealed, 10_060_001)).toBe("stamp");
    expect(seal(old).open(sealed, 9_900_000)).toBe("stamp");
  });

  it.each([[[]], [["short"]], [[young, 7]], [Array(5).fill(young)], ["s"]])(
    "is not made of %j, and no secret is shown",
    (secrets) => {
      let message = "";
      try {
        createSeal({ secrets: secrets as never, maxAgeMs: 1 });
      } catch (error) {
        ({ message } = error as Error);
      }
      expect(message).toContain("secrets must be");
      expect(message).not.toContain(young);
    },
  );
});

describe("the queue", () => {
  const piece = (text: string): Uint8Array => new TextEncoder().encode(text);
  const taken = (queue: GossipQueue, room: number, limit = 2): string[] => {
    const into: Uint8Array[] = [];
    queue.take(into, room, limit);
    return into.map((bytes) => new TextDecoder().decode(bytes));
  };

  it("tells the least told first, the newest first of those, and each as often as allowed", () => {
    const queue = new GossipQueue();
    queue.add("a", piece("a1"));
    queue.add("b", piece("b1"));
    expect(taken(queue, 2)).toEqual(["b1"]);
    expect(taken(queue, 2)).toEqual(["a1"]);
    queue.add("c", piece("c1"));
    expect(taken(queue, 100)).toEqual(["c1", "a1", "b1"]);
    expect(taken(queue, 100)).toEqual(["c1"]);
    expect([taken(queue, 100), queue.size]).toEqual([[], 0]);
  });

  it("tells the newer piece about a member, and that from the start", () => {
    const queue = new GossipQueue();
    queue.add("a", piece("a1"));
    expect(taken(queue, 10)).toEqual(["a1"]);
    queue.add("a", piece("a2"));
    expect([queue.size, taken(queue, 10), taken(queue, 10), taken(queue, 10)]).toEqual([
      1,
      ["a2"],
      ["a2"],
      [],
    ]);
  });

  it("never fills more than the room, and takes what fits behind what does not", () => {
    const queue = new GossipQueue();
    queue.add("small", piece("s"));
    queue.add("large", piece("l".repeat(50)));
    expect(taken(queue, 10)).toEqual(["s"]);
    expect(taken(queue, 50)).toEqual(["l".repeat(50)]);
  });
});

describe("the roster", () => {
  it("asks each once a round, whoever comes and goes, and never one that is gone", () => {
    const moves = fc.array(fc.tuple(fc.constantFrom("add", "go", "back", "ask"), fc.nat(12)));
    fc.assert(
      fc.property(moves, fc.nat(1_000), (script, seed) => {
        const random = seededRandom(seed);
        const roster = new Roster(100, () => random.next());
        for (const [move, index] of script) {
          const peer = roster.get(`p${index}`);
          if (move === "ask") expect(roster.nextToProbe()?.state ?? "alive").toBe("alive");
          else if (peer === undefined) roster.add(`p${index}`, "alive", 1, 0);
          else if (move !== "add") roster.move(peer, move === "go" ? "down" : "alive", 0);
        }
        const { length } = roster.active;
        const asked = Array.from({ length: 2 * length }, () => roster.nextToProbe()?.id);
        expect(new Set(asked).size).toBe(length);
        const all = [...roster.active, ...roster.gone];
        expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
      }),
      { numRuns: 60 },
    );
  });

  it("digests who lives in which life, in any order", () => {
    const random = seededRandom(1);
    const make = (ids: readonly string[], incarnation = 5): Roster => {
      const roster = new Roster(10, () => random.next());
      for (const id of ids) roster.add(id, "alive", incarnation, 0);
      return roster;
    };
    const digest = make(["a", "b"]).digest(1, 1);
    expect(make(["b", "a"]).digest(1, 1)).toEqual(digest);
    expect(make(["a", "c"]).digest(1, 1)).not.toEqual(digest);
    expect(make(["a", "b"], 6).digest(1, 1)).not.toEqual(digest);
    expect(make(["a", "b"], 5 + 2 ** 33).digest(1, 1)).not.toEqual(digest);
  });

  it("forgets one that is gone to make room, never one that lives", () => {
    const roster = new Roster(2, () => 0);
    roster.add("a", "alive", 1, 0);
    roster.add("b", "down", 1, 0);
    expect(roster.makeRoom()).toBe(true);
    expect(roster.get("b")).toBeUndefined();
    roster.add("c", "alive", 1, 0);
    expect(roster.makeRoom()).toBe(false);
  });
});
