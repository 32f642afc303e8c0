import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NatsHeadersLike } from "./connection.ts";
import { busHeaders, parseHeaderBlock, readBusHeaders, wireHeaders } from "./headers.ts";

/** As both clients decode a header block. */
function received(block: Uint8Array): NatsHeadersLike {
  const map = new Map<string, string[]>();
  for (const [name, value] of parseHeaderBlock(Buffer.from(block).toString("utf8"))) {
    map.set(name, [value]);
  }
  return {
    code: 0,
    description: "",
    get: (name) => map.get(name)?.[0] ?? "",
    [Symbol.iterator]: () => map[Symbol.iterator](),
  };
}

describe("headers on the wire", () => {
  it("are the lines that a server expects", () => {
    const bytes = wireHeaders([
      ["Nats-Msg-Id", "a"],
      ["Q-Op", "b"],
    ]).encode();
    expect(Buffer.from(bytes).toString()).toBe("NATS/1.0\r\nNats-Msg-Id: a\r\nQ-Op: b\r\n\r\n");
  });

  it("cannot be made to begin another header", () => {
    expect(() => wireHeaders([["a", "x\r\nNats-Msg-Id: forged"]])).toThrow("printable ASCII");
    expect(() => wireHeaders([["a\r\nb", "x"]])).toThrow("printable ASCII");
  });

  it("of the bus come back as they were, whatever they say", () => {
    const value = fc
      .string({ unit: "binary", maxLength: 40 })
      // oxlint-disable-next-line no-control-regex -- names and values have none
      .filter((text) => !/[\u0000-\u001f\u007f-\u009f]/.test(text));
    const names = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
    fc.assert(
      fc.property(fc.dictionary(names, value, { maxKeys: 8 }), (headers) => {
        const wire = busHeaders(headers);
        const back = wire === undefined ? {} : readBusHeaders(received(wire.encode()));
        expect({ ...back }).toEqual({ ...headers });
      }),
    );
  });

  it("that are not ours, or damaged, are left out", () => {
    const block = Buffer.from(
      "NATS/1.0\r\nNats-X: 1\r\nq-ok: yes\r\nq-bad: %E0%A4\r\nQ-Op: z\r\n\r\n",
    );
    expect({ ...readBusHeaders(received(block)) }).toEqual({ ok: "yes" });
    expect({ ...readBusHeaders(undefined) }).toEqual({});
  });

  it("of a stored message are read up to the first of a name", () => {
    const headers = parseHeaderBlock(
      "NATS/1.0\r\nA: 1\r\nA: 2\r\nno colon\r\n: empty\r\nB:  3 \r\n\r\n",
    );
    expect([...headers]).toEqual([
      ["A", "1"],
      ["B", "3"],
    ]);
  });
});
