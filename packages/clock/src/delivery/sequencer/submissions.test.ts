/** Messages on their way to a place. */
import { describe, expect, it } from "vitest";

import { bytesOf } from "../network.fixture.ts";
import { Submissions } from "./submissions.ts";

const data = bytesOf("m");

describe("submissions", () => {
  it("keep no message that comes again, before it has its place or after", () => {
    const submissions = new Submissions(2);
    submissions.take("a#1", 1, data, true);
    submissions.take("a#1", 1, bytesOf("forged"), true);
    expect(submissions.get("a#1", 1)).toBe(data);
    submissions.delivered("a#1", 1, false);
    submissions.take("a#1", 1, data, true);
    expect(submissions.has("a#1", 1)).toBe(false);
    expect(submissions.wentBy("a#1", 1)).toBe(true);
    expect(submissions.seen()).toEqual([{ member: "a#1", n: 1 }]);
  });

  it("have room for twice the limit of each sender, and for what is known already", () => {
    const submissions = new Submissions(2);
    for (let n = 1; n <= 4; n++) {
      expect(submissions.hasRoom("a#1", n)).toBe(true);
      submissions.take("a#1", n, data, true);
    }
    expect(submissions.hasRoom("a#1", 5)).toBe(false);
    expect(submissions.hasRoom("a#1", 4)).toBe(true);
    expect(submissions.hasRoom("b#1", 1)).toBe(true);
  });

  it("of who cannot deliver yet are the newest ones", () => {
    const submissions = new Submissions(2);
    for (let n = 1; n <= 6; n++) submissions.take("a#1", n, data, false);
    expect([1, 2, 3, 4, 5, 6].filter((n) => submissions.has("a#1", n))).toEqual([3, 4, 5, 6]);
    submissions.deliveredAll(new Map([["a#1", 5]]));
    expect([3, 4, 5, 6].filter((n) => submissions.has("a#1", n))).toEqual([6]);
  });
});
