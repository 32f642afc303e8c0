/**
 * Membership by leases: who holds a lease in the group is a member of it.
 *
 * Each member keeps one lease under its own name, says in it what others should know, and watches
 * those of the others. No member asks another anything: the store sees who is silent, and a member
 * costs it one renewal in a third of a TTL, however large the group. Its fencing token is the
 * member's incarnation, so a later life has a greater one, without a disk.
 *
 * Guarantees: a crashed member is told as `down` within its TTL and what the engine's expiry lags;
 * one that leaves is told at once. While the store cannot be reached the members stay as last
 * known, and the group says that it is stale. Does not guarantee that a member that is `down` has
 * stopped, nor that one that is `alive` answers: what must happen once needs its own lock.
 *
 * Gray and Cheriton, "Leases", SOSP 1989; Burrows, "The Chubby lock service", OSDI 2006.
 */
import {
  type Backend,
  deferred,
  type Deferred,
  type ErrorCode,
  invalidArgument,
  isQuorateError,
  knownOptions,
  type LeaseEvent,
  type LeaseHolder,
  Lifecycle,
  type Ms,
  QuorateError,
  raceAbort,
  type Runtime,
  show,
} from "@quorate/core";
import type {
  Member,
  MemberChanged,
  Membership,
  MembershipEvent,
  MembershipWatchOptions,
} from "../membership.ts";
import { Watchers } from "../watchers.ts";
import {
  type FailedOperation,
  type LeaseMemberEvents,
  leaseMemberEvents,
  type LeaseMemberSubject,
} from "./events.ts";
import { follow } from "./follow.ts";
import type { Held } from "./held.ts";
import { LeaseView } from "./lease-view.ts";
import { MemberLease } from "./member-lease.ts";
import {
  type CheckedLeaseMembershipOptions,
  checkData,
  checkLeaseMembershipOptions,
  type LeaseMembershipOptions,
} from "./options.ts";
import { checkStanding, decodeStanding } from "./standing.ts";

