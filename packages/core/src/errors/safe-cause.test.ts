import { inspect } from "node:util";
import { describe, expect, it } from "vitest";

import { QuorateError } from "./quorate-error.ts";
import { safeCause, scrub } from "./safe-cause.ts";

/** As ioredis makes them: the command hangs on the error, arguments and all. */
function replyError(message: string): Error {
  const error = new Error(message);
  error.name = "ReplyError";
  return Object.assign(error, {
    command: { name: "auth", args: ["default", "hunter2"] },
    previousErrors: [new Error("redis://user:hunter2@10.0.0.7:6379")],
  });
}

describe("safeCause", () => {
  it("keeps name, code and message, and drops the command that hangs on it", () => {
    const cause = safeCause(Object.assign(replyError("WRONGPASS invalid"), { code: "EAUTH" }));
    expect(cause).toMatchObject({
      name: "ReplyError",
      message: "WRONGPASS invalid",
      code: "EAUTH",
    });
    expect(inspect(cause, { depth: 10, showHidden: true })).not.toContain("hunter2");
  });

  it("drops causes below, where the same things hang", () => {
    const deep = new Error("top", { cause: replyError("below") });
    expect(inspect(safeCause(deep), { depth: 10 })).not.toContain("hunter2");
  });

  it("leaves no secret in a printed QuorateError", () => {
    const error = new QuorateError("STORE_UNAVAILABLE", "redis does not answer", {
      effect: "none",
      details: { operation: "get" },
      cause: safeCause(replyError("connect redis://user:hunter2@10.0.0.7:6379 failed")),
    });
    expect(inspect(error, { depth: 10 })).not.toContain("hunter2");
    expect(inspect(error, { depth: 10 })).toContain("10.0.0.7:6379");
  });

  it("tells what a refused connection says of each address", () => {
    const refused = new AggregateError([
      new Error("connect ECONNREFUSED ::1:6379"),
      new Error("connect ECONNREFUSED 127.0.0.1:6379"),
    ]);
    const cause = safeCause(Object.assign(refused, { code: "ECONNREFUSED" }));
    expect(cause.message).toContain("::1:6379; connect ECONNREFUSED 127.0.0.1:6379");
  });

  it.each([
    ["text", "text"],
    [7, "7"],
    [undefined, "undefined"],
    [null, "an object that is no error was thrown"],
    [Object.create(null), "an object that is no error was thrown"],
    [{ password: "hunter2" }, "an object that is no error was thrown"],
    [Symbol("s"), "Symbol(s)"],
  ])("makes an error of whatever was thrown: %s", (thrown, message) => {
    expect(safeCause(thrown).message).toBe(message);
  });
});

describe("scrub", () => {
  it.each([
    ["redis://user:pw@host:6379/0", "redis://***@host:6379/0"],
    ["redis://:pw@host", "redis://***@host"],
    ["rediss://user:p@ss:w@host/0 down", "rediss://***@host/0 down"],
    ["nats://s3cr3t-token@host:4222", "nats://***@host:4222"],
    ["a nats://u:pw@a,nats://u:pw@b b", "a nats://***@a,nats://***@b b"],
    ["could not reach user:pw@host:4222", "could not reach ***@host:4222"],
    [
      "ERR unknown command 'AUHT', with args beginning with: 'pw' ",
      "ERR unknown command 'AUHT', with args beginning with: …",
    ],
    ["connect ECONNREFUSED 127.0.0.1:6379", "connect ECONNREFUSED 127.0.0.1:6379"],
    ["mail to someone@example.org at 10:30", "mail to someone@example.org at 10:30"],
    ["https://example.org/a@b", "https://example.org/a@b"],
  ])("strikes credentials out of %j", (text, clean) => {
    expect(scrub(text)).toBe(clean);
  });

  it("bounds what it returns, and the time that it takes", () => {
    const startMs = performance.now();
    expect(scrub("//a:".repeat(1_000_000)).length).toBeLessThanOrEqual(301);
    expect(scrub(":@".repeat(1_000_000)).length).toBeLessThanOrEqual(301);
    expect(performance.now() - startMs).toBeLessThan(500);
  });
});
