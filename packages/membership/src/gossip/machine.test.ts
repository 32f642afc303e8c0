import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { type GossipEffect, GossipMachine, type GossipSettings, MAX_LIFE } from "./machine.ts";
import type { GossipMessage } from "./messages.ts";
import { Peers } from "./peers.ts";
import { MAX_HOT, Rumours } from "./rumours.ts";
import { writeLetter } from "./wire.ts";

const SETTINGS: GossipSettings = {
  ...{ self: "a", life: 10, style: "push", fanout: 1, stopAfter: 2, maxPacketBytes: 2_048 },
  ...{ maxKeys: 8, maxOwnerBytes: 512, tombstoneMs: 100, keepMs: 1_000 },
};

function machine(self: string, ids = ["a", "b"], settings: Partial<GossipSettings> = {}) {
  const made = new GossipMachine({ ...SETTINGS, self, ...settings }, seededRandom(1));
  made.step({ kind: "peers", peers: Peers.of(ids) }, 0);
  return made;
}

function sent(effects: readonly GossipEffect[]): readonly GossipMessage[] {
  return effects.flatMap((effect) => (effect.kind === "send" ? [effect.message] : []));
}

/** Hands messages to and fro until there are none. */
function talk(one: GossipMachine, two: GossipMachine, first: readonly GossipEffect[]): number {
  let count = 0;
  let [speaker, hearer] = [
    { it: one, id: "a" },
    { it: two, id: "b" },
  ];
  let effects = first;
  for (let open = sent(effects); open.length > 0; open = sent(effects)) {
    const from = speaker.id;
    count += open.length;
    effects = open.flatMap((message) => hearer.it.step({ kind: "heard", from, message }, 0));
    [speaker, hearer] = [hearer, speaker];
  }
  return count;
}

const say = (key: string, value?: string) => ({ kind: "write", key, value }) as const;

