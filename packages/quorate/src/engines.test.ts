import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { type EngineModule, openEngine } from "./engines.ts";

const missing = (...names: readonly EngineModule[]) => {
  const asked: string[] = [];
  const load = async (specifier: EngineModule): Promise<unknown> => {
    asked.push(specifier);
    if (names.includes(specifier)) {
      throw Object.assign(new Error(`Cannot find ${specifier}`), { code: "ERR_MODULE_NOT_FOUND" });
    }
    return { connect: () => Promise.reject(new Error("nats://bob:secret@h:4222 refused")) };
  };
  return { load, asked };
};

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail("it opened"),
    (error: unknown) => error,
  );

describe("an engine by its URL", () => {
  it("is memory, with nothing installed", async () => {
    const { load, asked } = missing();
    const engine = await openEngine("memory:", {}, load);
    expect(engine.backend.name).toBe("memory");
    expect(asked).toEqual([]);
    await engine.close();
  });

  it.each([
    ["redis://h", ["@quorate/redis"], "npm install @quorate/redis ioredis"],
    ["rediss://h", ["ioredis"], "npm install @quorate/redis ioredis"],
    ["nats://h", ["@quorate/nats"], "npm install @quorate/nats @nats-io/transport-node"],
    ["tls://h", ["nats", "@nats-io/transport-node"], "npm install @quorate/nats @nats-io/"],
  ] as const)("%s says what to install where %j is missing", async (url, names, command) => {
    const error = await errorOf(openEngine(url, {}, missing(...names).load));
    expect(isQuorateError(error, "UNSUPPORTED") && error.message).toContain(command);
    expect(error).toMatchObject({ effect: "none", details: { feature: names[0] } });
  });

  it("takes the client that is called nats where the newer one is not there", async () => {
    const { load, asked } = missing("@nats-io/transport-node");
    await errorOf(openEngine("nats://h:1", {}, load));
    expect(asked).toEqual(["@quorate/nats", "@nats-io/transport-node", "nats"]);
  });

  it("hides passwords from its errors", async () => {
    const error = await errorOf(openEngine("nats://bob:secret@h:4222", {}, missing().load));
    expect(isQuorateError(error, "STORE_UNAVAILABLE") && error.details.address).toBe(
      "nats://h:4222",
    );
    expect(`${String(error)} ${String((error as Error).cause)}`).not.toContain("secret");
  });

  it.each(["", "postgres://bob:secret@h", "localhost:6379", "/tmp/redis.sock"])(
    "is refused where %j names none, by scheme alone",
    async (url) => {
      const error = await errorOf(openEngine(url, {}));
      expect(isQuorateError(error, "INVALID_ARGUMENT") && error.details.option).toBe("url");
      expect(String(error)).not.toContain("secret");
    },
  );
});
