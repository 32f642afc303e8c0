/**
 * Which lives of which nodes are members: learnt by hearing them.
 *
 * FIFO and causal order need no agreement on who is in the group, only a rule whom to hear. The
 * user names nodes; whoever speaks for one of them is in. A node that restarts speaks under a new
 * boot id, and its old life stays for a while beside the new one, until it has been silent.
 */
import type { Ms } from "@quorate/core";

import { checkNodeId, type NodeId } from "../../node-id.ts";
import { type MemberId, nodeOf } from "../member.ts";

/** Lives of one node at a time; the first one goes when there are more. */
const MAX_LIVES = 4;
/** Silence after which a life beside another one of its node is over: at least this, */
const SILENT_MS = 30_000;
/** and several times what lies between two digests. */
const SILENT_TICKS = 50;

/** Most nodes of a group. */
export const MAX_NODES = 64;

/** Members by node. */
export class Lives {
  readonly #silentMs: Ms;
  #nodes: ReadonlySet<NodeId>;
  readonly #heardMs = new Map<NodeId, Map<MemberId, number>>();

  constructor(nodes: readonly NodeId[], tickMs: Ms) {
    this.#silentMs = Math.max(SILENT_MS, SILENT_TICKS * tickMs);
    this.#nodes = new Set(nodes);
  }

  /** All members. */
  get members(): MemberId[] {
    return [...this.#heardMs.values()].flatMap((lives) => [...lives.keys()]);
  }

  /** These are the nodes now. */
  setNodes(nodes: readonly NodeId[]): void {
    this.#nodes = new Set(nodes);
    for (const node of this.#heardMs.keys()) if (!this.#nodes.has(node)) this.#heardMs.delete(node);
  }

  /** A member spoke; true if it is one from now on, and was none before. */
  heard(member: MemberId, nowMs: number): boolean {
    const node = nodeOf(member);
    if (node === undefined || !this.#nodes.has(node)) return false;
    const lives = this.#heardMs.get(node) ?? new Map<MemberId, number>();
    this.#heardMs.set(node, lives);
    const isNew = !lives.has(member);
    lives.set(member, nowMs);
    for (const first of lives.keys()) {
      if (lives.size <= MAX_LIVES) break;
      lives.delete(first);
    }
    return isNew;
  }

  /** Forgets old lives; true if there were any. */
  forgetSilent(nowMs: number): boolean {
    let forgot = false;
    for (const lives of this.#heardMs.values()) {
      for (const [member, heardMs] of lives) {
        if (lives.size > 1 && nowMs - heardMs > this.#silentMs)
          forgot = lives.delete(member) || forgot;
      }
    }
    return forgot;
  }
}

/** `nodes` without duplicates, each a node id, at most `MAX_NODES`. */
export function checkNodes(option: string, nodes: readonly NodeId[]): readonly NodeId[] {
  const unique = new Set(nodes.map((node) => checkNodeId(option, node)));
  return [...unique].slice(0, MAX_NODES);
}
