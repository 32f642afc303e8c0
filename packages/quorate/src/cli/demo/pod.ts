/**
 * A demo's process, whatever carries its messages: connects, plays its role, says that it ended.
 */
import {
  type Capabilities,
  deferred,
  type Deferred,
  isQuorateError,
  systemRuntime,
} from "@quorate/core";
import { connect } from "../../connect.ts";
import type { Quorate } from "../../quorate.ts";
import { BorrowedStore } from "./borrow.ts";
import { backendOver, type FromStore, type ToStore } from "./lent.ts";
import type { Demo, Pod, Word } from "./story.ts";

/** What a process is told at its start, in its environment. */
export interface PodFacts {
  readonly demo: string;
  readonly name: string;
  readonly word: Word;
  /** Absent: the store is lent by the parent, and has these capabilities. */
  readonly url?: string;
  readonly namespace: string;
  readonly capabilities: Capabilities;
}

/** What a process says to its parent. */
export type FromPod =
  | ToStore
  | { readonly kind: "ready" }
  | { readonly kind: "ended"; readonly why: string | undefined }
  | { readonly kind: "ask"; readonly call: number; readonly what: string; readonly word: Word };

/** What the parent says to a process. */
export type ToPod =
  | FromStore
  | { readonly kind: "answer"; readonly call: number; readonly word: Word }
  | { readonly kind: "dismiss" };

const GRACE_MS = 2_000;

/** What ties a process to its parent. */
export interface Strings {
  send(message: FromPod): void;
  /** Calls `hear` with what the parent says. */
  listen(hear: (message: ToPod) => void): void;
  /** See `Pod`. */
  freeze(): void | Promise<void>;
}

/** Plays a role to its end. False: it failed, and the parent knows why. */
export async function play(
  facts: PodFacts,
  demos: readonly Demo[],
  { send, listen, freeze }: Strings,
): Promise<boolean> {
  const { role, options = {} } = demos.find(({ name }) => name === facts.demo) ?? {};
  const store = new BorrowedStore(send);
  const asked = new Map<number, Deferred<Word>>();
  const dismissed = deferred<void>();
  listen((message) => {
    if (message.kind === "dismiss") dismissed.resolve();
    else if (message.kind === "answer") asked.get(message.call)?.resolve(message.word);
    else store.hear(message);
  });
  let why: string | undefined;
  try {
    const q = await open(facts, store, options);
    send({ kind: "ready" });
    const pod = { name: facts.name, q, dismissed: dismissed.promise, freeze };
    await role?.({ ...pod, ask: asker(asked, send) }, facts.word);
    await q.close({ graceMs: GRACE_MS });
  } catch (error) {
    why = isQuorateError(error) ? error.message : String(error);
  }
  send({ kind: "ended", why });
  return why === undefined;
}

function asker(asked: Map<number, Deferred<Word>>, send: Strings["send"]): Pod["ask"] {
  let calls = 0;
  return (what, word = null) => {
    calls += 1;
    const answer = deferred<Word>();
    asked.set(calls, answer);
    send({ kind: "ask", call: calls, what, word });
    return answer.promise;
  };
}

function open(
  facts: PodFacts,
  store: BorrowedStore,
  options: NonNullable<Demo["options"]>,
): Promise<Quorate> {
  const { name, url, namespace, capabilities } = facts;
  if (url !== undefined) return connect(url, { ...options, name, namespace });
  const { kv, bus } = store;
  const backend = backendOver({ kv, bus, runtime: systemRuntime }, capabilities);
  return connect(backend, { ...options, name });
}
