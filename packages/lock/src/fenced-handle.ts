/**
 * A resource in the hands of the holder that opened it.
 *
 * Two refusals stand in the way of a late write: the holder's own clocks, which cost nothing, and
 * the floor in the store, which is the one that counts.
 *
 * A write without an answer may still be on its way, and could land after the next one of the same
 * holder, whose token is just as good. So the doubt is settled before anything else is done.
 */
import { checkValue, type FencingToken, isQuorateError, type Resolve } from "@quorate/core";
import type { FenceCall, FenceStore } from "./fence-store.ts";
import type { Fenced, TokenHolder } from "./fenced.ts";
import { demandTaken } from "./stale-token.ts";

/** What a handle is made of. */
export interface FencedParts {
  readonly store: FenceStore;
  readonly holder: TokenHolder;
  readonly key: string;
  readonly resource: string;
}

/** See `Fenced`. */
export class FencedHandle implements Fenced {
  readonly safety = "fenced" as const;
  readonly resource: string;
  readonly fencingToken: FencingToken;
  readonly #parts: FencedParts;
  #doubt: Resolve | undefined;

  constructor(parts: FencedParts) {
    this.#parts = parts;
    this.resource = parts.resource;
    this.fencingToken = parts.holder.fencingToken;
  }

  async read(call?: FenceCall): Promise<Uint8Array | undefined> {
    const { store, key, resource } = this.#parts;
    this.#parts.holder.check();
    if (this.#doubt !== undefined) await this.#settle(this.#doubt, call);
    const record = await store.read(key, call);
    const floor = record?.floor ?? 0;
    if (floor > this.fencingToken) demandTaken(resource, this.fencingToken, { ok: false, floor });
    this.#parts.holder.check();
    return record === undefined || record.payload.byteLength === 0 ? undefined : record.payload;
  }

  async write(payload: Uint8Array | string, call?: FenceCall): Promise<void> {
    await this.#advance(checkPayload(payload), call);
  }

  async admit(call?: FenceCall): Promise<void> {
    await this.#advance(undefined, call);
  }

  async #advance(payload: Uint8Array | undefined, call: FenceCall | undefined): Promise<void> {
    const { store, holder, key, resource } = this.#parts;
    holder.check();
    if (this.#doubt !== undefined) {
      await this.#settle(this.#doubt, call);
      holder.check();
    }
    try {
      demandTaken(
        resource,
        this.fencingToken,
        await store.advance(key, this.fencingToken, payload, call),
      );
    } catch (error) {
      // Only a payload can do harm late; raising a floor twice to the same token is once.
      if (payload !== undefined && isQuorateError(error)) this.#doubt = error.resolve;
      throw error;
    }
  }

  async #settle(resolve: Resolve, call: FenceCall | undefined): Promise<void> {
    await resolve(call?.signal === undefined ? {} : { signal: call.signal });
    this.#doubt = undefined;
  }
}

/** Copied: the caller may reuse its buffer while the write is on its way. */
function checkPayload(payload: Uint8Array | string): Uint8Array {
  return new Uint8Array(checkValue("payload", payload, Infinity));
}