/** How to wait for a membership. */
export interface MembershipWaitOptions {
  /** Ends the wait, which rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A membership by leases. */
export interface LeaseMembership extends Membership {
  /** The group. */
  readonly group: string;
  /** The members are the last known ones: the store cannot be reached, or has not answered yet. */
  readonly isStale: boolean;
  /**
   * Resolves once this process is a member and knows the others; an onlooker, once it knows them.
   * What it rejects with ends the wait and not the membership, which goes on asking.
   *
   * @throws MEMBER_CONFLICT another has held the name for `conflictWaitMs`. STORE_REFUSED,
   *   INVALID_ARGUMENT the store will not have it. CLOSED
   */
  ready(options?: MembershipWaitOptions): Promise<void>;
  /**
   * Says something else of this process. Resolves once others can read it.
   *
   * @throws OUTCOME_UNKNOWN not within a TTL; it is told as soon as it can be. INVALID_ARGUMENT,
   *   TOO_LARGE, CLOSED
   */
  update(data: string): Promise<void>;
  /** Says goodbye, and closes. Where the store cannot be reached it waits for a TTL, no longer. */
  leave(options?: MembershipWaitOptions): Promise<void>;
}

/**
 * Joins a group, or looks on where no `id` is given. It begins at once and in the background;
 * `ready` waits for it.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds. TOO_LARGE `data` is.
 *
 * @example
 * import { createLeaseMembership } from "@quorate/membership";
 * import { memoryBackend } from "@quorate/memory";
 * const members = createLeaseMembership(memoryBackend(), { group: "workers", id: "pod-7" });
 * await members.ready();
 * console.log(members.members.map(({ id, state }) => `${id} ${state}`)); // => ["pod-7 alive"]
 * await members.leave();
 */
export function createLeaseMembership(
  backend: Backend,
  options: LeaseMembershipOptions,
): LeaseMembership {
  if (typeof backend?.leases?.acquire !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  return new MembershipByLeases(backend, checkLeaseMembershipOptions(options));
}

class MembershipByLeases implements LeaseMembership {
  readonly group: string;
  readonly #runtime: Runtime;
  readonly #options: CheckedLeaseMembershipOptions;
  readonly #events: LeaseMemberEvents;
  readonly #subject: LeaseMemberSubject;
  readonly #lifecycle: Lifecycle;
  readonly #view: LeaseView;
  readonly #watchers = new Watchers();
  readonly #lease: MemberLease | undefined;
  #self: Member | undefined;
  #isStale = true;
  /** Why `ready` rejects, until it is otherwise. */
  #problem: QuorateError | undefined;
  #news: Deferred<void> = deferred();

  constructor(backend: Backend, options: CheckedLeaseMembershipOptions) {
    const { group, prefix, self, ttlMs } = options;
    this.group = group;
    this.#options = options;
    this.#runtime = backend.runtime;
    this.#events = leaseMemberEvents(backend.runtime.events);
    this.#subject = { by: "leases", group, self: self?.id ?? "" };
    this.#lifecycle = new Lifecycle(`the membership of ${show(group)}`, backend.runtime);
    this.#view = new LeaseView(options);
    this.#watchers.stale(this.#nowMs); // Nothing is known yet.
    if (self !== undefined) {
      const { id, standing } = self;
      this.#self = { id, incarnation: 0, state: "down", sinceMs: this.#nowMs, ...standing };
      this.#lease = new MemberLease(
        backend,
        { name: `${prefix}${id}`, ttlMs, standing },
        {
          held: (held, before) => this.#held(held, before),
          lost: (held, reason) => {
            const { born: incarnation } = held;
            if (this.#lifecycle.isClosed) return;
            this.#events.lost.publish({ ...this.#subject, incarnation, reason });
            this.#changeSelf("down", { state: "down" });
          },
          refused: (holder, forMs) => this.#refused(holder, forMs),
          failed: (operation, error, failures) => this.#failed(operation, error, failures),
        },
      );
    }
    const follower = {
      reopened: () => this.#view.reopened(),
      take: (event: LeaseEvent) => this.#take(event),
      failed: (error: unknown, failures: number) => this.#watchFailed(error, failures),
    };
    if (options.watches) void follow(backend, prefix, follower, this.#lifecycle.stopping);
    this.#lease?.start();
  }

  get self(): Member | undefined {
    void this.#lease?.held; // Notices the end, if it has come unseen.
    return this.#self;
  }

  get members(): readonly Member[] {
    const { self } = this;
    const members = this.#view.members(this.#nowMs);
    if (self === undefined) return members;
    const others = members.filter(({ id }) => id !== self.id);
    return [...others, self].sort((left, right) => (left.id < right.id ? -1 : 1));
  }

  get isStale(): boolean {
    return this.#isStale;
  }

  member(id: string): Member | undefined {
    const { self } = this;
    return id === self?.id ? self : this.#view.member(id, this.#nowMs);
  }

  watch(options: MembershipWatchOptions = {}): AsyncIterableIterator<MembershipEvent> {
    const { signal } = knownOptions("options", options, ["signal"]);
    this.#lifecycle.assertOpen();
    return this.#watchers.open(this.members, { signal });
  }

  async ready(options: MembershipWaitOptions = {}): Promise<void> {
    const { signal } = knownOptions("options", options, ["signal"]);
    for (;;) {
      this.#lifecycle.assertOpen();
      signal?.throwIfAborted();
      const isMember = this.#lease === undefined || this.#lease.held !== undefined;
      if (isMember && (!this.isStale || !this.#options.watches)) return;
      if (this.#problem !== undefined) throw this.#problem;
      await raceAbort(this.#news.promise, signal);
    }
  }

  async update(data: string): Promise<void> {
    this.#lifecycle.assertOpen();
    const lease = this.#lease;
    if (lease === undefined) {
      throw invalidArgument("data", data, "said by a member; this one only looks on");
    }
    const { address } = lease.wanted;
    return lease.tell(checkStanding({ address, data: checkData(data) }));
  }

  async leave(options: MembershipWaitOptions = {}): Promise<void> {
    const { signal } = knownOptions("options", options, ["signal"]);
    const isOpen = !this.#lifecycle.isClosed;
    const closed = this.close();
    if (isOpen && this.#self !== undefined) {
      this.#self = { ...this.#self, state: "left", sinceMs: this.#nowMs };
      await this.#lease?.leave(this.#lifecycle.closedError(), signal);
    }
    return closed;
  }

  close(): Promise<void> {
    return this.#lifecycle.close(0, () => {
      this.#lease?.stop(this.#lifecycle.closedError());
      this.#watchers.end();
      this.#tell();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  get #nowMs(): Ms {
    return this.#runtime.time.monotonicMs();
  }

  #take(event: LeaseEvent): void {
    const { changes, invalid } = this.#view.take(event, this.#nowMs);
    for (const change of changes) {
      // Of itself it knows better than the store.
      if (change.member.id !== this.#self?.id) this.#changed(change);
    }
    if (invalid !== undefined) {
      this.#events.recordInvalid.publish({ ...this.#subject, ...invalid });
    }
    if (event.kind === "stale") this.#stale(event.sinceMs);
    if (event.kind === "synced") {
      this.#isStale = false;
      this.#watchers.synced();
    }
    this.#tell();
  }

  #stale(sinceMs: Ms): void {
    this.#isStale = true;
    this.#watchers.stale(sinceMs);
  }

  #changed(change: MemberChanged): void {
    const { id, incarnation, state } = change.member;
    this.#watchers.tell(change);
    if (!this.#events.changed.hasSubscribers) return;
    const facts = { change: change.kind, member: id, incarnation, state };
    this.#events.changed.publish({ ...this.#subject, ...facts });
  }

  /** The watch itself broke: what it has told is as old as its end. */
  #watchFailed(error: unknown, failures: number): void {
    this.#failed("watch", error, failures);
    this.#stale(this.#nowMs);
  }

  #held(held: Held, before: Held | undefined): void {
    const { born: incarnation } = held;
    const isFirst = this.#self?.incarnation === 0;
    this.#problem = undefined;
    const back = isFirst ? "joined" : "recovered";
    const kind = before === undefined ? back : "updated";
    this.#changeSelf(kind, { state: "alive", incarnation, ...held.standing });
  }

  #changeSelf(kind: MemberChanged["kind"], change: Partial<Member>): void {
    const before = this.#self;
    if (before === undefined || this.#lifecycle.isClosed) return;
    const sinceMs = kind === "updated" ? before.sinceMs : this.#nowMs;
    this.#self = { ...before, ...change, sinceMs };
    this.#changed({ kind, member: this.#self });
    this.#tell();
  }

  #refused(holder: LeaseHolder | undefined, forMs: Ms): Ms {
    const { conflictWaitMs, ttlMs } = this.#options;
    const leftMs = conflictWaitMs - forMs;
    if (leftMs > 0) return Math.min(ttlMs, leftMs);
    this.#problem = conflictError(this.#subject, holder, forMs);
    this.#events.nameTaken.publish({ ...this.#subject, forMs });
    this.#tell();
    return ttlMs;
  }

  #failed(operation: FailedOperation, error: unknown, failures: number): void {
    const code: ErrorCode | "UNKNOWN" = isQuorateError(error) ? error.code : "UNKNOWN";
    this.#events.failed.publish({ ...this.#subject, operation, code, failures });
    if (!isQuorateError(error) || error.retryable) return;
    this.#problem = error;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = deferred();
  }
}

function conflictError(
  { group, self: member }: LeaseMemberSubject,
  holder: LeaseHolder | undefined,
  forMs: Ms,
): QuorateError {
  const found = decodeStanding(holder?.data, holder?.fencingToken ?? 0);
  const address = found.ok ? found.standing.address : "";
  const where = address === "" ? "" : ` at ${show(address)}`;
  const message =
    `another process${where} has been ${show(member)} of ${show(group)} for ${Math.round(forMs)} ` +
    `ms; give each member a name of its own`;
  return new QuorateError("MEMBER_CONFLICT", message, {
    effect: "none",
    details: { member, address },
  });
}
