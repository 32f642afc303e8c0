/**
 * A kv whose every access waits until a seeded scheduler lets it happen: to walk through the orders
 * in which several processes may reach one store. With `native` it fences in one step, as Redis
 * does; without, the guard builds the step from compare-and-set.
 */
import {
  deferred,
  decodeFenceRecord,
  encodeFenceRecord,
  type Entry,
  type FenceResult,
  type KvStore,
  type PutResult,
  type Random,
} from "@quorate/core";

/** A store, and the order of what happens in it. */
export class StepwiseKv {
  readonly kv: KvStore;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  #revision = 0;

  constructor(native: boolean) {
    const put: KvStore["put"] = (key, value, options) =>
      this.#step((): PutResult => {
        const current = this.#entries.get(key);
        const expect = options?.expect;
        const fits = expect === undefined || expect === (current?.revision ?? "absent");
        if (!fits) return { ok: false, current };
        const entry = this.#write(key, Buffer.from(value as Uint8Array));
        return { ok: true, entry, replayed: false };
      });
    const fence = (key: string, token: number, payload?: Uint8Array): Promise<FenceResult> =>
      this.#step((): FenceResult => {
        const current = this.#entries.get(key);
        const record = current === undefined ? undefined : decodeFenceRecord(current.value);
        if (record !== undefined && record.floor > token) return { ok: false, floor: record.floor };
        const kept = payload ?? record?.payload ?? new Uint8Array();
        const entry = this.#write(key, encodeFenceRecord({ floor: token, payload: kept }));
        return { ok: true, revision: entry.revision };
      });
    const kv: Partial<KvStore> = {
      get: (key) => this.#step(() => this.#entries.get(key)),
      put,
      ...(native ? { fenced: { raise: (key, token) => fence(key, token), write: fence } } : {}),
    };
    this.kv = kv as KvStore;
  }

  /** What is stored, without a step. */
  stored(key: string): Uint8Array | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Stores bytes as somebody else might, without a step. */
  plant(key: string, value: Uint8Array): void {
    this.#write(key, value);
  }

  /** Lets accesses happen in an order of chance until all of `clients` have ended. */
  async play(random: Random, clients: readonly Promise<unknown>[]): Promise<void> {
    let running = clients.length;
    for (const client of clients) {
      const ended = (): void => void (running -= 1);
      client.then(ended, ended);
    }
    while (running > 0) {
      // A turn of the event loop: every client comes to its next access, or its end.
      await new Promise((resolve) => setImmediate(resolve));
      const index = Math.floor(random.next() * this.#waiting.length);
      this.#waiting.splice(index, 1)[0]?.();
    }
  }

  /** Waits for its turn; with `play` not running, forever. */
  step(): Promise<void> {
    return this.#step(() => {});
  }

  #step<T>(action: () => T): Promise<T> {
    const done = deferred<T>();
    this.#waiting.push(() => done.resolve(action()));
    return done.promise;
  }

  #write(key: string, value: Uint8Array): Entry {
    this.#revision += 1;
    const revision = this.#revision;
    const entry = { key, value, revision, createdRevision: revision, operationId: "x" };
    this.#entries.set(key, entry);
    return entry;
  }
}
