/**
 * Forgetting a key, on somebody's word, and what is known of a key in words for people.
 */
import { boolean, boundedString, isQuorateError, knownOptions } from "@quorate/core";
import { readAnswer } from "./answers.ts";
import type { Answered } from "./begun.ts";
import { placeOf } from "./call.ts";
import type { Codec } from "./codec.ts";
import { type Desk, type Found, isAnswer } from "./desk.ts";
import { inFlightError } from "./errors.ts";
import { checkSignal } from "./options.ts";
import type { Forgotten, ForgetOptions, KeyFacts, KeyState } from "./peek.ts";
import type { StoredAnswer } from "./record.ts";

/** A record under which others write all the time is not forgotten by trying for ever. */
const FORGET_TRIES = 10;

/** Removes the record of `key`, against the revision that was looked at. */
export async function forgetKey(
  desk: Desk,
  key: string,
  options: ForgetOptions,
): Promise<Forgotten> {
  knownOptions("options", options, ["scope", "by", "why", "evenIfRunning", "signal"]);
  const place = placeOf(desk.options.name, key, options.scope);
  const by = boundedString("by", options.by, 256);
  const why = boundedString("why", options.why, 1_024);
  const evenIfRunning = boolean("evenIfRunning", options.evenIfRunning ?? false);
  const signal = checkSignal(options.signal);
  for (let tries = 1; ; tries += 1) {
    const found = await desk.look(place, signal);
    desk.cache?.delete(place.storeKey);
    if (found === undefined) return undefined;
    const { entry, leaseLeftMs } = found;
    if (leaseLeftMs > 0 && !evenIfRunning) {
      throw inFlightError(key, "it is not forgotten unless evenIfRunning is set", leaseLeftMs);
    }
    const state = keyStateOf(found, desk.options.codec);
    const { ok } = await desk.kv.delete(place.storeKey, { expect: entry.revision, signal });
    if (ok) {
      desk.cache?.delete(place.storeKey);
      const flight = desk.flights.at(place.storeKey);
      // Its answer will not count: from now on nobody waits for it.
      if (flight !== undefined) desk.flights.remove(place.storeKey, flight);
      const { forgotten } = desk.events;
      if (forgotten.hasSubscribers) {
        const { scope } = place;
        const { fencingToken } = state;
        forgotten.publish({ key, scope, by, why, state: state.state, fencingToken });
      }
      return state;
    }
    if (tries === FORGET_TRIES) throw inFlightError(key, "it changes all the time", leaseLeftMs);
  }
}

/** What `found` says. @throws RECORD_INVALID */
export function keyStateOf({ entry, record, leaseLeftMs }: Found, codec: Codec): KeyState {
  const facts: KeyFacts = {
    key: record.key,
    scope: record.scope,
    fencingToken: record.fencingToken ?? entry.revision,
    attempt: record.attempt,
    expiresInMs: entry.expiresInMs ?? Infinity,
  };
  if (!isAnswer(record)) {
    return leaseLeftMs > 0
      ? { state: "in-flight", leaseLeftMs, ...facts }
      : { state: "lapsed", ...facts };
  }
  const completedAtMs = record.atMs;
  const answered = read(record, codec);
  switch (answered.kind) {
    case "replay":
      return { state: "completed", value: answered.value, completedAtMs, ...facts };
    case "refused": {
      const { reason, data } = answered.error.details;
      const more = data === undefined ? {} : { data };
      return { state: "refused", reason, completedAtMs, ...more, ...facts };
    }
    case "failed":
      return { state: "failed", error: answered.error, completedAtMs, ...facts };
  }
}

/** Reads an answer; one that could not be stored is a failure to look at. */
function read(record: StoredAnswer & { readonly key: string }, codec: Codec): Answered {
  try {
    return readAnswer(record, codec, record.key, true);
  } catch (error) {
    if (!isQuorateError(error, "RESULT_UNENCODABLE")) throw error;
    return { kind: "failed", error, replayed: true };
  }
}
