/**
 * The way out to the user: a handler, or an async iterable; bounded, in order, one at a time.
 *
 * When `maxUnread` messages wait it asks the machine to stop, and when half of them are read to go
 * on: a slow user slows the group down instead of filling the memory. The machine may have some
 * more on its hands when it is stopped, so the bound is soft by what one step delivers.
 */
import { Feed } from "@quorate/core";

/** What an outlet is made of. */
export interface OutletOptions<T> {
  readonly handler: ((item: T) => void | Promise<void>) | undefined;
  readonly maxUnread: number;
  /** Whether the machine may deliver. */
  readonly onFlow: (isFlowing: boolean) => void;
  readonly onHandlerFailed: (error: unknown) => void;
}

/** Messages on their way to one user. */
export class Outlet<T> {
  readonly deliveries: AsyncIterableIterator<T>;
  readonly #feed = new Feed<T>();
  readonly #options: OutletOptions<T>;
  readonly #working: Promise<void>;
  #count = 0;
  #isFlowing = true;

  constructor(options: OutletOptions<T>) {
    this.#options = options;
    this.deliveries = this.#iterate();
    const { handler } = options;
    this.#working = handler === undefined ? Promise.resolve() : this.#work(handler);
  }

  get isFlowing(): boolean {
    return this.#isFlowing;
  }

  push(item: T): void {
    // A key of its own: nothing is coalesced.
    this.#feed.push(`${this.#count++}`, item);
    this.#look();
  }

  /** No more messages; resolves when the handler has ended with the one at work. */
  async close(): Promise<void> {
    await this.#feed.return();
    await this.#working;
  }

  #iterate(): AsyncIterableIterator<T> {
    const iterator: AsyncIterableIterator<T> = {
      next: async () => {
        const result = await this.#feed.next();
        this.#look();
        return result;
      },
      return: () => this.#feed.return(),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  async #work(handler: (item: T) => void | Promise<void>): Promise<void> {
    for await (const item of this.deliveries) {
      try {
        await handler(item);
      } catch (error) {
        this.#options.onHandlerFailed(error);
      }
    }
  }

  #look(): void {
    const { maxUnread, onFlow } = this.#options;
    const isFlowing = this.#isFlowing
      ? this.#feed.size < maxUnread
      : this.#feed.size <= maxUnread / 2;
    if (isFlowing === this.#isFlowing) return;
    this.#isFlowing = isFlowing;
    onFlow(isFlowing);
  }
}
