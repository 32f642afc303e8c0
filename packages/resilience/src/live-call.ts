/**
 * A call while it lives: the `Call` that work sees, and what policies need besides.
 *
 * At any time a call does one thing: it waits for a place, sleeps before a retry, or runs the
 * work. That thing is `active`, and is told when the caller cancels. An attempt after the first is
 * a call of its own, derived from the one before it, so that its signal is its own.
 */
import { type Ms, QuorateError, type Runtime } from "@quorate/core";

import type { Call, Repeat, RunOptions, Work } from "./call.ts";

/** What a call is doing, as something that can be ended early. */
export interface Active {
  /** The call is to end now, for this reason. Must not throw. */
  end(reason: unknown): void;
}

/** Why a call was ended early. A reason may be `undefined`, so it is boxed. */
interface Ending {
  readonly reason: unknown;
  /** By the caller, or because another attempt won; not by a deadline. */
  readonly isCancel: boolean;
}

/** One attempt. */
export class LiveCall implements Call, Active {
  readonly runtime: Runtime;
  readonly work: Work<unknown>;
  readonly attempt: number;
  readonly key: string | undefined;
  readonly repeat: Repeat;
  readonly priority: number;
  deadlineMs: Ms = Infinity;
  /** The duration behind the deadline, for the error's text. */
  timeoutMs: Ms = Infinity;
  /** Whether anybody can cancel it. Work that nothing can end early needs nobody to wait for it. */
  mayEnd = false;
  /** The work ends by the deadline itself. */
  readonly keepsDeadline: boolean;
  /** Its deadline had passed when it was made. */
  isOverdue = false;
  /** Whom to tell of a cancel. */
  active: Active | undefined = undefined;
  /** Work that was given up on and runs on, here or in attempts derived from here. */
  leftovers: Set<Promise<void>> | undefined = undefined;
  readonly #parent: LiveCall | undefined;
  #controller: AbortController | undefined = undefined;
  #ending: Ending | undefined = undefined;

  constructor(
    runtime: Runtime,
    work: Work<unknown>,
    options: RunOptions | undefined,
    parent?: LiveCall,
    attempt = 1,
  ) {
    this.runtime = runtime;
    this.work = work;
    this.attempt = attempt;
    this.#parent = parent;
    this.keepsDeadline = parent?.keepsDeadline ?? options?.keepsDeadline === true;
    if (parent !== undefined) {
      this.key = parent.key;
      this.repeat = parent.repeat;
      this.priority = parent.priority;
      this.deadlineMs = parent.deadlineMs;
      this.timeoutMs = parent.timeoutMs;
    } else if (options === undefined) {
      this.key = undefined;
      this.repeat = "unsafe";
      this.priority = 0;
    } else {
      this.key = options.key;
      this.repeat = options.repeat ?? (options.key === undefined ? "unsafe" : "keyed");
      this.priority = options.priority ?? 0;
    }
  }

  /** Another attempt at the same work, under the same deadline. */
  derive(attempt: number): LiveCall {
    const call = new LiveCall(this.runtime, this.work, undefined, this, attempt);
    call.mayEnd = true;
    return call;
  }

  get remainingMs(): Ms {
    if (this.deadlineMs === Infinity) return Infinity;
    return Math.max(0, this.deadlineMs - this.runtime.time.monotonicMs());
  }

  get isCancelled(): boolean {
    return this.#ending?.isCancel === true;
  }

  /** Ended early, by cancel or deadline. */
  get isEnded(): boolean {
    return this.#ending !== undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ending !== undefined) this.#controller.abort(this.#ending.reason);
    }
    return this.#controller.signal;
  }

  check(): void {
    if (this.#ending !== undefined) throw this.#ending.reason;
    if (this.remainingMs === 0) throw this.timeoutError(false);
  }

  /** The caller does not want it any more, or another attempt won. */
  cancel(reason: unknown): void {
    // An attempt that met its own deadline may be followed by others, which this must reach.
    if (this.#ending?.isCancel !== true) this.#end({ reason, isCancel: true });
  }

  /** The deadline has passed. */
  expire(reason: unknown): void {
    if (this.#ending === undefined) this.#end({ reason, isCancel: false });
  }

  /** Whether work that was given up on still runs. */
  get hasLeftovers(): boolean {
    return this.leftovers !== undefined && this.leftovers.size > 0;
  }

  /** As the active part of the call that it was derived from. */
  end(reason: unknown): void {
    this.cancel(reason);
  }

  /** The error of a passed deadline; `ran`: the work had begun, so its outcome is unknown. */
  timeoutError(ran: boolean): QuorateError<"TIMEOUT"> {
    const { timeoutMs } = this;
    const outcome = ran ? "; whether it happened is unknown" : " and was not begun";
    return new QuorateError("TIMEOUT", `the call did not end within ${timeoutMs} ms${outcome}`, {
      effect: ran ? "unknown" : "none",
      details: { operation: "call", timeoutMs },
    });
  }

  /** Remembers work that runs on after its call was given up, until `settled` resolves. */
  leave(settled: Promise<void>): void {
    const leftovers = (this.leftovers ??= new Set());
    leftovers.add(settled);
    // A call that is repeated for ever must not remember for ever.
    void settled.then(() => leftovers.delete(settled));
    this.#parent?.leave(settled);
  }

  #end(ending: Ending): void {
    this.#ending = ending;
    // The waiter first: what the caller is told must be the reason, not what work makes of it.
    this.active?.end(ending.reason);
    this.#controller?.abort(ending.reason);
  }
}
