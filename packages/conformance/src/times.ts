/**
 * How long things take here: as short as the engine's declared bounds allow.
 */
import type { Backend } from "@quorate/core";
import type { CaseContext } from "./case.ts";

/** What a busy machine may add to any timer. */
const SLACK_MS = 30;
/** Of claim windows: a grantee that does not confirm within this has lost its turn. */
export const CLAIM_WINDOW_MS = 500;

/** A TTL that is over soon, and that two round trips on a busy machine do not eat up. */
export function shortTtlMs(backend: Backend): number {
  return Math.max(200, backend.capabilities.minTtlMs);
}

/** Lets a TTL that was taken before now run out, as any observer sees it. */
export function afterExpiry(t: CaseContext, backend: Backend, ttlMs: number): Promise<void> {
  return t.pass(ttlMs + backend.capabilities.expiryLagMs + SLACK_MS);
}
