/**
 * A way to call another process: a server half and a client half, each in a process of its own.
 */
import type { Quote, Quoted } from "./orders.ts";

/** Where the servers are. */
export interface Urls {
  readonly nats: string;
  readonly redis: string;
}

/** Ways to call. */
export type RpcId =
  | "quorate-nats"
  | "quorate-redis"
  | "by-hand"
  | "nats-request"
  | "moleculer"
  | "grpc";

/** One way. */
export interface RpcContender {
  readonly title: string;
  /** Calls of one round with many at once. */
  readonly crowd: number;
  /** Begins to serve; resolves to where, if a client must know. */
  serve(urls: Urls): Promise<string>;
  /** The function that asks the server at `address`. */
  connect(urls: Urls, address: string): Promise<(question: Quote) => Promise<Quoted>>;
}

/** What a pair of processes measured. */
export interface RpcSample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
