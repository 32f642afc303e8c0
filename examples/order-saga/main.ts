/**
 * An order over three services, whose coordinator dies half way: it is undone by another, wholly.
 *
 * An order reserves goods, charges a card and books a courier, each by a typed call over the bus.
 * The first order is delivered. Of the second, goods and money are taken when its coordinator is
 * killed: it has the courier's answer and has not written it down. Another coordinator finds the
 * saga, asks again with the same key, is given the same answer, that nobody drives there, and
 * undoes what was done: the money goes back, then the goods.
 *
 * Garcia-Molina, Salem, "Sagas", SIGMOD 1987.
 */
import { connect, type Quorate } from "quorate";
import { deferred } from "quorate/core";
import { type Saga, saga } from "quorate/transaction";
import type { Player, Stage } from "../shared/example.ts";
import { Bank, bank, Courier, courier, order, Stock, stock, type Told } from "./services.ts";

export { bank, courier, stock };

/** The order as a saga, with this coordinator's clients. */
function placeOrder(q: Quorate, hesitate: (id: string) => Promise<void>): Saga<string, string> {
  const [goods, money, parcels] = [q.rpc.client(Stock), q.rpc.client(Bank), q.rpc.client(Courier)];
  return saga("place-order", { version: 1, input: order })
    .step("reserve", {
      run: ({ input, key, signal }) => goods.reserve(input, { key, signal }),
      undo: async ({ input, key, signal }) => void (await goods.release(input, { key, signal })),
    })
    .step("charge", {
      run: ({ input, key, signal }) => money.charge(input, { key, signal }),
      undo: async ({ input, key, signal }) => void (await money.refund(input, { key, signal })),
    })
    .pivot("book", {
      // After the answer, and before it is written down.
      run: async ({ input, key, signal }) => {
        try {
          return await parcels.book(input, { key, signal });
        } finally {
          await hesitate(input);
        }
      },
    })
    .returns(({ out }) => out.book);
}

/** Takes the orders of its note, and those of coordinators that died. */
export async function coordinator(self: Player<Told>): Promise<Quorate> {
  const q = await connect(self.engine, { ...self.options, worker: { leaseMs: 1_000 } });
  const definition = placeOrder(q, async (id) => {
    if (self.name !== "coordinator-1" || id !== "moon") return;
    await self.tell(`knows ${id}`);
    await self.freeze();
  });
  q.sagas.serve(definition);
  for (const id of self.note.split(" ").filter(Boolean)) {
    await q.sagas.start(definition, { id, input: id });
  }
  return q;
}

/** Tells it. */
export async function play({ engine, options, start, say, check }: Stage): Promise<void> {
  const told: Told[] = [];
  const answered = deferred<void>();
  const undone = deferred<void>();
  const hear = (line: Told): void => {
    told.push(line);
    if (line === "knows moon") answered.resolve();
    if (line === "released moon") undone.resolve();
  };
  const services = await Promise.all([
    start(stock, "stock-1", { hear }),
    start(bank, "bank-1", { hear }),
    start(courier, "courier-1", { hear }),
    start(coordinator, "coordinator-2", { hear }),
  ]);
  const doomed = await start(coordinator, "coordinator-1", { hear, note: "home moon" });
  await answered.promise;
  const before = told.filter((line) => line.endsWith("moon"));
  await doomed.kill();
  const killedMs = performance.now();
  say(`the order to the moon: ${before.map(verbOf).join(", ")}; its coordinator is killed`);

  await using q = await connect(engine, options);
  const ends: Record<string, string> = {};
  for (const id of ["home", "moon"]) {
    for await (const saga of q.sagas.watch(id)) {
      ends[id] = saga?.state ?? "gone";
      if (saga?.endedAtMs !== undefined) break;
    }
  }
  await undone.promise;
  const resumedMs = Math.round(performance.now() - killedMs);
  const after = told.filter((line) => line.endsWith("moon")).slice(before.length);
  say(`coordinator-2 takes it up: ${after.map(verbOf).join(", ")}; ended after ${resumedMs} ms`);

  const count = (line: Told): number => told.filter((one) => one === line).length;
  const once = (...verbs: string[]): boolean => verbs.every((verb) => count(`${verb} moon`) === 1);
  check("the order home was delivered", ends["home"] === "done" && count("refunded home") === 0);
  check("the order to the moon was undone", ends["moon"] === "compensated");
  check("its goods were taken and given back once", once("reserved", "released"));
  check("its card was charged and refunded once", once("charged", "refunded"));
  check("money went back before goods", after.join() === "refunded moon,released moon");
  check("the courier was asked once; the second coordinator got the same answer", once("asked"));
  await Promise.all(services.map((service) => service.close()));
}

function verbOf(line: Told): string {
  return line.split(" ")[0] ?? line;
}
