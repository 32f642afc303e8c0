import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { participant } from "./participant.ts";

describe("a participant", () => {
  it("carries a key out once, and answers repeats as the first time", () => {
    const cards = participant("cards");
    expect(cards.apply("k", { id: 1 })).toEqual({ id: 1 });
    expect(cards.apply("k", { id: 2 })).toEqual({ id: 1 });
    expect(cards.standing.get("k")).toBe(1);
  });

  it("takes back what it did, once, and refuses the key from then on", () => {
    const cards = participant("cards");
    cards.apply("k", 1);
    cards.cancel("k");
    cards.cancel("k");
    expect(cards.standing.get("k")).toBe(0);
    expect(() => cards.apply("k", 1)).toThrow(/cancelled/);
  });

  it("takes back what it never did, and refuses it when it comes late", () => {
    const cards = participant("cards");
    cards.cancel("k");
    let error: unknown;
    try {
      cards.apply("k", 1);
    } catch (thrown) {
      error = thrown;
    }
    expect(isQuorateError(error, "REFUSED") && error.details.reason).toBe("cancelled");
    expect(cards.standing.size).toBe(0);
  });

  it("without tombstones lets a late request in", () => {
    const cards = participant("cards", { tombstones: false });
    cards.apply("k", 1);
    cards.cancel("k");
    expect(cards.standing.get("k")).toBe(0);
    cards.apply("k", 1);
    expect(cards.standing.get("k")).toBe(1);
  });

  it("without idempotency does again what it is asked again", () => {
    const cards = participant("cards", { idempotent: false });
    cards.apply("k", 1);
    cards.apply("k", 1);
    expect(cards.standing.get("k")).toBe(2);
  });

  it("knows the run and the undo of one step as one", () => {
    const cards = participant("cards");
    cards.apply("order/charge/do", 1);
    cards.cancel("order/charge/undo");
    expect([...cards.standing]).toEqual([["order/charge", 0]]);
  });

  it("refuses options that it does not know", () => {
    expect(() => participant("")).toThrow(/name/);
    expect(() => participant("x", { tombstone: true } as object)).toThrow(/tombstone/);
  });
});
