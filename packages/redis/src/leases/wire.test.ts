import { describe, expect, it } from "vitest";
import {
  encodeData,
  encodeOwner,
  encodeWeight,
  parsePush,
  parseRecord,
  parseReply,
  shownHolders,
} from "./wire.ts";

const NOW = "1795252092381573";
const TOKEN = "1795252092381000";
const END = "1795252093381573";

function holder(owner: string, data?: string): string {
  const facts = [encodeOwner(owner), TOKEN, END, "0", encodeWeight(2), "1000", "inbox"];
  return `\n${facts.join("\t")}\t${encodeData(data)}`;
}

describe("lease wire", () => {
  it("reads a record: holders, line, odd characters and all", () => {
    const [owner, data] = ["ö\n\t\f/%", 'a\t"b"\n\f☃'];
    const facts = [encodeOwner("w\n"), encodeWeight(1), "1", "1000", "inbox", encodeData("d")];
    const waiter = `\n${facts.join("\t")}`;
    const record = `${END}${encodeWeight(2)}${holder(owner, data)}\f${waiter}`;
    const lease = parseRecord(record);
    expect(lease.holders).toEqual([
      { owner, data, fencingToken: Number(TOKEN), endMicros: Number(END), weight: 2 },
    ]);
    expect(lease.waiters).toEqual([{ owner: "w\n", weight: 1, data: "d" }]);
  });

  it("takes a damaged record for an empty one, and a damaged holder for none", () => {
    expect(parseRecord("not ours")).toEqual({ holders: [], waiters: [] });
    expect(parseRecord(`${END}${encodeWeight(1)}\n%ZZ\tx\fy`).holders).toEqual([]);
  });

  it("hides holders whose time is over", () => {
    const { holders } = parseRecord(`${END}${encodeWeight(2)}${holder("o")}\f`);
    expect(shownHolders(holders, Number(END))).toEqual([]);
    expect(shownHolders(holders, Number(END) - 250_000)).toMatchObject([{ expiresInMs: 250 }]);
  });

  it("reads answers", () => {
    const fencingToken = Number(TOKEN);
    expect(parseReply(`${NOW}G${TOKEN}${END}`)).toEqual({ kind: "granted", fencingToken });
    const queued = { kind: "queued", rank: 2, soonestMicros: Number(END) };
    expect(parseReply(`${NOW}Q2${END}`)).toEqual(queued);
    expect(parseReply(`${NOW}N${holder("o")}`)).toMatchObject({ holders: [{ owner: "o" }] });
    expect(parseReply(`${NOW}N`)).toEqual({ kind: "renewed" });
    expect(parseReply(`${NOW}R`)).toEqual({ kind: "released" });
    expect(parseReply(`${NOW}E`)).toEqual({ kind: "ended" });
  });

  it("reads pushes, and takes others' words for none", () => {
    const push = `G\tname\towner\t${TOKEN}\t${END}\t${NOW}`;
    expect(parsePush(Buffer.from(push))).toMatchObject({ kind: "granted", field: "name" });
    expect(parsePush(Buffer.from("P"))).toEqual({ kind: "ping" });
    expect(parsePush(Buffer.from("nonsense"))).toBeUndefined();
    expect(parsePush(Buffer.from("Z\ta\tb"))).toBeUndefined();
  });
});
