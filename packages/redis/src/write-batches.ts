/**
 * Writes to a connection, gathered: what is sent in one turn leaves in few of them.
 *
 * Each write is a system call, so a turn that sends many commands should make few. All in one would
 * make both ends wait for each other: the server idles while the turn's commands are made, and the
 * client while they are carried out. So the first command leaves at once, and each write after it
 * has up to twice as many as the one before: the server is always at work, and most commands cost
 * no call of their own.
 *
 * Guarantees: order; what was sent in a turn has left at its end.
 */
import type { RedisLike } from "./client.ts";

/** Most commands of one write. */
const MOST = 8;

/** A connection that can hold back what is written to it. */
type Corkable = NonNullable<RedisLike["stream"]>;

/** Gathers the commands of one connection. */
export class WriteBatches {
  #corked: Corkable | undefined;
  /** How many the write at hand may have; 0: nothing was sent in this turn. */
  #size = 0;
  #gathered = 0;

  /** A command is about to be written to `stream`. */
  begin(stream: Corkable | undefined): void {
    if (this.#corked !== undefined || stream?.cork === undefined) return;
    this.#corked = stream;
    stream.cork();
    if (this.#size > 0) return;
    this.#size = 1;
    process.nextTick(() => {
      this.#size = 0;
      this.#leave();
    });
  }

  /** It was written. */
  end(): void {
    if (this.#corked === undefined) return;
    this.#gathered += 1;
    if (this.#gathered < this.#size) return;
    this.#size = Math.min(this.#size * 2, MOST);
    this.#leave();
  }

  #leave(): void {
    this.#gathered = 0;
    const stream = this.#corked;
    this.#corked = undefined;
    stream?.uncork?.();
  }
}
