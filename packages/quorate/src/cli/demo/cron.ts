/**
 * `demo cron`: a pod dies in the middle of a tick; no tick is lost, none is done twice.
 */
import { deferred, type Ms } from "@quorate/core";
import type { Actor, Answerer, Claim, Demo, Stage } from "./story.ts";

const PODS = ["pod-1", "pod-2", "pod-3"];
const EVERY_MS: Ms = 500;
const LEASE_MS: Ms = 500;
const TICKS = 8;
/** The tick that is cut off. */
const FATAL = 3;
const JOB = "report";

interface Fire {
  readonly tick: number;
  readonly attempt: number;
}

/** What the world outside saw of the ticks. */
class Book {
  readonly done = new Map<number, number>();
  readonly whole = deferred<void>();
  fatal: { readonly tick: number; readonly atMs: Ms; readonly victim: string } | undefined;
  handOverMs: Ms | undefined;

  take({ tick }: Fire): void {
    this.done.set(tick, (this.done.get(tick) ?? 0) + 1);
    const isMended = this.fatal !== undefined && this.done.has(this.fatal.tick);
    if (this.done.size >= TICKS && isMended) this.whole.resolve();
  }

  get doubled(): number {
    return [...this.done.values()].filter((times) => times > 1).length;
  }

  /** Ticks between the first and the last that nobody did. */
  get missed(): number {
    const ticks = [...this.done.keys()];
    const span = (Math.max(...ticks) - Math.min(...ticks)) / EVERY_MS + 1;
    return span - ticks.length;
  }
}

/** The demo. */
export const cronDemo: Demo = {
  name: "cron",
  summary: "three pods, one job; the pod that runs it is killed, and no tick is lost or doubled",
  next: "quorate demo lock",
  options: { cron: { leaseMs: LEASE_MS } },

  async role(pod) {
    const work = async ({ tick, attempt }: { tick: Date; attempt: number }): Promise<void> => {
      await pod.ask("fire", { tick: tick.getTime(), attempt });
    };
    await pod.ask("line up");
    pod.q.cron.schedule(JOB, { everyMs: EVERY_MS }, work, { overlap: "queue", queueLimit: 10 });
    await pod.dismissed;
  },

  async tell(stage): Promise<readonly Claim[]> {
    const book = new Book();
    const pods = new Map<string, Actor>();
    const go = deferred<null>();
    const answer = fireAnswerer(stage, book, pods);
    stage.answer((who, what, word) => (what === "line up" ? go.promise : answer(who, what, word)));
    const started = await Promise.all(PODS.map((name) => stage.start(name)));
    for (const pod of started) pods.set(pod.name, pod);
    go.resolve(null);
    stage.say(`${PODS.join(", ")} share one job, every ${EVERY_MS} ms`);
    await stage.until(`tick ${TICKS}`, book.whole.promise);
    const { fatal } = book;
    for (const pod of pods.values()) if (pod.name !== fatal?.victim) await pod.dismiss();
    const history = await stage.q.cron.history(JOB);
    const again = history.filter(({ tick, outcome }) => {
      return tick.getTime() === fatal?.tick && outcome === "done";
    });
    stage.say(`${book.done.size} ticks, ${book.missed} missed, ${book.doubled} doubled`);
    return [
      { claim: `${TICKS} ticks or more were done`, isKept: book.done.size >= TICKS },
      { claim: "no tick was missed", isKept: book.missed === 0 },
      { claim: "no tick was done twice", isKept: book.doubled === 0 },
      {
        claim: "the tick of the killed pod was done by another, as its second attempt",
        isKept: again.length === 1 && again[0]?.attempt === 2 && again[0].by !== fatal?.victim,
      },
      {
        claim: `another pod took over after ${Math.round(book.handOverMs ?? Infinity)} ms`,
        isKept: (book.handOverMs ?? Infinity) < 10 * LEASE_MS,
      },
    ];
  },
};

function fireAnswerer(stage: Stage, book: Book, pods: ReadonlyMap<string, Actor>): Answerer {
  return async (who, _what, word) => {
    const fire = word as unknown as Fire;
    const at = new Date(fire.tick).toISOString().slice(11, 21);
    const nowMs = stage.runtime.time.monotonicMs();
    if (book.done.size >= FATAL - 1 && book.fatal === undefined) {
      book.fatal = { tick: fire.tick, atMs: nowMs, victim: who };
      stage.say(`tick ${at}  ${who}  begins…  ✗ kill -9 ${who}`);
      await pods.get(who)?.kill();
      return null;
    }
    const isHandOver = book.fatal?.tick === fire.tick && book.handOverMs === undefined;
    if (isHandOver) book.handOverMs = nowMs - (book.fatal?.atMs ?? nowMs);
    const after = isHandOver
      ? `  attempt ${fire.attempt}, ${Math.round(book.handOverMs ?? 0)} ms after the kill`
      : "";
    stage.say(`tick ${at}  ${who}${after}`);
    book.take(fire);
    return null;
  };
}
