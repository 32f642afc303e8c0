import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isPackedAnswers,
  isPackedRequests,
  MAX_PACKED,
  packAnswers,
  packRequests,
  unpackAnswers,
  unpackRequests,
} from "./frame.ts";

const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytes = fc.uint8Array({ maxLength: 40 });
const sender = fc.stringMatching(/^[0-9a-z]{1,64}$/);

describe("a frame", () => {
  it("comes out as it went in, at whatever place of its memory it stands", () => {
    const requests = fc.record({ number, sender, messages: fc.array(bytes, { minLength: 1 }) });
    fc.assert(
      fc.property(requests, (packed) => {
        const frame = packRequests(packed);
        expect(isPackedRequests(frame)).toBe(true);
        const shifted = Buffer.concat([Buffer.alloc(3), frame]).subarray(3);
        const read = unpackRequests(shifted);
        expect(read?.messages.map((one) => [...one])).toEqual(
          packed.messages.map((one) => [...one]),
        );
        expect(read).toMatchObject({ number: packed.number, sender: packed.sender });
      }),
      { numRuns: 50 },
    );
    const answers = fc.array(fc.record({ place: fc.nat({ max: 63 }), bytes }));
    fc.assert(
      fc.property(number, answers, (count, list) => {
        const frame = packAnswers(count, list);
        expect(isPackedAnswers(frame)).toBe(true);
        const read = unpackAnswers(frame);
        expect(read?.number).toBe(count);
        expect(read?.answers.map((one) => [one.place, ...one.bytes])).toEqual(
          list.map((one) => [one.place, ...one.bytes]),
        );
      }),
      { numRuns: 50 },
    );
  });

  it("that was cut, lengthened or made up is none, and harms nobody", () => {
    const whole = packRequests({ number: 7, sender: "me", messages: [Buffer.from("{}")] });
    for (let length = 0; length < whole.length; length++) {
      const cut = unpackRequests(whole.subarray(0, length));
      // Cut behind the sender it is a frame of nothing.
      expect(cut === undefined || cut.messages.length === 0).toBe(true);
    }
    expect(unpackRequests(Buffer.concat([whole, Buffer.from([0])]))).toBeUndefined();
    const many = Array.from({ length: MAX_PACKED + 1 }, () => Buffer.from("{}"));
    expect(
      unpackRequests(packRequests({ number: 1, sender: "me", messages: many })),
    ).toBeUndefined();
    for (const name of ["", "A", "a/b", "a.b", "a*"]) {
      expect(
        unpackRequests(packRequests({ number: 1, sender: name, messages: [] })),
      ).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        unpackRequests(Buffer.from([0xb1, ...noise]));
        unpackAnswers(Buffer.from([0xb2, ...noise]));
      }),
      { numRuns: 300 },
    );
    expect(unpackAnswers(Buffer.from([0xb2, 0, 0, 0, 1, 0]))).toBeUndefined();
    expect(unpackAnswers(whole)).toBeUndefined();
  });
});
