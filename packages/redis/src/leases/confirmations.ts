/**
 * Confirmations: grants by push that are still held after a while are confirmed, many at once.
 *
 * A lock that is held for a few milliseconds is given back long before its claim window ends; a
 * confirmation would cost a third command for nothing. So it waits a fifth of the window, and goes
 * out for all grants then held in one command. Until it has, the holder believes in the claim
 * window only, so one that stands still in between loses by its own clock what the store passes on.
 */
import { isQuorateError, leaseLeftMs, leaseWindow, type Runtime, type Timer } from "@quorate/core";
import { CLAIM_WINDOW_MS } from "../scripts.ts";
import type { Grant } from "@quorate/core";
import type { HandedGrant } from "./grants.ts";

/** How long a grant may stay unconfirmed; four more tries fit into the window. */
export const CONFIRM_AFTER_MS: number = CLAIM_WINDOW_MS / 5;

/** Renews one grant at the store. */
export type ConfirmCall = (grant: Grant) => Promise<"renewed" | "lost">;

/** Confirms the grants of one process. */
export class Confirmations {
  readonly #runtime: Pick<Runtime, "time">;
  readonly #call: ConfirmCall;
  readonly #due = new Map<string, { readonly hand: HandedGrant; readonly atMs: number }>();
  #timer: Timer | undefined;

  constructor(runtime: Pick<Runtime, "time">, call: ConfirmCall) {
    this.#runtime = runtime;
    this.#call = call;
  }

  /** Takes charge of a grant by push. */
  add(hand: HandedGrant): void {
    // So short a lease was granted in full.
    if (hand.grant.ttlMs <= CLAIM_WINDOW_MS) return;
    const atMs = this.#runtime.time.monotonicMs() + CONFIRM_AFTER_MS;
    this.#due.set(keyOf(hand.grant), { hand, atMs });
    this.#arm(CONFIRM_AFTER_MS);
  }

  /** The grant was renewed, or given back: nothing to confirm any more. */
  remove(grant: { readonly name: string; readonly owner: string }): void {
    if (this.#due.size > 0) this.#due.delete(keyOf(grant));
  }

  /** Forgets everything. */
  close(): void {
    this.#due.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer ??= this.#runtime.time.setTimer(delayMs, () => this.#fire(), { keepAlive: false });
  }

  #fire(): void {
    this.#timer = undefined;
    const nowMs = this.#runtime.time.monotonicMs();
    let nextMs = Infinity;
    for (const [key, { hand, atMs }] of this.#due) {
      // Those due within the next half period go along.
      if (atMs > nowMs + CONFIRM_AFTER_MS / 2) nextMs = Math.min(nextMs, atMs - nowMs);
      else {
        this.#due.delete(key);
        void this.#confirm(hand);
      }
    }
    if (nextMs < Infinity) this.#arm(nextMs);
  }

  async #confirm(hand: HandedGrant): Promise<void> {
    const { time } = this.#runtime;
    const { grant } = hand;
    const window = leaseWindow(time, grant.ttlMs);
    try {
      if ((await this.#call(grant)) === "renewed") hand.confirm(window);
      else hand.revoke();
    } catch (error) {
      const again = isQuorateError(error) && error.retryable && leaseLeftMs(time, grant) > 0;
      if (again) this.add(hand);
    }
  }
}

function keyOf({ name, owner }: { readonly name: string; readonly owner: string }): string {
  return `${name}\n${owner}`;
}
