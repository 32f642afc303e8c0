import { describe, expect, it } from "vitest";
import type { JsonObject } from "./jetstream/answers.ts";
import { judgeConfig, streamConfig } from "./stream-config.ts";
import { Subjects } from "./subjects.ts";

const subjects = new Subjects("n", undefined);
const open = { replicas: undefined, storage: undefined };
const made = (version: string): JsonObject => streamConfig(subjects, open, version) as JsonObject;

describe("the stream's configuration", () => {
  it("asks for per-message TTL only where the server has it", () => {
    expect(made("2.10.27")).not.toHaveProperty("allow_msg_ttl");
    expect(made("2.11.0")).toMatchObject({ allow_msg_ttl: true });
  });

  it("will do as we make it, on any version", () => {
    expect(judgeConfig(made("2.9.10"), subjects, open)).toEqual({
      replicas: 1,
      storage: "file",
      sweepsByTtl: false,
    });
    expect(judgeConfig(made("2.15.1"), subjects, open).sweepsByTtl).toBe(true);
  });

  it.each([
    [{ subjects: ["n.kv.>", "n.t"] }, "n.l.>"],
    [{ max_msgs_per_subject: -1 }, "max_msgs_per_subject"],
    [{ retention: "workqueue" }, "retention"],
    [{ max_age: 1 }, "max_age"],
    [{ max_bytes: 1_000, discard: "old" }, "discard"],
    [{ deny_delete: true }, "deny_delete"],
    [{ sealed: true }, "sealed"],
    [{ no_ack: true }, "no_ack"],
    [{ mirror: { name: "other" } }, "mirror"],
    [{ republish: { dest: "copy.>" } }, "republish"],
    [{ subject_transform: { src: ">", dest: "x.>" } }, "transforms"],
  ] as [JsonObject, string][])("with %j will not do", (change, word) => {
    const config = { ...made("2.15.1"), ...change };
    expect(() => judgeConfig(config, subjects, open)).toThrow(word);
    expect(() => judgeConfig(config, subjects, open)).toThrow("nats stream edit QUORATE_n");
  });

  it("may be limited in size if it refuses instead of dropping", () => {
    const config = { ...made("2.15.1"), max_bytes: 1_000_000, discard: "new" };
    expect(judgeConfig(config, subjects, open).replicas).toBe(1);
  });

  it("must have the replicas and the storage that were asked for", () => {
    const config = made("2.15.1");
    expect(() => judgeConfig(config, subjects, { ...open, replicas: 3 })).toThrow("options say 3");
    expect(() => judgeConfig(config, subjects, { ...open, storage: "memory" })).toThrow("memory");
  });
});
