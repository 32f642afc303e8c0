/**
 * Lanes: jobs of which several run at once, each begun at the latest when it is asked for.
 *
 * A test framework runs tests one after another, and most cases wait rather than work. So while
 * one case is being waited for, the next ones are begun ahead of their turn; when the framework
 * comes to them, they have often ended. No framework needs to know, and with one lane nothing is
 * begun ahead at all.
 *
 * Guarantees: nothing is begun ahead while `width` jobs run; a job that is asked for begins at
 * once, even if others hang; each job runs once.
 */
import { type Deferred, deferred } from "@quorate/core";

const AHEAD_PER_LANE = 4;

interface Job {
  readonly run: () => Promise<void>;
  readonly ended: Deferred<void>;
  state: "waiting" | "running" | "ended";
  isAskedFor: boolean;
}

/** Jobs in the order in which they were added, and the lanes that they run in. */
export class Lanes {
  readonly #jobs: Job[] = [];
  readonly #width: number;
  #running = 0;
  /** The job last asked for: those after it may be begun. */
  #turn = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /** Adds a job. The function returned asks for what became of it, and begins it if need be. */
  add(run: () => Promise<void>): () => Promise<void> {
    const ended = deferred<void>();
    ended.promise.catch(() => {});
    const job: Job = { run, ended, state: "waiting", isAskedFor: false };
    const index = this.#jobs.push(job) - 1;
    return () => {
      job.isAskedFor = true;
      if (job.state === "waiting") void this.#begin(job);
      this.#turn = index;
      this.#fill();
      return ended.promise;
    };
  }

  /** Resolves when what was begun, and nobody has asked for, has ended. */
  async quiet(): Promise<void> {
    const unasked = this.#jobs.filter((job) => job.state === "running" && !job.isAskedFor);
    await Promise.allSettled(unasked.map(({ ended }) => ended.promise));
  }

  #fill(): void {
    // Far enough ahead that one long job does not leave the other lanes idle.
    const ahead = this.#width === 1 ? 0 : AHEAD_PER_LANE * this.#width;
    for (const job of this.#jobs.slice(this.#turn, this.#turn + ahead)) {
      if (this.#running >= this.#width) return;
      if (job.state === "waiting") void this.#begin(job);
    }
  }

  async #begin(job: Job): Promise<void> {
    job.state = "running";
    this.#running += 1;
    await job.run().then(job.ended.resolve, job.ended.reject);
    job.state = "ended";
    this.#running -= 1;
    this.#fill();
  }
}
