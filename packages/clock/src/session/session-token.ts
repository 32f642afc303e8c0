/**
 * Session guarantees: what one client has seen and done, carried in a token that it keeps.
 *
 * Replicas lag. A client that writes at one and reads at another may miss its own write, or see a
 * value and then an older one. The token remembers two version vectors, what the client has *read*
 * and what it has *written*; a replica that compares them with its own vector knows before it
 * serves whether it would break a promise, and which writes it has to wait for.
 *
 * | guarantee | checked when | the replica must contain |
 * |--|--|--|
 * | read your writes | reading | what this session wrote |
 * | monotonic reads | reading | what this session read |
 * | monotonic writes | writing | what this session wrote |
 * | writes follow reads | writing | what this session read |
 *
 * Guarantees: no violation, if replicas pass on writes in causal order and without gaps (each in
 * the order in which the sender applied them; causal broadcast does), and every answer is observed.
 * Does not guarantee: that some replica can serve; bound the wait and say what is missing. Nor
 * consistency *between* clients. Nor honesty: a client can forge its token, and harms its own
 * session only, as it then asks for writes that nobody has.
 *
 * Terry, Demers, Petersen, Spreitzer, Theimer, Welch, "Session Guarantees for Weakly Consistent
 * Replicated Data", PDIS 1994.
 */
import { invalidArgument, knownOptions } from "@quorate/core";

import { compareNodeIds, type NodeId } from "../node-id.ts";
import type { Dot } from "../vector/dot.ts";
import type { BoundOptions } from "../vector/entries-codec.ts";
import { VersionVector } from "../vector/version-vector.ts";

/** A promise to one session. */
export type SessionGuarantee =
  | "read-your-writes"
  | "monotonic-reads"
  | "monotonic-writes"
  | "writes-follow-reads";

/** What the session asks a replica for. */
export interface SessionRequest {
  /** A request that reads and then writes is both; ask for each. */
  readonly operation: "read" | "write";
  /** The promises to keep. Those about the other operation are not looked at. @default all four */
  readonly guarantees?: readonly SessionGuarantee[];
}

/** Whether a replica may serve; if not, what would be broken, and what it has to wait for. */
export type SessionVerdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** The promises that serving would break. */
      readonly broken: readonly SessionGuarantee[];
      /** Per replica, the last write that is lacking, and with it all before. */
      readonly lacks: readonly Dot[];
    };

const RULES: readonly {
  readonly guarantee: SessionGuarantee;
  readonly operation: SessionRequest["operation"];
  readonly past: "reads" | "writes";
}[] = [
  { guarantee: "read-your-writes", operation: "read", past: "writes" },
  { guarantee: "monotonic-reads", operation: "read", past: "reads" },
  { guarantee: "monotonic-writes", operation: "write", past: "writes" },
  { guarantee: "writes-follow-reads", operation: "write", past: "reads" },
];

/** All four guarantees. */
export const SESSION_GUARANTEES: readonly SessionGuarantee[] = RULES.map(
  ({ guarantee }) => guarantee,
);

const VERSION = "s1";

/**
 * What one session has read and written. An immutable value; as text, a token for the client.
 *
 * @example
 * const writtenAt = VersionVector.of({ r1: 7 });
 * const token = SessionToken.empty().observedWrite({ replica: "r1", counter: 7 });
 * token.canServe(writtenAt, { operation: "read" }); // => { ok: true }
 * token.canServe(VersionVector.of({ r1: 6 }), { operation: "read" });
 * // => { ok: false, broken: ["read-your-writes"], lacks: [{ replica: "r1", counter: 7 }] }
 */
export class SessionToken {
  /** What the session has read: the vectors of the replicas that answered. */
  readonly reads: VersionVector;
  /** What the session has written. */
  readonly writes: VersionVector;

  private constructor(reads: VersionVector, writes: VersionVector) {
    this.reads = reads;
    this.writes = writes;
  }

  /** A session that begins: every replica may serve it. `maxEntries` (256) bounds each vector. */
  static empty(options: BoundOptions = {}): SessionToken {
    const nothing = VersionVector.of([], options);
    return new SessionToken(nothing, nothing);
  }

