/**
 * A server process and a client process, driven over IPC.
 */
import { Helper } from "../harness/helper.ts";
import type { RpcId, RpcSample, Urls } from "./contender.ts";

/** What a process is told. */
export type PairOrder =
  | { readonly kind: "serve"; readonly id: RpcId; readonly urls: Urls }
  | {
      readonly kind: "connect";
      readonly id: RpcId;
      readonly urls: Urls;
      readonly address: string;
    }
  | { readonly kind: "measure"; readonly calls: number; readonly atOnce: number };

/** What it answers. */
export interface PairAnswer {
  readonly address: string;
  readonly sample: RpcSample | undefined;
}

const WORKER = new URL("../rpc.worker.ts", import.meta.url);

/** Both processes of one way to call. */
export class Pair {
  readonly id: RpcId;
  readonly #server = new Helper<PairOrder, PairAnswer>(WORKER);
  readonly #client = new Helper<PairOrder, PairAnswer>(WORKER);

  private constructor(id: RpcId) {
    this.id = id;
  }

  /** Starts and connects them. */
  static async start(id: RpcId, urls: Urls): Promise<Pair> {
    const pair = new Pair(id);
    const { address } = await pair.#server.ask({ kind: "serve", id, urls });
    await pair.#client.ask({ kind: "connect", id, urls, address });
    return pair;
  }

  /** Makes `calls` calls, `atOnce` at any time. */
  async measure(calls: number, atOnce: number): Promise<RpcSample> {
    const { sample } = await this.#client.ask({ kind: "measure", calls, atOnce });
    if (sample === undefined) throw new Error("the worker measured nothing");
    return sample;
  }

  /** Ends both. */
  async close(): Promise<void> {
    await Promise.all([this.#client.end(), this.#server.end()]);
  }
}
