import { QuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { repeatable, weightier } from "./repeatable.ts";
import { rejection } from "./rejection.ts";

const unsafe = { repeat: "unsafe" } as const;
const safe = { repeat: "safe" } as const;
const keyed = { repeat: "keyed" } as const;

const timedOut = new QuorateError("TIMEOUT", "no answer", {
  effect: "unknown",
  details: { operation: "call", timeoutMs: 1 },
});
const full = rejection("BULKHEAD_FULL", "full", { bulkhead: "b", running: 1, queued: 0 });
const notSent = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });

describe("repeatable", () => {
  it("is anybody's call that did not happen", () => {
    expect(repeatable(full, unsafe)).toBe(true);
    expect(repeatable(notSent, unsafe)).toBe(true);
  });

  it("is a call that may have happened only if it may run twice", () => {
    for (const error of [timedOut, new Error("reset"), undefined, null, "text", 14]) {
      expect(repeatable(error, unsafe)).toBe(false);
      expect(repeatable(error, safe)).toBe(true);
      expect(repeatable(error, keyed)).toBe(true);
    }
  });

  it("is a call that did happen only if its error asks for it", () => {
    const applied = Object.assign(new Error("stored, then failed"), { effect: "applied" });
    expect(repeatable(applied, safe)).toBe(false);
    expect(repeatable(Object.assign(applied, { retryable: true }), safe)).toBe(true);
  });

  it("is never what an error says is final", () => {
    expect(repeatable(refuse("sold-out"), safe)).toBe(false);
    expect(repeatable(Object.assign(new Error(), { effect: "none", retryable: false }), safe)).toBe(
      false,
    );
  });

  it("believes nothing of an error whose getters throw", () => {
    const hostile = {
      get retryable(): never {
        throw new Error("no");
      },
      get effect(): never {
        throw new Error("no");
      },
    };
    expect(repeatable(hostile, unsafe)).toBe(false);
    expect(repeatable(hostile, safe)).toBe(true);
  });
});

describe("of two failures of one call, the caller sees", () => {
  it("the later", () => {
    const later = new Error("later");
    expect(weightier(timedOut, later)).toBe(later);
    expect(weightier(full, notSent)).toBe(notSent);
    expect(weightier(full, timedOut)).toBe(timedOut);
  });

  it("the earlier, if that may have happened and the later was not sent", () => {
    expect(weightier(timedOut, full)).toBe(timedOut);
    const unclear = new Error("reset");
    expect(weightier(unclear, notSent)).toBe(unclear);
  });

  it("a definite no, which answers the earlier too", () => {
    const no = refuse("declined");
    expect(weightier(timedOut, no)).toBe(no);
  });
});
