/** A contender in a process of its own: what one may be told, and what it answers. */
import { Helper } from "../harness/helper.ts";
import type { Servers } from "./contender.ts";

/** How many sagas at once. */
export const AT_ONCE = 32;

/** What the process is told. */
export type SagaOrder =
  | { readonly kind: "open"; readonly id: string; readonly servers: Servers }
  | { readonly kind: "sample" }
  | { readonly kind: "close" };

/** One round of one contender. */
export interface Sample {
  readonly aloneMs: number;
  readonly perSecond: number;
  readonly undonePerSecond: number;
}

const WORKER = new URL("../saga.worker.ts", import.meta.url);

/** One contender, opened. */
export class OwnProcess {
  readonly id: string;
  readonly #helper = new Helper<SagaOrder, Sample | undefined>(WORKER);

  private constructor(id: string) {
    this.id = id;
  }

  /** Starts the process, and opens the contender called `id` in it. */
  static async open(id: string, servers: Servers): Promise<OwnProcess> {
    const own = new OwnProcess(id);
    await own.#helper.ask({ kind: "open", id, servers });
    return own;
  }

  /** Runs one round. */
  async sample(): Promise<Sample> {
    const sample = await this.#helper.ask({ kind: "sample" });
    if (sample === undefined) throw new Error("the worker measured nothing");
    return sample;
  }

  /** Closes the contender, and ends the process. */
  async close(): Promise<void> {
    await this.#helper.ask({ kind: "close" }).catch(() => {});
    await this.#helper.end();
  }
}
