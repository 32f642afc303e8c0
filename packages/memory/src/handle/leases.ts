/**
 * Leases of one process: requests checked, sent over its link, and lines turned into states.
 */
import {
  type CallOptions,
  checkCall,
  checkClaim,
  checkLease,
  checkName,
  checkTarget,
  compareNames,
  type Grant,
  invalidArgument,
  type LeaseEvent,
  type LeaseRequest,
  type LeaseState,
  type LeaseStore,
  type ListOptions,
  position,
  positiveInteger,
  type Refusal,
  type ReleasableGrant,
  type Renewal,
  ttl,
  type WatchOptions,
} from "@quorate/core";
import { toLeaseState } from "./entry.ts";
import { Acquisition } from "./lease-acquire.ts";
import type { LeaseWaits } from "./lease-waits.ts";
import { LeaseWatch } from "./lease-watch.ts";
import type { Process } from "./process.ts";

const DEFAULT_PAGE_SIZE = 500;

/** Claims with a time, over one link. */
export class MemoryLeases implements LeaseStore {
  readonly #process: Process;
  readonly #waits: LeaseWaits;

  constructor(process: Process, waits: LeaseWaits) {
    this.#process = process;
    this.#waits = waits;
  }

  async acquire(name: string, request: LeaseRequest): Promise<Grant | Refusal> {
    const { lifecycle, bounds } = this.#process;
    lifecycle.assertOpen();
    const checked = checkLease(name, request, bounds);
    return lifecycle.track(new Acquisition(this.#process, this.#waits, checked).run());
  }

  async renew(grants: readonly Grant[], options?: CallOptions): Promise<readonly Renewal[]> {
    const { lifecycle, bounds, space, link } = this.#process;
    lifecycle.assertOpen();
    const call = checkCall(options, bounds);
    if (!Array.isArray(grants)) throw invalidArgument("grants", grants, "an array of grants");
    const claims = grants.map((grant: Grant) => {
      const { name, owner, fencingToken, ttlMs } = checkClaim(grant);
      const token = position("grant.fencingToken", fencingToken);
      return { name, owner, token, ttlMs: ttl("grant.ttlMs", ttlMs, bounds.minTtlMs) };
    });
    if (claims.length === 0) return [];
    const run = (): Renewal[] =>
      claims.map(({ name, ...claim }) => {
        const { answer } = space.lease(name, { kind: "renew", ...claim });
        return answer.kind === "renewed" ? "renewed" : "lost";
      });
    const exchange = { operation: "leases.renew", kind: "write", ...call, run } as const;
    return lifecycle.track(link.call(exchange));
  }

  async release(grant: ReleasableGrant, options?: CallOptions): Promise<"released" | "expired"> {
    const { lifecycle, bounds, space, link } = this.#process;
    lifecycle.assertOpen();
    const call = checkCall(options, bounds);
    const { name, owner, fencingToken: token } = checkClaim(grant);
    const run = (): "released" | "expired" => {
      const { answer } = space.lease(name, { kind: "release", owner, token });
      return answer.kind === "released" ? "released" : "expired";
    };
    const operation = "leases.release";
    const exchange = { operation, key: name, kind: "write", ...call, run } as const;
    return lifecycle.track(link.call(exchange));
  }

  async inspect(name: string, options?: CallOptions): Promise<LeaseState> {
    const { lifecycle, bounds, space } = this.#process;
    lifecycle.assertOpen();
    checkName("name", name);
    const call = checkCall(options, bounds);
    return this.#process.read("leases.inspect", call, () => {
      const { line, nowMs } = space.lease(name, { kind: "tick" });
      return toLeaseState(name, line, nowMs);
    });
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<LeaseState> {
    const { lifecycle, bounds, space } = this.#process;
    const target = checkPrefix(prefix);
    const pageSize = positiveInteger("pageSize", options?.pageSize ?? DEFAULT_PAGE_SIZE);
    let after: string | undefined;
    for (;;) {
      lifecycle.assertOpen();
      const call = checkCall(options, bounds);
      const from = after;
      const nextPage = (): LeaseState[] => {
        const { lines, nowMs } = space.lines(target);
        return lines
          .filter(([name]) => from === undefined || compareNames(name, from) > 0)
          .sort(([left], [right]) => compareNames(left, right))
          .slice(0, pageSize)
          .map(([name, line]) => toLeaseState(name, line, nowMs));
      };
      const page = await this.#process.read("leases.list", call, nextPage);
      yield* page;
      if (page.length < pageSize) return;
      after = page.at(-1)?.name;
    }
  }

  watch(target: string, options?: WatchOptions): AsyncIterableIterator<LeaseEvent> {
    this.#process.lifecycle.assertOpen();
    checkTarget("target", target);
    return new LeaseWatch(this.#process, target, options?.signal).feed;
  }
}

function checkPrefix(prefix: string): string {
  checkTarget("prefix", prefix);
  if (prefix === "" || prefix.endsWith("/")) return prefix;
  throw invalidArgument("prefix", prefix, "empty or ending in '/'");
}
