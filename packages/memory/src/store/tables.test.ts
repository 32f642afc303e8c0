import { describe, expect, it } from "vitest";
import { KvTable, type KvWrite } from "./kv-table.ts";
import { LeaseTable } from "./lease-table.ts";
import { Ledger, LEDGER_SIZE } from "./ledger.ts";
import type { Now } from "./now.ts";

const START_MICROS = 1_700_000_000_000_000;

function at(ms: number): Now {
  return { ms, micros: START_MICROS + ms * 1_000 };
}

function put(key: string, more: Partial<KvWrite & { kind: "put" }> = {}): KvWrite {
  const value = new Uint8Array([1]);
  const plain = { kind: "put", expect: undefined, ttlMs: undefined, operationId: "op" } as const;
  return { ...plain, key, value, ...more };
}

function revisionOf(table: KvTable, write: KvWrite, now: Now): number {
  const answer = table.write(write, now);
  if (answer.kind !== "put") throw new Error(answer.kind);
  return answer.record.revision;
}

describe("a kv table", () => {
  it("mints revisions above a clock that was set back", () => {
    const table = new KvTable();
    const late = revisionOf(table, put("k", { operationId: "1" }), at(3_600_000));
    const early = revisionOf(table, put("k", { operationId: "2" }), at(0));
    expect(early).toBe(late + 1);
  });

  it("HAZARD: goes back if it forgot all and its clock was set back too", () => {
    const table = new KvTable();
    const before = revisionOf(table, put("k"), at(3_600_000));
    table.clear();
    expect(revisionOf(table, put("k"), at(0))).toBeLessThan(before);
  });

  it("expires at the instant, not before it", () => {
    const table = new KvTable();
    table.write(put("k", { ttlMs: 100 }), at(0));
    expect(table.expire(at(99))).toEqual([]);
    expect(table.expire(at(100))).toMatchObject([{ kind: "delete", key: "k", reason: "expired" }]);
    expect(table.get("k")).toBeUndefined();
    expect(table.page("", undefined, 10)).toEqual([]);
  });

  it("forgets the old due time of an entry that was written again", () => {
    const table = new KvTable();
    table.write(put("k", { ttlMs: 100, operationId: "1" }), at(0));
    table.write(put("k", { operationId: "2" }), at(50));
    expect(table.expire(at(1_000))).toEqual([]);
    expect(table.nextDueMs()).toBeUndefined();
  });

  it("refuses a fenced write below the floor, and takes one at it", () => {
    const table = new KvTable();
    const fence = (token: number, operationId: string): KvWrite => {
      return { kind: "fence", key: "k", token, payload: new Uint8Array([7]), operationId };
    };
    expect(table.write(fence(10, "1"), at(0)).kind).toBe("put");
    expect(table.write(fence(9, "2"), at(0))).toEqual({ kind: "stale", floor: 10 });
    expect(table.write(fence(10, "3"), at(0)).kind).toBe("put");
    expect(table.write(fence(10, "3"), at(0))).toMatchObject({ replayed: true });
  });

  it("leaves a value alone that is no fence record", () => {
    const table = new KvTable();
    table.write(put("k"), at(0));
    const fence = { kind: "fence", key: "k", token: 1, payload: undefined } as const;
    const answer = table.write({ ...fence, operationId: "2" }, at(0));
    expect(answer).toEqual({ kind: "foreign", key: "k" });
  });
});

describe("a lease table", () => {
  function cycle(table: LeaseTable, name: string, now: Now): void {
    const plain = { process: "p", weight: 1, capacity: 1, ttlMs: 1_000, fair: true };
    const claim = { owner: "o", data: undefined, ...plain };
    table.step(name, { kind: "claim", claim, waitMs: 0 }, now);
    table.step(name, { kind: "release", owner: "o", token: undefined }, now);
  }

  it("forgets a free name once the clock has passed its last token", () => {
    const table = new LeaseTable();
    cycle(table, "a", at(0));
    expect(table.size).toBe(1);
    expect([...table.names()]).toEqual([]);
    cycle(table, "b", at(1));
    expect(table.line("a").lastToken).toBe(0);
  });

  it("keeps no more than a moment's names, however many come and go", () => {
    const table = new LeaseTable();
    for (let index = 0; index < 5_000; index++)
      cycle(table, `n${index}`, at(Math.floor(index / 10)));
    expect(table.size).toBeLessThanOrEqual(30);
  });

  it("forgets no token that the clock has not passed", () => {
    const table = new LeaseTable();
    let last = 0;
    for (let round = 0; round < 20; round++) {
      cycle(table, "a", at(0));
      const { lastToken } = table.line("a");
      expect(lastToken).toBeGreaterThan(last);
      last = lastToken;
    }
  });
});

describe("a ledger", () => {
  it("knows what became of a call, and bans one that did not happen", () => {
    const ledger = new Ledger();
    ledger.note("done", "applied", 0);
    expect(ledger.settle("done", 100, 50)).toBe("applied");
    expect(ledger.settle("never", 100, 50)).toBe("none");
    expect(ledger.admits("never")).toBe(false);
    expect(ledger.admits("other")).toBe(true);
  });

  it("says `unknown` of a call that it may have forgotten, `none` of a younger one", () => {
    const ledger = new Ledger();
    for (let index = 0; index <= LEDGER_SIZE; index++) ledger.note(`${index}`, "applied", index);
    expect(ledger.settle("0", 50_000, 20_000)).toBe("unknown");
    expect(ledger.settle("young", 10, 20_000)).toBe("none");
  });

  it("knows nothing of before its server's death", () => {
    const ledger = new Ledger();
    ledger.note("done", "applied", 0);
    ledger.clear(10);
    expect(ledger.settle("done", 50, 20)).toBe("unknown");
  });
});
