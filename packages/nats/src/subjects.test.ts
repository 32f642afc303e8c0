import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collectionFilter, filterOf, nameOf, Subjects, subjectOf } from "./subjects.ts";

const segment = fc
  .string({ unit: "binary", minLength: 1, maxLength: 20 })
  // oxlint-disable-next-line no-control-regex -- names and values have none
  .filter((text) => !/[\u0000-\u001f\u007f-\u009f/]/.test(text));
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

describe("subjects", () => {
  it("of a namespace are where the head of the file says", () => {
    const subjects = new Subjects("orders", undefined);
    expect(subjects.ofStream).toEqual(["orders.kv.>", "orders.l.>", "orders.t"]);
    expect(subjects.streamName).toBe("QUORATE_orders");
    expect(subjectOf(subjects.kv, "a/b c")).toBe("orders.kv.a.b=20c");
    expect(filterOf(subjects.kv, "")).toBe("orders.kv.>");
    expect(filterOf(subjects.kv, "a/")).toBe("orders.kv.a.>");
    expect(filterOf(subjects.kv, "a")).toBe("orders.kv.a");
    expect(collectionFilter(subjects.kv, "")).toBe("orders.kv.*");
    expect(collectionFilter(subjects.kv, "a/b")).toBe("orders.kv.a.b.*");
    expect(subjects.busTarget("a/")).toBe("orders.b.a.>");
  });

  it("have no wildcard and no blank, begin with the namespace, and can be read back", () => {
    fc.assert(
      fc.property(name, name, (namespace, key) => {
        const subjects = new Subjects(namespace, undefined);
        const subject = subjectOf(subjects.kv, key);
        expect(subject).toMatch(/^[0-9A-Za-z_:=-]+\.kv\.[0-9A-Za-z_:=.-]+$/);
        expect(subject.split(".").length).toBe(2 + key.split("/").length);
        expect(nameOf(subjects.kv, subject)).toBe(key);
        expect(subjects.busName(subjects.bus(key))).toBe(key);
      }),
    );
  });

  it("of two namespaces never meet", () => {
    fc.assert(
      fc.property(name, name, name, name, (one, other, left, right) => {
        fc.pre(one !== other);
        const [a, b] = [new Subjects(one, undefined), new Subjects(other, undefined)];
        expect(subjectOf(a.kv, left)).not.toBe(subjectOf(b.kv, right));
        expect(subjectOf(a.kv, left).startsWith(b.kv.root)).toBe(false);
        expect(a.streamName).not.toBe(b.streamName);
      }),
    );
    const nested = new Subjects("a/kv", undefined);
    expect(subjectOf(nested.kv, "x").startsWith(new Subjects("a", undefined).kv.root)).toBe(false);
  });

  it("that the encoder never makes are nobody's", () => {
    const { kv } = new Subjects("n", undefined);
    for (const subject of ["n.kv.a..b", "n.kv.=2e", "n.kv.=41", "m.kv.a", "n.l.a", "n.kv."]) {
      expect(nameOf(kv, subject)).toBeUndefined();
    }
  });
});

describe("inboxes", () => {
  it("are ours by their form: anything else gets no answer", () => {
    const subjects = new Subjects("n", undefined);
    expect(subjects.isInbox(`${subjects.inbox("0123456789abcdefghijkl")}1z`)).toBe(true);
    for (const subject of [
      "n.kv.a",
      "n.i.x.1",
      "n.i.0123456789abcdefghijkl.",
      "n.i.0123456789abcdefghijkl.1.2",
      "n.i.0123456789abcdefghijkl.*",
      "m.i.0123456789abcdefghijkl.1",
      "_INBOX.0123456789abcdefghijkl.1",
      "$JS.API.STREAM.DELETE.QUORATE_n",
    ]) {
      expect(subjects.isInbox(subject)).toBe(false);
    }
  });
});