describe("a gossip machine", () => {
  it("tells news until enough peers knew it, then keeps quiet", () => {
    const [a, b] = [machine("a"), machine("b")];
    a.step(say("x", "1"), 0);
    expect(talk(a, b, a.step({ kind: "round" }, 1))).toBe(1);
    expect(b.facts.get("a", "x")?.value).toBe("1");
    expect(talk(a, b, a.step({ kind: "round" }, 2))).toBe(2); // "I knew", once,
    expect(talk(a, b, a.step({ kind: "round" }, 3))).toBe(2); // and twice.
    expect(a.step({ kind: "round" }, 4)).toEqual([]);
    expect(a.rumours).toBe(0);
  });

  it("stops telling after some rounds even if nobody ever answers", () => {
    const a = machine("a", ["a", "b", "c"]);
    a.step(say("x", "1"), 0);
    let rounds = 0;
    while (a.step({ kind: "round" }, rounds).length > 0) rounds += 1;
    expect(rounds).toBe(4 * Math.ceil(Math.log2(5)));
  });

  it("says nothing for a value that is the same", () => {
    const a = machine("a");
    expect(a.step(say("x", "1"), 0)).toHaveLength(1);
    expect(a.step(say("x", "1"), 0)).toEqual([]);
    expect(a.step(say("y"), 0)).toEqual([]);
  });

  it("in push-pull calls without news, and gets the other's", () => {
    const [a, b] = [machine("a", ["a", "b"], { style: "push-pull" }), machine("b")];
    b.step(say("x", "1"), 0);
    expect(talk(a, b, a.step({ kind: "round" }, 1))).toBe(2);
    expect(a.facts.get("b", "x")?.value).toBe("1");
  });

  it("heals by comparison what no rumour told, both ways, in three messages", () => {
    const [a, b] = [machine("a"), machine("b")];
    a.step(say("x", "1"), 0);
    b.step(say("y", "2"), 0);
    expect(talk(a, b, a.step({ kind: "reconcile" }, 0))).toBe(3);
    expect(b.facts.get("a", "x")?.value).toBe("1");
    expect(a.facts.get("b", "y")?.value).toBe("2");
    expect(talk(a, b, a.step({ kind: "reconcile" }, 0))).toBe(1); // Alike: a digest, no answer.
  });

  it("does not believe a stranger, nor a peer about a stranger", () => {
    const a = machine("a");
    const entry = { key: "x", version: 1, value: "1" };
    const message: GossipMessage = {
      ...{ kind: "rumours", pull: false },
      rumours: [{ owner: "z", life: 1, entry }],
    };
    expect(a.step({ kind: "heard", from: "z", message }, 0)).toEqual([
      { kind: "refused", count: 1 },
    ]);
    const effects = a.step({ kind: "heard", from: "b", message }, 0);
    expect(effects).toContainEqual({ kind: "refused", count: 1 });
    expect([...a.facts]).toEqual([]);
  });

  it("forgets an owner some time after it was a peer, and does not learn it again", () => {
    const [a, b] = [machine("a"), machine("b")];
    b.step(say("y", "1"), 0);
    talk(
      b,
      a,
      b.step({ kind: "round" }, 0).map((effect) => effect),
    );
    a.step({ kind: "heard", from: "b", message: sent(b.step({ kind: "round" }, 0))[0]! }, 0);
    expect(a.facts.get("b", "y")?.value).toBe("1");
    a.step({ kind: "peers", peers: Peers.of(["a", "c"]) }, 10);
    a.step({ kind: "round" }, 1_009);
    expect(a.facts.get("b", "y")?.value).toBe("1");
    expect(a.step({ kind: "round" }, 1_010)).toContainEqual({
      kind: "changed",
      change: { kind: "removed", owner: "b", key: "y" },
    });
    const known = [{ owner: "b", life: 10, version: 1 }];
    const message: GossipMessage = { kind: "digest", from: "", to: "", known };
    const answer = sent(a.step({ kind: "heard", from: "c", message }, 1_020))[0];
    expect(answer).toMatchObject({ wanted: [] });
  });

  it("replaces the facts of an earlier life, and never believes them again", () => {
    const a = machine("a");
    const tell = (life: number, key: string): readonly GossipEffect[] => {
      const rumours = [{ owner: "b", life, entry: { key, version: 1, value: String(life) } }];
      const message: GossipMessage = { kind: "rumours", rumours, pull: false };
      return a.step({ kind: "heard", from: "b", message }, 0);
    };
    tell(5, "x");
    expect(tell(6, "y")).toContainEqual({
      kind: "changed",
      change: { kind: "removed", owner: "b", key: "x" },
    });
    tell(5, "x");
    expect([...a.facts].map(({ key, life }) => `${key} ${life}`)).toEqual(["y 6"]);
  });

  it("begins a new life when others know what it never said, and says all again", () => {
    const a = machine("a");
    a.step(say("x", "now"), 0);
    const known = [{ owner: "a", life: 900, version: 7 }];
    const digest: GossipMessage = { kind: "digest", from: "", to: "", known };
    const effects = a.step({ kind: "heard", from: "b", message: digest }, 0);
    expect(effects).toContainEqual({ kind: "reborn", life: 901 });
    expect(a.facts.get("a", "x")).toMatchObject({ value: "now", life: 901, version: 1 });
    expect(a.rumours).toBe(1);
    // The same life and a version that it has not reached: two with one id, or a forger.
    const forged: GossipMessage = { ...digest, known: [{ owner: "a", life: 901, version: 9 }] };
    expect(a.step({ kind: "heard", from: "b", message: forged }, 0)).toContainEqual({
      kind: "reborn",
      life: 902,
    });
    const last: GossipMessage = { ...digest, known: [{ owner: "a", life: MAX_LIFE, version: 9 }] };
    expect(a.step({ kind: "heard", from: "b", message: last }, 0)).toEqual([]);
    expect(a.facts.own.life).toBe(902);
  });

  it("what others say of its own facts changes nothing", () => {
    const a = machine("a");
    a.step(say("x", "mine"), 0);
    const rumours = [{ owner: "a", life: 10, entry: { key: "x", version: 1, value: "theirs" } }];
    a.step({ kind: "heard", from: "b", message: { kind: "rumours", rumours, pull: false } }, 0);
    expect(a.facts.get("a", "x")?.value).toBe("mine");
  });

  it("keeps every packet within its bound, and gets all across in parts", () => {
    const ids = Array.from({ length: 60 }, (_, place) => `owner-${place}-"\\`);
    const [a, b] = [machine("a", ["a", "b", ...ids]), machine("b", ["a", "b", ...ids])];
    for (const owner of ids) {
      for (let version = 1; version <= 5; version++) {
        const entry = { key: `k${version}\n`, version, value: '"'.repeat(20) };
        a.facts.learn({ owner, life: 2 ** 47, entry }, 0);
      }
    }
    let comparisons = 0;
    for (; [...b.facts].length < 300 && comparisons < 400; comparisons++) {
      let open = sent(a.step({ kind: "reconcile" }, 0));
      let [from, hearer] = ["a", b];
      // Only what a sends to b counts here, whoever it drew.
      while (open.length > 0) {
        for (const message of open) {
          expect(writeLetter({ from, message }).byteLength).toBeLessThanOrEqual(2_048);
        }
        open = open.flatMap((message) => sent(hearer.step({ kind: "heard", from, message }, 0)));
        [from, hearer] = from === "a" ? ["b", a] : ["a", b];
      }
    }
    expect([...b.facts]).toHaveLength(300);
  });
});

