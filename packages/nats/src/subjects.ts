/**
 * Subjects: where a namespace lives on a NATS server, and the only place that spells it.
 *
 *     <ns>.kv.<key>        entries
 *     <ns>.l.<name>        leases
 *     <ns>.t               the server's clock, read off a message's time stamp
 *     <ns>.b.<subject>     bus
 *     <ns>.i.<id>.<token>  answers to this backend: requests, and the server's own
 *     <ns>.w.<id>.<count>  deliveries of one watch
 *
 * The first three belong to the namespace's stream, the rest are core NATS. The namespace is one
 * token, so that `a` and `a/kv` share nothing. With rights to `<ns>.>` and to the JetStream API a
 * user needs no other.
 *
 * Guarantees: whatever characters a name has, its subject begins with the namespace's token and
 * has no wildcard (`encodeName`). Answers go only to subjects of the form above.
 */
import { decodeName, encodeName, isPrefix } from "@quorate/core";

/** Where one kind of record lives. */
export interface Space {
  /** With the trailing dot: `ns.kv.` */
  readonly root: string;
}

/** Subjects of one namespace. */
export class Subjects {
  readonly namespace: string;
  readonly kv: Space;
  readonly leases: Space;
  readonly clock: string;
  /** Subject filters of the stream. */
  readonly ofStream: readonly string[];
  readonly streamName: string;
  readonly #token: string;
  readonly #root: Space;
  /** The same few names and subjects come again and again. */
  readonly #encoded = new Map<string, string>();
  readonly #decoded = new Map<string, string>();

  /** `namespace` is a checked name. */
  constructor(namespace: string, streamName: string | undefined) {
    // A "/" is never part of an encoded segment, so this stays injective.
    this.#token = encodeName(namespace).replaceAll("/", "=2F");
    this.namespace = namespace;
    this.kv = { root: `${this.#token}.kv.` };
    this.leases = { root: `${this.#token}.l.` };
    this.#root = { root: `${this.#token}.b.` };
    this.clock = `${this.#token}.t`;
    this.ofStream = [`${this.kv.root}>`, `${this.leases.root}>`, this.clock];
    this.streamName = streamName ?? `QUORATE_${this.#token}`;
  }

  /** Subject of a bus message. */
  bus(subject: string): string {
    const known = this.#encoded.get(subject);
    return known ?? remember(this.#encoded, subject, subjectOf(this.#root, subject));
  }

  /** Filter of a bus subscription. */
  busTarget(target: string): string {
    return filterOf(this.#root, target);
  }

  /** The bus subject behind a NATS subject; `undefined` if it is not one of ours. */
  busName(subject: string): string | undefined {
    const known = this.#decoded.get(subject);
    if (known !== undefined) return known;
    const name = nameOf(this.#root, subject);
    return name === undefined ? undefined : remember(this.#decoded, subject, name);
  }

  /** Root of this backend's inbox; `id` is random. */
  inbox(id: string): string {
    return `${this.#token}.i.${id}.`;
  }

  /** True for the inbox of some backend of this namespace: the only place answers may go. */
  isInbox(subject: string): boolean {
    const root = `${this.#token}.i.`;
    return subject.startsWith(root) && INBOX_REST.test(subject.slice(root.length));
  }

  /** Where a watch gets its deliveries. */
  deliveries(id: string, count: number): string {
    return `${this.#token}.w.${id}.${count}`;
  }
}

/** Names remembered, each way. */
const MAX_REMEMBERED = 1_024;

/** Begins anew when it is full: which names come again shows soon enough. */
function remember(known: Map<string, string>, from: string, to: string): string {
  if (known.size >= MAX_REMEMBERED) known.clear();
  known.set(from, to);
  return to;
}

const INBOX_REST = /^[0-9a-z]{16,64}\.[0-9a-z]{1,16}$/;

/** Subject of the record `name`. */
export function subjectOf(space: Space, name: string): string {
  return space.root + encodeName(name, ".");
}

/** Name behind a subject of `space`; `undefined` for what the encoder never makes. */
export function nameOf(space: Space, subject: string): string | undefined {
  if (!subject.startsWith(space.root)) return undefined;
  return decodeName(subject.slice(space.root.length), ".");
}

/** Filter of a target: one name, or all below a prefix. */
export function filterOf(space: Space, target: string): string {
  if (target === "") return `${space.root}>`;
  if (!isPrefix(target)) return subjectOf(space, target);
  return `${subjectOf(space, target.slice(0, -1))}.>`;
}

/** Filter of one collection: exactly one more token. */
export function collectionFilter(space: Space, collection: string): string {
  return collection === "" ? `${space.root}*` : `${subjectOf(space, collection)}.*`;
}
