import { invalidArgument, QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { complaintOf, misuse, textOf } from "./complaint.ts";

const down = new QuorateError("STORE_UNAVAILABLE", "redis://anna:secret@h:1 is down", {
  effect: "none",
  details: { operation: "connect" },
});

describe("a complaint", () => {
  it("ends with code, exit code and cure", () => {
    expect(textOf(complaintOf(down), false)).toMatch(
      /code STORE_UNAVAILABLE, effect none, exit 2\n {2}cure: .+\n$/,
    );
  });

  it.each([
    [down, 2],
    [invalidArgument("--why", "", "a reason"), 2],
    [new QuorateError("LOCK_TIMEOUT", "x", { effect: "none", details: {} as never }), 1],
    [new Error("boom"), 1],
    ["a string", 1],
  ])("about %s ends with %i", (error, exitCode) => {
    expect(complaintOf(error).exitCode).toBe(exitCode);
  });

  it("shows no password, whoever quotes it", () => {
    const said = [
      complaintOf(down),
      complaintOf(new Error("connect to nats://bob:secret@h failed")),
      misuse('"redis://u:secret@h" is one argument too many', "give --url redis://u:secret@h"),
    ];
    for (const complaint of said) {
      for (const isJson of [true, false]) expect(textOf(complaint, isJson)).not.toContain("secret");
    }
  });

  it("is one JSON object where data was asked for", () => {
    const parsed = JSON.parse(textOf(complaintOf(down), true)) as { error: object };
    expect(parsed.error).toMatchObject({ code: "STORE_UNAVAILABLE", exitCode: 2 });
  });
});
