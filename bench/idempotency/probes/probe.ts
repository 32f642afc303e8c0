/**
 * A fault probe: one situation that a service gets into sooner or later, and what must not come of
 * it. Asks for no feature: a library may refuse, wait or answer as it likes, as long as nothing
 * runs twice, nobody gets another's answer, and no key is lost.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import { startTcpProxy } from "../../../scripts/servers/index.mjs";
import type { TcpProxy } from "../../../scripts/servers/types.ts";
import type { Contender, Request, Session, Work } from "../contenders/contender.ts";

/** What a probe found. */
export type Finding =
  | { readonly kind: "holds" | "fault"; readonly saw: string }
  /** The situation cannot arise, or the library promises nothing about it by design. */
  | { readonly kind: "n/a"; readonly saw: string };

/** One situation. */
export interface Probe {
  readonly title: string;
  /** Why it cannot be asked of this library; else `undefined`. */
  exempt?(contender: Contender): string | undefined;
  run(stage: Stage): Promise<Finding>;
}

/** How a call ended. */
export type Outcome =
  | { readonly kind: "answer"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: Error }
  | { readonly kind: "silence" };

/** A call that neither answers nor fails within this is as good as lost. */
const PATIENCE_MS = 4_000;

/** A session that can be cut off from the store, as one process of a service can. */
export interface RemoteSession extends Session {
  readonly proxy: TcpProxy;
}

/** Where a probe plays: sessions of one library on one server. */
export class Stage {
  readonly contender: Contender;
  readonly #redis: { readonly host: string; readonly port: number };
  readonly #undo: (() => Promise<void>)[] = [];
  #keys = 0;

  constructor(contender: Contender, url: string) {
    this.contender = contender;
    const { hostname, port } = new URL(url);
    this.#redis = { host: hostname, port: Number(port) };
  }

  /** A request that nobody has made before. */
  request(payload: unknown = { cents: 5 }): Request {
    const key = `probe-${process.pid}-${Date.now()}-${(this.#keys += 1)}`;
    return { key, user: "ann", payload };
  }

  /** A process of the service. */
  async session(options: { readonly leaseMs?: number } = {}): Promise<RemoteSession> {
    const proxy = await startTcpProxy(this.#redis);
    const url = `redis://127.0.0.1:${proxy.port}`;
    const session = await this.contender.open({ url, ...options });
    this.#undo.push(async () => {
      proxy.refuse(true);
      proxy.cutAll();
      await proxy.close();
    });
    this.#undo.push(async () => {
      proxy.pauseRequests(false);
      await Promise.race([session.close(), sleep(1_000)]);
    });
    return { run: (request, work) => session.run(request, work), close: session.close, proxy };
  }

  /** Closes all sessions. */
  async clear(): Promise<void> {
    for (const undo of this.#undo.splice(0).toReversed()) await undo().catch(() => {});
  }
}

/** Work that counts how often it ran. */
export function counted(work: Work): { readonly runs: () => number; readonly work: Work } {
  let runs = 0;
  return {
    runs: () => runs,
    work: (payload) => {
      runs += 1;
      return work(payload);
    },
  };
}

/** How `call` ends, within bounds. */
export async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  const given = call.then(
    (value): Outcome => ({ kind: "answer", value }),
    (error: Error): Outcome => ({ kind: "error", error }),
  );
  const silence = sleep(PATIENCE_MS, { kind: "silence" } as const, { ref: false });
  return Promise.race([given, silence]);
}

/** `outcome` in a few words. */
export function told(outcome: Outcome): string {
  if (outcome.kind === "silence") return "no answer";
  if (outcome.kind === "error") return codeOf(outcome.error);
  return inspect(outcome.value, { breakLength: Infinity });
}

/** What names an error to a program. */
export function codeOf(error: Error & { readonly code?: unknown }): string {
  return typeof error.code === "string" ? error.code : error.name;
}

/** `fault` if `isFault`, else `holds`. */
export function finding(isFault: boolean, saw: string): Finding {
  return { kind: isFault ? "fault" : "holds", saw };
}
