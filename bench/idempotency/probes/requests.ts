/** Probes of what makes two requests one: keys, payloads, users. */
import { isDeepStrictEqual } from "node:util";

import { counted, finding, outcomeOf, type Probe, told } from "./probe.ts";

/** `work` that answers with what is in the payload now. */
const echo = (payload: unknown): unknown => ({ saw: Object.keys(payload as object) });

const honestReplay: Probe = {
  title: "the same request again",
  async run(stage) {
    const service = await stage.session();
    const { runs, work } = counted(() => ({ paid: 5 }));
    const request = stage.request({ cents: 5 });
    const first = await outcomeOf(service.run(request, work));
    const again = await outcomeOf(service.run({ ...request, payload: { cents: 5 } }, work));
    const same = isDeepStrictEqual(first, again) && first.kind === "answer";
    return finding(!same || runs() !== 1, `${told(again)} after ${told(first)}, ${runs()} run(s)`);
  },
};

const keyOrder: Probe = {
  title: "the same payload, members in another order",
  async run(stage) {
    const service = await stage.session();
    const { runs, work } = counted(() => "paid");
    const request = stage.request({ a: 1, A: 2, deep: { x: 1, y: [{ p: 1, q: 2 }] } });
    await service.run(request, work);
    const payload = { deep: { y: [{ q: 2, p: 1 }], x: 1 }, A: 2, a: 1 };
    const again = await outcomeOf(service.run({ ...request, payload }, work));
    return finding(again.kind !== "answer" || runs() !== 1, `${told(again)}, ${runs()} run(s)`);
  },
};

/** Two payloads that differ, and that JSON.stringify makes one of. */
function confused(title: string, one: unknown, other: unknown): Probe {
  return {
    title,
    async run(stage) {
      const service = await stage.session();
      const request = stage.request(one);
      const first = await outcomeOf(service.run(request, () => "answer to the first"));
      const second = await outcomeOf(
        service.run({ ...request, payload: other }, () => "answer to the second"),
      );
      const mixed = second.kind === "answer" && second.value === "answer to the first";
      return finding(mixed, `${told(first)}, then ${told(second)}`);
    },
  };
}

const mutatedArgument: Probe = {
  title: "the work changes its argument",
  async run(stage) {
    const service = await stage.session();
    const { runs, work } = counted((payload) => {
      (payload as { cents: number }).cents = 0;
      return echo(payload);
    });
    const request = stage.request();
    await outcomeOf(service.run({ ...request, payload: { cents: 5 } }, work));
    const again = await outcomeOf(service.run({ ...request, payload: { cents: 5 } }, work));
    return finding(again.kind !== "answer" || runs() !== 1, `${told(again)}, ${runs()} run(s)`);
  },
};

const otherUser: Probe = {
  title: "another user with the same key",
  async run(stage) {
    const service = await stage.session();
    const request = stage.request();
    await service.run(request, () => "ann's answer");
    const other = await outcomeOf(service.run({ ...request, user: "bob" }, () => "bob's answer"));
    return finding(other.kind === "answer" && other.value === "ann's answer", told(other));
  },
};

const mismatchInFlight: Probe = {
  title: "another payload while the first is at work",
  exempt: ({ keyIsPayload }) =>
    keyIsPayload === true ? "another payload is another operation" : undefined,
  async run(stage) {
    const service = await stage.session();
    const { runs, work } = counted(() => "of the other");
    const request = stage.request({ cents: 5 });
    let finish = (_: unknown): void => {};
    const gate = new Promise((resolve) => (finish = resolve));
    const first = service.run(request, () => gate);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const during = await outcomeOf(service.run({ ...request, payload: { cents: 6 } }, work));
    finish("paid");
    await outcomeOf(first);
    const after = await outcomeOf(service.run({ ...request, payload: { cents: 6 } }, work));
    // Whoever is told "in progress" comes back, for a request that can never succeed.
    const sameWord = during.kind === "error" && told(during) === told(after);
    return finding(
      !sameWord || runs() > 0,
      `${told(during)}, and when it had ended ${told(after)}`,
    );
  },
};

/** In the order of the table. */
export const REQUEST_PROBES: readonly Probe[] = [
  honestReplay,
  keyOrder,
  confused("Set([1]), then Set([2])", { ids: new Set([1]) }, { ids: new Set([2]) }),
  confused("NaN, then null", { rate: Number.NaN }, { rate: null }),
  mutatedArgument,
  otherUser,
  mismatchInFlight,
];