  /**
   * The session after an answer from a replica that had `vector` when it read.
   *
   * Pass the vector of that very read, not of later: too much only delays the session, too little
   * loses a promise. `TOO_LARGE` for more replicas than `maxEntries`.
   */
  observedRead(vector: VersionVector): SessionToken {
    return new SessionToken(this.reads.merge(vector), this.writes);
  }

  /**
   * The session after a write: its dot, or the vector of the coordinating replica after it.
   *
   * A write whose outcome is unknown is not observed; should it turn out to have happened, observe
   * it then.
   */
  observedWrite(write: Dot | VersionVector): SessionToken {
    const writes =
      write instanceof VersionVector ? this.writes.merge(write) : this.writes.with(write);
    return new SessionToken(this.reads, writes);
  }

  /** What two requests of one session that ran side by side have observed together. */
  merge(other: SessionToken): SessionToken {
    if (!(other instanceof SessionToken)) throw invalidArgument("other", other, "a SessionToken");
    return new SessionToken(this.reads.merge(other.reads), this.writes.merge(other.writes));
  }

  /**
   * Whether the replica that now contains `vector` may serve the request.
   *
   * Compare and serve in one step, or with a vector that cannot shrink in between. `ok: false` is
   * no error: wait until the replica includes `lacks`, or ask another one.
   */
  canServe(vector: VersionVector, request: SessionRequest): SessionVerdict {
    if (!(vector instanceof VersionVector)) {
      throw invalidArgument("vector", vector, "a VersionVector");
    }
    const { operation, guarantees } = checkRequest(request);
    const rules = RULES.filter(
      (rule) => rule.operation === operation && guarantees.includes(rule.guarantee),
    );
    const broken = rules.filter(({ past }) => !vector.includes(this[past]));
    if (broken.length === 0) return { ok: true };
    return {
      ok: false,
      broken: broken.map(({ guarantee }) => guarantee),
      lacks: lastOfEach(broken.flatMap(({ past }) => vector.missing(this[past]))),
    };
  }

  /** `s1/r1:3:r2:1/r1:3`: version, reads, writes. Fit for a header, a cookie or a query. */
  encode(): string {
    return `${VERSION}/${this.reads.encode()}/${this.writes.encode()}`;
  }

  /**
   * Reverses `encode` of anybody. `INVALID_ARGUMENT` for what `encode` never makes and for other
   * versions; `TOO_LARGE` beyond `maxEntries`.
   *
   * Begin a new session for a token that is refused, and tell the client: its promises start anew.
   */
  static decode(token: string, options: BoundOptions = {}): SessionToken {
    const [version, reads, writes, ...more] = typeof token === "string" ? token.split("/", 4) : [];
    if (version !== VERSION || reads === undefined || writes === undefined || more.length > 0) {
      throw invalidArgument("token", token, `a session token of version ${VERSION}`);
    }
    return new SessionToken(
      VersionVector.decode(reads, options),
      VersionVector.decode(writes, options),
    );
  }

  /** The same as `encode()`. */
  toString(): string {
    return this.encode();
  }

  /** The same as `encode()`, so that a token inside a message needs no care. */
  toJSON(): string {
    return this.encode();
  }
}

/** The last dot of each replica, ascending by replica. */
function lastOfEach(dots: readonly Dot[]): Dot[] {
  const last = new Map<NodeId, Dot>();
  for (const dot of dots) {
    if (dot.counter > (last.get(dot.replica)?.counter ?? 0)) last.set(dot.replica, dot);
  }
  return [...last.values()].sort((a, b) => compareNodeIds(a.replica, b.replica));
}

function checkRequest(request: SessionRequest): Required<SessionRequest> {
  const { operation, guarantees = SESSION_GUARANTEES } = knownOptions("request", request, [
    "operation",
    "guarantees",
  ]);
  if (operation !== "read" && operation !== "write") {
    throw invalidArgument("operation", operation, "'read' or 'write'");
  }
  if (!Array.isArray(guarantees)) {
    throw invalidArgument("guarantees", guarantees, "an array of session guarantees");
  }
  for (const guarantee of guarantees as readonly SessionGuarantee[]) {
    if (SESSION_GUARANTEES.includes(guarantee)) continue;
    throw invalidArgument("guarantees", guarantee, `one of ${SESSION_GUARANTEES.join(", ")}`);
  }
  return { operation, guarantees };
}
