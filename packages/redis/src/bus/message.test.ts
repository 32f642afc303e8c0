import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage } from "./message.ts";

const head = { subject: "a/ö", headers: { "x-1": "é" }, publisher: "p", sequence: 7 };

describe("bus messages", () => {
  it("come back as they went, every byte", () => {
    const data = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const message = decodeMessage(encodeMessage({ ...head, replyTo: "r", replyId: "i" }, data));
    expect(message?.head).toMatchObject({ ...head, replyTo: "r", replyId: "i" });
    expect(message?.data).toEqual(data);
  });

  it("have headers without a prototype", () => {
    const headers = { ["__proto__"]: "x", ok: "y" };
    const message = decodeMessage(encodeMessage({ ...head, headers }, new Uint8Array()));
    expect(Object.getPrototypeOf(message?.head.headers)).toBeNull();
  });

  it.each(["", "junk", "999999{}", "000002{}", "000004null", '000013{"s":1,"p":2}x'])(
    "take %j for no message",
    (bytes) => expect(decodeMessage(Buffer.from(bytes))).toBeUndefined(),
  );
});
