import { describe, expect, it } from "vitest";
import { checkConnection, checkOptions, type NatsBackendOptions } from "./options.ts";

describe("options", () => {
  it("have defaults", () => {
    expect(checkOptions({})).toMatchObject({
      namespace: "quorate",
      requestTimeoutMs: 5_000,
      choice: { replicas: undefined, storage: undefined },
      apiPrefix: "$JS.API",
    });
  });

  it.each([
    ["namespace", { namespace: "" }],
    ["namespace", { namespace: "_INBOX" }],
    ["namespace", { namespace: "n".repeat(65) }],
    ["replicas", { replicas: 2 }],
    ["replicas", { replicas: "3" }],
    ["storage", { storage: "disk" }],
    ["streamName", { streamName: "a.b" }],
    ["streamName", { streamName: "*" }],
    ["apiPrefix", { apiPrefix: "$JS.>" }],
    ["apiPrefix", { apiPrefix: "" }],
    ["requestTimeoutMs", { requestTimeoutMs: 0 }],
    ["options.replica", { replica: 3 }],
  ])("are refused by name: %s of %j", (option, options) => {
    expect(() => checkOptions(options as NatsBackendOptions)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: { option, value: expect.any(String) },
      }),
    );
  });

  it("are refused where the connection is none", () => {
    for (const connection of [undefined, null, {}, "nats://localhost"]) {
      expect(() => checkConnection(connection as never)).toThrow("made by connect()");
    }
  });
});
