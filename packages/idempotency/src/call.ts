/**
 * A call, prepared: everything that depends on the caller's values, taken before anything runs.
 *
 * The place in the store is a hash of scope and key. So no text of a user ever reaches the key
 * space, whatever is in it, and equal keys of two scopes lie apart.
 */
import { hash } from "node:crypto";
import { boundedString, knownOptions, type Ms } from "@quorate/core";
import { fingerprint } from "./fingerprint.ts";
import {
  CALL_NAMES,
  checkDefaults,
  type CheckedDefaults,
  checkScope,
  checkSignal,
  type Concurrent,
  MAX_KEY_BYTES,
  type OnError,
  type RunOptions,
} from "./options.ts";

/** A key, and where its record lies. */
export interface Place {
  readonly key: string;
  readonly scope: string | undefined;
  /** In the store: `name/<hash>`. */
  readonly storeKey: string;
}

/** A call. */
export interface Call extends Place {
  /** "": not compared. */
  readonly fingerprint: string;
  readonly ttlMs: Ms;
  readonly leaseMs: Ms;
  readonly concurrent: Concurrent;
  readonly waitMs: Ms;
  readonly onError: OnError;
  readonly signal: AbortSignal | undefined;
}

const NAMED = { name: "fingerprint" };

/** Where `key` of `scope` lies in the collection `name`. */
export function placeOf(name: string, key: string, scope: string | undefined): Place {
  boundedString("key", key, MAX_KEY_BYTES);
  checkScope(scope);
  // Its length keeps a scope's end from being taken for the key's beginning.
  const text = scope === undefined ? `-:${key}` : `${scope.length}:${scope}${key}`;
  return { key, scope, storeKey: `${name}/${hash("sha256", text, "base64url")}` };
}

/** Checks a call's options and takes what it needs of them. */
export function prepare(
  name: string,
  key: string,
  options: RunOptions | undefined,
  defaults: CheckedDefaults,
): Call {
  if (options !== undefined) knownOptions("options", options, CALL_NAMES);
  const place = placeOf(name, key, options?.scope);
  const request = options?.fingerprint;
  const { ttlMs, leaseMs, concurrent, waitMs, onError } =
    options === undefined ? defaults : checkDefaults(options, defaults);
  // Field by field: fields added after a spread cost microseconds on Node 20.
  return {
    key,
    scope: place.scope,
    storeKey: place.storeKey,
    fingerprint: request === undefined ? "" : fingerprint(request, NAMED),
    ttlMs,
    leaseMs,
    concurrent,
    waitMs,
    onError,
    signal: checkSignal(options?.signal),
  };
}
