import { describe, expect, it } from "vitest";
import { classify } from "./errors.ts";

describe("classify", () => {
  it.each([
    ["NOSCRIPT No matching script. Please use EVAL.", "no-script"],
    ["LOADING Redis is loading the dataset in memory", "not-now"],
    ["READONLY You can't write against a read only replica. script: abc", "not-now"],
    ["CLUSTERDOWN The cluster is down", "not-now"],
    ["MOVED 3999 127.0.0.1:6381", "unsupported"],
    ["NOAUTH Authentication required.", "refused"],
    ["WRONGPASS invalid username-password pair or user is disabled.", "refused"],
    ["NOPERM this user has no permissions to run the 'evalsha' command", "refused"],
    ["OOM command not allowed when used memory > 'maxmemory'. script: 1", "refused"],
    ["MISCONF Redis is configured to save RDB snapshots", "refused"],
    ["WRONGTYPE Operation against a key holding the wrong kind of value", "foreign"],
    ["ERR user_script:5: attempt to index a nil value", "foreign"],
    ["Stream isn't writeable and enableOfflineQueue options is false", "unsent"],
    ["Connection is closed.", "lost"],
    ["Command timed out", "lost"],
    ["Reached the max retries per request limit (which is 20).", "lost"],
    ["Too many Cluster redirections. Last error: Error: Connection is closed.", "lost"],
    ["read ECONNRESET", "lost"],
  ])("%s", (message, kind) => {
    expect(classify(new Error(message)).kind).toBe(kind);
  });

  it("does not repeat what a script was called with", () => {
    const failure = classify(
      new Error(`ERR bad call script: ${"a".repeat(40)}, on @user_script:3.`),
    );
    expect(JSON.stringify(failure)).not.toContain("aaaa");
  });

  it("takes what is no error for a lost answer", () => {
    expect(classify(undefined).kind).toBe("lost");
  });
});
