/**
 * `demo saga`: the worker is killed in the middle, on the way forward and on the way back; each
 * order is complete or undone in the end, and nothing was charged twice.
 */
import { deferred, type Deferred, type Ms, refuse } from "@quorate/core";
import { saga, type Saga } from "@quorate/transaction";
import type { Actor, Claim, Demo, Pod, Stage, Word } from "./story.ts";

const LEASE_MS: Ms = 1_000;
const PODS = ["pod-1", "pod-2", "pod-3"];
const DECLINED = "order-2";

/** A fine order, and one whose card is declined. */
function orderOf(pod: Pod): Saga<string, Word> {
  const act =
    (what: string) =>
    async ({ input, key }: { readonly input: string; readonly key: string }): Promise<Word> => {
      const answer = await pod.ask(what, { order: input, key });
      if (answer === "declined") throw refuse("card-declined");
      return answer;
    };
  const undo =
    (what: string) =>
    async ({ input, key }: { readonly input: string; readonly key: string }): Promise<void> => {
      await pod.ask(what, { order: input, key });
    };
  return saga("order", { version: 1, input: (input: string) => input })
    .step("reserve", { run: act("reserve"), undo: undo("give back") })
    .step("charge", { run: act("charge"), undo: undo("refund") })
    .pivot("ship", { run: act("ship") })
    .returns(({ out }) => out.ship);
}

/** The demo. */
export const sagaDemo: Demo = {
  name: "saga",
  summary: "the worker is killed half way: the order is completed, or undone, by another",
  next: "quorate demo rpc",
  options: { worker: { leaseMs: LEASE_MS } },

  async role(pod) {
    const order = orderOf(pod);
    pod.q.sagas.serve(order);
    for (;;) {
      const id = await Promise.race([pod.ask("next order"), pod.dismissed.then(() => null)]);
      if (typeof id !== "string") return;
      await pod.q.sagas.start(order, { id, input: id });
    }
  },

  async tell(stage): Promise<readonly Claim[]> {
    const shop = new Shop(stage);
    await shop.open();
    const first = await shop.sell("order-1", "charge");
    const second = await shop.sell(DECLINED, "give back");
    await shop.close();
    const { effects } = shop;
    return [
      { claim: "order-1 is done, by another than began it", isKept: first === "done" },
      { claim: "its card was charged once", isKept: effects.get("charge order-1") === 1 },
      { claim: "and it was shipped once", isKept: effects.get("ship order-1") === 1 },
      { claim: "order-2 was declined, and is undone", isKept: second === "compensated" },
      {
        claim: "what was reserved for it was given back, once",
        isKept:
          effects.get("reserve order-2") === 1 &&
          effects.get("give back order-2") === 1 &&
          effects.get("ship order-2") === undefined,
      },
    ];
  },
};

/** Shelves, cards and parcels: each does what it is asked once per key. */
class Shop {
  /** How often each thing took effect. */
  readonly effects = new Map<string, number>();
  readonly #stage: Stage;
  readonly #keys = new Set<string>();
  readonly #pods = new Map<string, Actor>();
  readonly #idle = new Map<string, Deferred<Word>>();
  #fatal: string | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async open(): Promise<void> {
    this.#stage.answer((who, what, word) => this.#answer(who, what, word));
    const started = await Promise.all(PODS.map((name) => this.#stage.start(name)));
    for (const pod of started) this.#pods.set(pod.name, pod);
  }

  async close(): Promise<void> {
    for (const pod of this.#pods.values()) await pod.dismiss();
  }

  /** Sells `order`; whoever does `fatal` for it is killed before it hears that it was done. */
  async sell(order: string, fatal: string): Promise<string> {
    this.#fatal = `${fatal} ${order}`;
    const [seller = ""] = this.#pods.keys();
    this.#stage.say(`${seller} sells ${order}`);
    this.#idle.get(seller)?.resolve(order);
    const state = await this.#stage.until(`the end of ${order}`, this.#end(order));
    this.#stage.say(`${order} is ${state}`);
    return state;
  }

  async #end(order: string): Promise<string> {
    for await (const found of this.#stage.q.sagas.watch(order)) {
      if (found?.state === "done" || found?.state === "compensated") return found.state;
    }
    return "gone";
  }

  async #answer(who: string, what: string, word: Word): Promise<Word> {
    if (what === "next order") {
      const idle = deferred<Word>();
      this.#idle.set(who, idle);
      return idle.promise;
    }
    const { order, key } = word as { order: string; key: string };
    if (what === "charge" && order === DECLINED) {
      this.#stage.say(`${who}  charge ${order}: declined`);
      return "declined";
    }
    const isNew = !this.#keys.has(key);
    this.#keys.add(key);
    const effect = `${what} ${order}`;
    if (isNew) this.effects.set(effect, (this.effects.get(effect) ?? 0) + 1);
    const known = isNew ? "" : " again: known by its key, nothing is done twice";
    if (this.#fatal === effect) {
      this.#fatal = undefined;
      this.#stage.say(`${who}  ${effect}…  ✗ kill -9 ${who}, before it hears the answer`);
      await this.#pods.get(who)?.kill();
      this.#pods.delete(who);
      return null;
    }
    this.#stage.say(`${who}  ${effect}${known}`);
    return `${what}: ${key}`;
  }
}
