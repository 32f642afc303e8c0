import { describe, expect, it } from "vitest";
import { parsePlace } from "./delivery.ts";

describe("the place of a delivered message", () => {
  it("is read from both forms that servers use", () => {
    const place = { streamSeq: 42, consumerSeq: 7, stampMs: 1_795_000_000_123.456, pending: 3 };
    const tail = "1.42.7.1795000000123456000.3";
    expect(parsePlace(`$JS.ACK.QUORATE_n.consumer.${tail}`)).toEqual(place);
    expect(parsePlace(`$JS.ACK.hub.hash.QUORATE_n.consumer.${tail}`)).toEqual(place);
    expect(parsePlace(`$JS.ACK.hub.hash.QUORATE_n.consumer.${tail}.token`)).toEqual(place);
  });

  it.each(["", "a.b", "$JS.ACK.s.c.1.2.3.4", "$JS.ACK.s.c.1.x.3.4.5", "_INBOX.s.c.1.2.3.4.5.6"])(
    "is not read from %j",
    (reply) => expect(parsePlace(reply)).toBeUndefined(),
  );
});
