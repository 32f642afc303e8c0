/**
 * `demo lock`: a holder is frozen beyond its lease, wakes up and writes; the guard refuses it.
 */
import { type Deferred, deferred, isQuorateError, type Ms } from "@quorate/core";
import type { Claim, Demo, Pod, Stage, Word } from "./story.ts";

const PODS = ["pod-1", "pod-2"];
const TTL_MS: Ms = 1_000;
const KEY = "report";

/** The demo. */
export const lockDemo: Demo = {
  name: "lock",
  summary: "a holder freezes beyond its lease, wakes up and writes: the guard refuses it",
  next: "quorate demo idempotency",
  options: { lock: { ttlMs: TTL_MS } },

  async role(pod) {
    await pod.ask("line up");
    const lock = await pod.q.lock.acquire(KEY, { label: pod.name });
    const token = lock.fencingToken;
    await pod.ask("holds", token);
    if (pod.name === "pod-1") await pod.freeze();
    // What a careless program does: it never looks at its lock again.
    await pod.ask("wrote", await writeAs(pod, token));
    await lock.release().catch(() => {});
    await pod.dismissed;
  },

  async tell(stage): Promise<readonly Claim[]> {
    const scene = new Scene(stage);
    stage.answer((who, what, word) => scene.answer(who, what, word));
    const [sleeper, ...others] = await Promise.all(PODS.map((name) => stage.start(name)));
    await stage.until("the first holder", scene.play("pod-1"));
    stage.say(`pod-2 asks for ${KEY}; the lease of pod-1 is over after ${TTL_MS} ms`);
    await stage.until("the second write", scene.play("pod-2"));
    stage.say("pod-1 wakes up, and believes that it holds");
    sleeper?.thaw();
    await stage.until("the late write", scene.late.promise);
    for (const pod of [sleeper, ...others]) await pod?.dismiss();
    const { file, tokens, refusals } = scene;
    return [
      {
        claim: "the second holder's token is greater",
        isKept: (tokens.get("pod-2") ?? 0) > (tokens.get("pod-1") ?? Infinity),
      },
      { claim: "the second holder's write was taken", isKept: refusals.get("pod-2") === null },
      {
        claim: "the late write was refused: STALE_TOKEN",
        isKept: refusals.get("pod-1") === "STALE_TOKEN",
      },
      { claim: "the file has one line, of pod-2", isKept: file.join() === "pod-2" },
    ];
  },
};

/** What the two do, one after the other. */
class Scene {
  readonly file: string[] = [];
  readonly tokens = new Map<string, number>();
  readonly refusals = new Map<string, Word>();
  /** The late write has been answered. */
  readonly late: Deferred<void> = deferred();
  readonly #stage: Stage;
  readonly #turns = new Map(PODS.map((name) => [name, deferred<null>()]));
  readonly #played = new Map(PODS.map((name) => [name, deferred<void>()]));

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Lets one go on; resolves when pod-1 holds and sleeps, when pod-2 has written. */
  async play(name: string): Promise<void> {
    this.#turns.get(name)?.resolve(null);
    await this.#played.get(name)?.promise;
  }

  answer(who: string, what: string, word: Word): Word | Promise<Word> {
    if (what === "line up") return this.#turns.get(who)?.promise ?? null;
    if (what === "line") this.file.push(who);
    if (what === "holds") this.#holds(who, Number(word));
    if (what === "wrote") this.#wrote(who, word);
    return null;
  }

  #holds(who: string, token: number): void {
    this.tokens.set(who, token);
    const isSleeper = who === "pod-1";
    this.#stage.say(`${who} holds ${KEY}, token ${token}${isSleeper ? ", and freezes" : ""}`);
    if (isSleeper) this.#played.get(who)?.resolve();
  }

  #wrote(who: string, refused: Word): void {
    this.refusals.set(who, refused);
    const answer = refused === null ? "taken" : `✗ refused, ${JSON.stringify(refused)}`;
    this.#stage.say(`${who} writes with token ${this.tokens.get(who)}: ${answer}`);
    if (who === "pod-1") this.late.resolve();
    else this.#played.get(who)?.resolve();
  }
}

/** `null`: it was written; else why not. */
async function writeAs(pod: Pod, token: number): Promise<string | null> {
  try {
    await pod.q.guard.admit(KEY, token);
    await pod.ask("line");
    return null;
  } catch (error) {
    return isQuorateError(error) ? error.code : String(error);
  }
}
