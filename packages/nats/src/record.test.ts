import { describe, expect, it } from "vitest";
import { wireHeaders } from "./headers.ts";
import { endsAtMs, entryOf, type NewRecord, readStored, recordHeaders } from "./record.ts";

const FACTS: NewRecord = {
  operationId: "op-1",
  createdRevision: 1_795_000_000_000_014,
  ttlMs: 2_500,
  deleted: false,
};

function stored(headers: readonly (readonly [string, string])[], more: object = {}) {
  const hdrs = Buffer.from(wireHeaders(headers).encode()).toString("base64");
  const data = Buffer.from("value").toString("base64");
  const time = "1970-01-01T00:00:10.5Z";
  return readStored({ message: { subject: "n.kv.k", seq: 7, hdrs, data, time, ...more } });
}

describe("a record", () => {
  it("comes back as it was written, with the server's stamp", () => {
    expect(stored(recordHeaders({ ...FACTS, fence: "lost.0" }))).toEqual({
      kind: "record",
      record: {
        ...FACTS,
        fence: "lost.0",
        subject: "n.kv.k",
        seq: 7,
        stampMs: 10_500,
        value: Buffer.from("value"),
      },
    });
  });

  it("ends its TTL after the stamp; a tombstone always has; without TTL never", () => {
    const result = stored(recordHeaders(FACTS));
    if (result.kind !== "record") throw new Error(result.reason);
    expect(endsAtMs(result.record)).toBe(13_000);
    expect(endsAtMs({ ...result.record, ttlMs: undefined })).toBe(Infinity);
    expect(endsAtMs({ ...result.record, deleted: true })).toBe(-Infinity);
    const facts = { key: "k", revision: 40, serverMs: 12_000 };
    expect(entryOf(result.record, facts)).toMatchObject({ key: "k", expiresInMs: 1_000 });
    const forEver = entryOf({ ...result.record, ttlMs: undefined }, facts);
    expect("expiresInMs" in forEver).toBe(false);
    const first = entryOf({ ...result.record, createdRevision: undefined }, facts);
    expect(first.createdRevision).toBe(40);
  });

  it.each([
    ["no headers", []],
    ["no operation id", [["Q-Created", "1"]]],
    ["an operation id that is none", [["Q-Op", "a b"]]],
    [
      "a damaged number",
      [
        ["Q-Op", "a"],
        ["Q-Ttl", "12x"],
      ],
    ],
    [
      "a number too large",
      [
        ["Q-Op", "a"],
        ["Q-Created", "9".repeat(16)],
      ],
    ],
    [
      "a number that is none",
      [
        ["Q-Op", "a"],
        ["Q-Ttl", "-5"],
      ],
    ],
  ] as [string, [string, string][]][])("with %s is invalid, not a guess", (_what, headers) => {
    expect(stored(headers).kind).toBe("invalid");
  });

  it.each([{ subject: 7 }, { seq: "7" }, { time: "now" }, { time: undefined }])(
    "in an answer with %j is invalid",
    (more) => expect(stored(recordHeaders(FACTS), more).kind).toBe("invalid"),
  );

  it("in an answer without a message is invalid", () => {
    expect(readStored({}).kind).toBe("invalid");
    expect(readStored({ message: [] }).kind).toBe("invalid");
  });
});
