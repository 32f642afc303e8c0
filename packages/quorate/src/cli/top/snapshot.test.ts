import { createLeaseMembership } from "@quorate/membership";
import { connect } from "quorate";
import { describe, expect, it } from "vitest";
import { park } from "../parked.fixture.ts";
import { forPeople, look, MOST_LEADERS, type Section } from "./snapshot.ts";

const never = new AbortController().signal;

describe("a look", () => {
  it("finds what is held, led, scheduled, stuck, in flight and alive", async () => {
    await using q = await connect("memory:", { name: "pod-1" });
    const lock = await q.lock.acquire("order/1", { label: "pod-1" });
    const waiting = q.lock.acquire("order/1");
    const term = await q.elect("boss").campaign();
    q.cron.schedule("nightly", "0 3 * * *", () => {});
    const group = createLeaseMembership(q.backend, { group: "workers", id: "pod-1" });
    await group.ready();
    let answer: (value: string) => void = () => {};
    const call = q.once.run("charge/1", () => new Promise<string>((resolve) => (answer = resolve)));
    await park(q, "park", "p-1");
    await expect
      .poll(async () => (await q.cron.list()[Symbol.asyncIterator]().next()).done)
      .toBe(false);

    const { sections, server } = await look(q, never);
    const by = new Map(sections.map((section) => [section.name, section]));
    const rows = (name: string): Section["rows"] => by.get(name)?.rows ?? [];
    expect(server).not.toBe("");
    expect(rows("locks")).toContainEqual(
      expect.objectContaining({ lock: "lock/order/1", holder: "pod-1", waiting: 1 }),
    );
    expect(rows("locks")[0]).toMatchObject({ waiting: 1 });
    expect(rows("leaders")).toMatchObject([{ election: "boss", leader: "pod-1", term: term.term }]);
    expect(rows("jobs")).toMatchObject([{ job: "nightly", next: expect.stringMatching(/^in \d/) }]);
    expect(by.get("sagas")).toMatchObject({
      isBad: true,
      rows: [{ stuck: "p-1", saga: "park v1" }],
    });
    expect(rows("idempotency")).toMatchObject([{ key: "charge/1", attempt: 1 }]);
    expect(rows("members")).toMatchObject([{ group: "workers", alive: 1, members: "pod-1" }]);

    answer("paid");
    await call;
    await lock.release();
    await (await waiting).release();
    await term.resign();
    await group.leave();
  });

  it("looks at so many and no more, and says so", async () => {
    await using q = await connect();
    const locks = Array.from({ length: MOST_LEADERS + 5 }, (_, index) =>
      q.lock.acquire(`election/e-${index}`),
    );
    const held = await Promise.all(locks);
    const { sections } = await look(q, never);
    const leaders = sections.find(({ name }) => name === "leaders");
    expect(leaders?.rows).toHaveLength(MOST_LEADERS);
    expect(leaders?.isCut).toBe(true);
    await Promise.all(held.map((lock) => lock.release()));
  });
});

it.each([
  [-5, "0 ms"],
  [12.4, "12 ms"],
  [1_500, "1.5 s"],
  [90_000, "1 min"],
  [7_200_000, "2 h"],
  [259_200_000, "3 d"],
])("%i ms are %s", (ms, text) => expect(forPeople(ms)).toBe(text));
