/**
 * bus: at most once, in order per publisher, and a request ends with its own answer or a reason.
 */
import { isQuorateError, type MessageBus } from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, Workers } from "../scenario.ts";

/** Two publishers, two subscribers, two who answer questions in one queue, and one who asks. */
export const bus: Scenario = {
  name: "bus",
  claim: "messages come at most once and in order; a request is answered, or told why not",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { heard: 5, answered: 2 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const questions = new Questions(sim);
    sim.process("publisher", {
      count: 2,
      main: async (process) => {
        const { bus: ours } = store.backend(process);
        let count = 0;
        await workers.forEver(process, async () => {
          count += 1;
          await ours.publish(`news/${process.name}`, bytes(`${process.incarnation}.${count}`));
        });
      },
    });
    sim.process("subscriber", {
      count: 2,
      main: (process) => listen(sim, process, store.backend(process).bus),
    });
    sim.process("answerer", {
      count: 2,
      main: (process) => answer(process, store.backend(process).bus, questions),
    });
    sim.process("asker", {
      count: 2,
      main: async (process) => {
        const { bus: ours } = store.backend(process);
        await workers.forEver(process, () => ask(process, ours, questions));
      },
    });
  },
};

/** Which questions were asked, handled, and told to have reached nobody. */
class Questions {
  readonly #sim: World;
  readonly #handled = new Set<string>();
  readonly #reachedNobody = new Set<string>();

  constructor(sim: World) {
    this.#sim = sim;
  }

  handles(question: string): void {
    if (this.#handled.has(question)) {
      this.#sim.fail("at most once", `question ${question} was handled twice`);
    }
    this.#handled.add(question);
    this.#judge(question);
  }

  hadNobody(question: string): void {
    this.#reachedNobody.add(question);
    this.#judge(question);
  }

  #judge(question: string): void {
    if (!this.#handled.has(question) || !this.#reachedNobody.has(question)) return;
    this.#sim.fail("NO_RESPONDERS means nobody", `question ${question} was handled all the same`);
  }
}

async function listen(sim: World, process: SimProcess, ours: MessageBus): Promise<void> {
  // A publisher that was restarted is another one: what the first had sent may come after it.
  const last = new Map<string, number>();
  await subscribed(process, () =>
    ours.subscribe("news/", ({ subject, data }) => {
      const [incarnation = "", count = ""] = text(data).split(".");
      const publisher = `${subject} ${incarnation}`;
      const before = last.get(publisher) ?? 0;
      if (Number(count) <= before) {
        sim.fail(
          "once and in order",
          `${process.name} heard ${count} after ${before}: ${publisher}`,
        );
      }
      last.set(publisher, Number(count));
      process.mark("heard");
    }),
  );
}

async function answer(process: SimProcess, ours: MessageBus, questions: Questions): Promise<void> {
  await subscribed(process, () =>
    ours.subscribe(
      "questions",
      async (message) => {
        questions.handles(text(message.data));
        // A lost link takes the answer with it; the asker learns it by its timeout.
        await message.respond?.(message.data).catch(() => process.mark("answer lost"));
      },
      { queue: "answerers" },
    ),
  );
}

async function ask(process: SimProcess, ours: MessageBus, questions: Questions): Promise<void> {
  await process.sleep(process.runtime.random.next() * 500);
  const question = process.runtime.ids.operation();
  try {
    const { data } = await ours.request("questions", bytes(question), { timeoutMs: 2_000 });
    if (text(data) !== question) throw new Error(`${question} was answered with ${text(data)}`);
    process.mark("answered");
  } catch (error) {
    if (isQuorateError(error, "NO_RESPONDERS")) questions.hadNobody(question);
    throw error;
  }
}

/** Subscribes, trying again until it works; the subscription then outlives every reconnect. */
async function subscribed(process: SimProcess, subscribe: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await subscribe();
      return;
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      await process.sleep(200);
    }
  }
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(data: Uint8Array): string {
  return Buffer.from(data).toString();
}
