import { describe, expect, it } from "vitest";
import { isTemporary, parseAnswer } from "./answers.ts";

const answer = (text: string) => parseAnswer(Buffer.from(text));

describe("an answer of JetStream", () => {
  it("is its object", () => {
    expect(answer('{"seq":3,"duplicate":true}')).toEqual({
      kind: "ok",
      body: expect.objectContaining({ seq: 3, duplicate: true }),
    });
  });

  it("that is an error carries its number", () => {
    const text = '{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 2"}}';
    expect(answer(text)).toEqual({
      kind: "error",
      error: { status: 400, errCode: 10_071, description: "wrong last sequence: 2" },
    });
  });

  it.each(["", "null", "[]", "7", "{", "\u0000", `${"[".repeat(50)}${"]".repeat(50)}`])(
    "like %j is an error that may pass",
    (text) => {
      const read = answer(text);
      expect(read.kind === "error" && isTemporary(read.error)).toBe(true);
    },
  );

  it("says by its number whether waiting helps", () => {
    const error = (status: number, errCode: number) => ({ status, errCode, description: "" });
    expect(isTemporary(error(503, 10_008))).toBe(true);
    expect(isTemporary(error(409, 10_158))).toBe(true);
    expect(isTemporary(error(503, 10_039))).toBe(false);
    expect(isTemporary(error(503, 10_076))).toBe(false);
    expect(isTemporary(error(404, 10_059))).toBe(false);
    expect(isTemporary(error(400, 10_071))).toBe(false);
  });

  it("has no prototype to poison", () => {
    const read = answer('{"__proto__":{"seq":1},"constructor":1}');
    expect(read.kind === "ok" && Object.getPrototypeOf(read.body)).toBeNull();
    expect(({} as { seq?: number }).seq).toBeUndefined();
  });
});
