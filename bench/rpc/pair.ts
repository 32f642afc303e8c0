/**
 * A server process and a client process, driven over IPC.
 */
import { type ChildProcess, fork } from "node:child_process";

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
export type PairAnswer =
  | { readonly ok: true; readonly address: string; readonly sample: RpcSample | undefined }
  | { readonly ok: false; readonly message: string };

const WORKER = new URL("../rpc.worker.ts", import.meta.url);

/** Both processes of one way to call. */
export class Pair {
  readonly id: RpcId;
  readonly #server: ChildProcess;
  readonly #client: ChildProcess;

  private constructor(id: RpcId) {
    this.id = id;
    this.#server = fork(WORKER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#client = fork(WORKER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  /** Starts and connects them. */
  static async start(id: RpcId, urls: Urls): Promise<Pair> {
    const pair = new Pair(id);
    const { address } = await ask(pair.#server, { kind: "serve", id, urls });
    await ask(pair.#client, { kind: "connect", id, urls, address });
    return pair;
  }

  /** Makes `calls` calls, `atOnce` at any time. */
  async measure(calls: number, atOnce: number): Promise<RpcSample> {
    const { sample } = await ask(this.#client, { kind: "measure", calls, atOnce });
    if (sample === undefined) throw new Error("the worker measured nothing");
    return sample;
  }

  /** Ends both. */
  async close(): Promise<void> {
    await Promise.all([this.#client, this.#server].map(end));
  }
}

async function ask(
  child: ChildProcess,
  order: PairOrder,
): Promise<Extract<PairAnswer, { ok: true }>> {
  const answer = await new Promise<PairAnswer>((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`a worker ended with ${code}`));
    child.once("exit", gone);
    child.once("message", (message) => {
      child.off("exit", gone);
      resolve(message as PairAnswer);
    });
    child.send(order);
  });
  if (answer.ok) return answer;
  throw new Error(`worker: ${answer.message}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
