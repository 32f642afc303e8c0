/**
 * Grants: what a claimant is handed.
 *
 * A grant in answer to one's own command is whole at once: its window counts from before the
 * command left. A grant by push is another's doing; its window comes from the server's clock (see
 * `ServerClock`) and ends with the claim window until the store has heard from the holder. The
 * grant's `validUntilMs` then moves on: read it where it is needed instead of keeping a copy.
 */
import type { FencingToken, Grant, LeaseWindow, Ms } from "@quorate/core";

/** What a grant says of its claim. */
export interface Claim {
  readonly name: string;
  readonly owner: string;
  readonly weight: number;
  readonly ttlMs: Ms;
}

/** A grant that was the answer to the claimant's own command. */
export function grantOf(claim: Claim, fencingToken: FencingToken, window: LeaseWindow): Grant {
  return {
    granted: true,
    name: claim.name,
    owner: claim.owner,
    fencingToken,
    weight: claim.weight,
    ttlMs: claim.ttlMs,
    validUntilMs: window.validUntilMs,
    validUntilWallMs: window.validUntilWallMs,
  };
}

/** The window of a claim that turned out not to hold. */
const OVER: LeaseWindow = { validUntilMs: -Infinity, validUntilWallMs: -Infinity };

/** A grant by push: what the claimant has, and our end of it. */
export interface HandedGrant {
  readonly grant: Grant;
  /** The store has confirmed it; `window` was opened before asking. */
  confirm(window: LeaseWindow): void;
  /** The store has passed it on: nobody answered within the claim window. */
  revoke(): void;
}

const handed = new WeakMap<object, HandedGrant>();

/** Our end of a grant, if it came by push. */
export function handedGrantOf(grant: object): HandedGrant | undefined {
  return handed.get(grant);
}

/** A grant by push, believed until the end of `first`. */
export function handGrant(
  claim: Claim,
  fencingToken: FencingToken,
  first: LeaseWindow,
): HandedGrant {
  let window = first;
  const { name, owner, weight, ttlMs } = claim;
  const grant: Grant = {
    granted: true,
    name,
    owner,
    fencingToken,
    weight,
    ttlMs,
    get validUntilMs() {
      return window.validUntilMs;
    },
    get validUntilWallMs() {
      return window.validUntilWallMs;
    },
  };
  const hand: HandedGrant = {
    grant,
    confirm: (later) => {
      if (later.validUntilMs > window.validUntilMs) window = later;
    },
    revoke: () => (window = OVER),
  };
  handed.set(grant, hand);
  return hand;
}
