/**
 * Three candidates of one contender, each a real process: to be told, stopped, continued, killed.
 */
import { type ChildProcess, fork } from "node:child_process";

import { nowMs, sleep } from "../harness/clock.ts";
import type { ElectionId } from "./contender.ts";

/** What a candidate can be told. */
export type CandidateOrder = "resign" | "stand" | "fail-next-command" | "ask";

/** What a candidate tells. Times by `nowMs`. */
export type CandidateNews =
  | { readonly kind: "ready" }
  | { readonly kind: "elected"; readonly atMs: number }
  | { readonly kind: "resigned"; readonly calledMs: number }
  | { readonly kind: "resumed"; readonly first: boolean; readonly later: boolean }
  | { readonly kind: "belief"; readonly leads: boolean };

type NewsOf<K extends CandidateNews["kind"]> = Extract<CandidateNews, { kind: K }>;

/** How candidates are started. */
export interface CandidatesOptions {
  readonly id: ElectionId;
  readonly url: string;
  readonly name: string;
  readonly ttlMs: number;
}

const COUNT = 3;
/** Nothing that is measured takes as long, nor does starting a process on a busy machine. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 2;
const WORKER = new URL("../election.worker.ts", import.meta.url);

/** One candidate's process. */
class CandidateProcess {
  readonly child: ChildProcess;
  readonly #news: CandidateNews[] = [];

  constructor({ id, url, name, ttlMs }: CandidatesOptions) {
    this.child = fork(WORKER, [id, url, name, String(ttlMs)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (news: CandidateNews) => void this.#news.push(news));
  }

  tell(order: CandidateOrder): void {
    this.child.send(order);
  }

  /** The oldest news of a kind, taken; those told before `sinceMs` are dropped. */
  take<K extends CandidateNews["kind"]>(kind: K, sinceMs = 0): NewsOf<K> | undefined {
    for (;;) {
      const index = this.#news.findIndex((news) => news.kind === kind);
      if (index < 0) return undefined;
      const news = this.#news.splice(index, 1)[0] as NewsOf<K>;
      if (!("atMs" in news) || news.atMs >= sinceMs) return news;
    }
  }

  /** The next news of a kind. */
  next<K extends CandidateNews["kind"]>(kind: K): Promise<NewsOf<K>> {
    return soon(`no candidate was ${kind}`, () => this.take(kind));
  }
}

/** What `look` finds, once it finds something. Times are the workers', so looking may be late. */
async function soon<T>(otherwise: string, look: () => T | undefined): Promise<T> {
  const endMs = nowMs() + PATIENCE_MS;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (nowMs() > endMs) throw new Error(`${otherwise} within ${PATIENCE_MS} ms`);
    await sleep(LOOK_MS);
  }
}

/** The candidates of one contender. */
export class Candidates {
  readonly #options: CandidatesOptions;
  #processes: CandidateProcess[] = [];

  private constructor(options: CandidatesOptions) {
    this.#options = options;
  }

  /** Starts three, and waits until one leads. */
  static async start(options: CandidatesOptions): Promise<Candidates> {
    const candidates = new Candidates(options);
    await Promise.all(Array.from({ length: COUNT }, () => candidates.#add()));
    await candidates.#leader();
    return candidates;
  }

  /** The leader resigns; how long until another was told that it leads. */
  async handOver(): Promise<number> {
    const old = await this.#leader();
    const sinceMs = nowMs();
    old.tell("resign");
    const [{ calledMs }, { atMs }] = await Promise.all([
      old.next("resigned"),
      this.#elected(old, sinceMs),
    ]);
    old.tell("stand");
    return atMs - calledMs;
  }

  /** The leader is killed; how long until another was told that it leads. */
  async crash(): Promise<number> {
    const old = await this.#leader();
    const killedMs = nowMs();
    this.#end(old);
    return (await this.#elected(old, killedMs)).atMs - killedMs;
  }

  /** Another takes the place of the one that crashed. */
  refill(): Promise<void> {
    return this.#add();
  }

  /** The leader stands still until another leads; what it believes when it goes on. */
  async standStill(forMs: number): Promise<NewsOf<"resumed">> {
    const old = await this.#leader();
    old.child.kill("SIGSTOP");
    await sleep(forMs);
    old.child.kill("SIGCONT");
    return old.next("resumed");
  }

  /** One command of the leader fails; how many believe `laterMs` later. */
  async failedRenewal(laterMs: number): Promise<number> {
    (await this.#leader()).tell("fail-next-command");
    await sleep(laterMs);
    return (await this.#believers()).length;
  }

  /** Ends all processes. */
  close(): void {
    for (const candidate of [...this.#processes]) this.#end(candidate);
  }

  async #add(): Promise<void> {
    const candidate = new CandidateProcess(this.#options);
    this.#processes.push(candidate);
    await candidate.next("ready");
  }

  #end(candidate: CandidateProcess): void {
    candidate.child.kill("SIGKILL");
    this.#processes = this.#processes.filter((one) => one !== candidate);
  }

  #elected(old: CandidateProcess, sinceMs: number): Promise<NewsOf<"elected">> {
    const others = this.#processes.filter((one) => one !== old);
    return soon("nobody was elected", () => {
      const news = others.map((one) => one.take("elected", sinceMs));
      return news.find((one) => one !== undefined);
    });
  }

  async #believers(): Promise<readonly CandidateProcess[]> {
    const asked = this.#processes.map(async (candidate) => {
      candidate.tell("ask");
      return (await candidate.next("belief")).leads ? [candidate] : [];
    });
    return (await Promise.all(asked)).flat();
  }

  async #leader(): Promise<CandidateProcess> {
    for (let turn = 0; turn < PATIENCE_MS / 20; turn++) {
      const [only, ...more] = await this.#believers();
      if (only !== undefined && more.length === 0) return only;
      await sleep(20);
    }
    throw new Error(`no one leader of ${this.#options.id} within ${PATIENCE_MS} ms`);
  }
}