describe("rumours", () => {
  it("are bounded: the most told one makes room", () => {
    const rumours = new Rumours(2);
    const of = (key: string) => ({ owner: "a", life: 1, entry: { key, version: 1, value: "" } });
    for (let index = 0; index < MAX_HOT; index++) rumours.add(of(`k${index}`));
    rumours.told([of("k7")], 100);
    rumours.add(of("new"));
    expect(rumours.size).toBe(MAX_HOT);
    const told = rumours.take(1e9).map(({ entry }) => entry.key);
    expect(told).toContain("new");
    expect(told).not.toContain("k7");
  });

  it("are not stopped by who knew an older version", () => {
    const rumours = new Rumours(1);
    rumours.add({ owner: "a", life: 1, entry: { key: "x", version: 2, value: "" } });
    rumours.knew({ owner: "a", key: "x", version: 1 });
    expect(rumours.size).toBe(1);
    rumours.knew({ owner: "a", key: "x", version: 2 });
    expect(rumours.size).toBe(0);
  });
});

describe("peers", () => {
  it("are drawn without repetition, never oneself, each alike", () => {
    const peers = Peers.of(["a", "b", "c", "d"]);
    const random = seededRandom(7);
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 6_000; draw++) {
      const drawn = peers.draw(2, "b", random);
      if (new Set(drawn).size !== 2) expect.fail(drawn.join());
      for (const id of drawn) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(["a", "c", "d"]);
    for (const count of counts.values()) expect(Math.abs(count - 4_000)).toBeLessThan(150);
    expect(peers.draw(9, "b", random)).toHaveLength(3);
    expect(peers.draw(9, "stranger", random)).toHaveLength(4);
    expect(Peers.of(["a"]).draw(3, "a", random)).toEqual([]);
  });

  it("are refused by name when they are bad", () => {
    expect(() => Peers.of(["a/b"])).toThrow(/INVALID_ARGUMENT/);
    expect(() => Peers.of("ab" as never)).toThrow(/INVALID_ARGUMENT/);
    const many = Array.from({ length: 4_097 }, (_, place) => String(place));
    expect(() => Peers.of(many)).toThrow(/TOO_LARGE/);
  });
});
