/**
 * Asking for a key: the way from a call to an answer, or to a run.
 *
 * First this process's own runs, then the store by the claim itself, which answers with what is
 * there. What follows is in the machine's table; here it is acted on.
 */
import type { Ms } from "@quorate/core";
import { readAnswer } from "./answers.ts";
import type { Answered, Begun } from "./begun.ts";
import type { Call } from "./call.ts";
import { claim, type Claimed } from "./claims.ts";
import { type Desk, type Found, isAnswer, judge } from "./desk.ts";
import { inFlightError, mismatchError } from "./errors.ts";
import type { ReplayedEvent } from "./events.ts";
import type { Flight, FlightEnd } from "./flights.ts";
import type { Clocks } from "./local-cache.ts";
import { decide } from "./machine.ts";
import { Patience, type Turn } from "./patience.ts";
import type { StoredAnswer } from "./record.ts";
import { type News, Vigils } from "./vigils.ts";

/** After its lease's end by our count: the store may count from a little later. */
const LEASE_END_SLACK_MS = 5;
/** A look now and then, whatever a lease says. */
const LONGEST_LOOK_MS = 60_000;

/** What a wait came to. */
type Came = Extract<Claimed<never>, { kind: "found" }>;

const NOTHING: Came = { kind: "found", found: undefined, decision: "claim" };

/** Asks for keys. */
export class Asking {
  readonly #desk: Desk;
  readonly #patience: Patience;
  readonly #vigils: Vigils;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#patience = new Patience(desk.runtime, desk.lifecycle, desk.options.maxWaiting);
    this.#vigils = new Vigils(desk.kv);
  }

  /** The answer for `call`, or its run. */
  async ask<T>(call: Call): Promise<Begun<T>> {
    const { cache, flights } = this.#desk;
    const cached = cache?.get(call.storeKey, call.fingerprint);
    if (cached !== undefined) return this.#replay(call, cached, "cache");
    let turn: Turn | undefined;
    for (;;) {
      const flight = flights.at(call.storeKey);
      if (flight !== undefined) {
        turn ??= this.#patience.turn(call);
        const end = await this.#join(turn, flight);
        if (end.kind === "answered") return this.#replay(call, end.answer, "joined");
        continue;
      }
      const since = cache?.reading();
      let step: Claimed<T> = await claim(this.#desk, call, "absent", 1);
      // Until it is ours, answered, or gone: then it is asked for afresh.
      while (step.kind === "found" && step.found !== undefined) {
        const { decision, found } = step;
        if (decision === "mismatch") throw this.#mismatch(call);
        if (decision === "replay" && isAnswer(found.record)) {
          if (since !== undefined) this.#remember(call, found, since);
          return this.#replay(call, found.record, "store");
        }
        if (decision === "take-over") {
          const { entry, record } = found;
          step = await claim(this.#desk, call, entry.revision, record.attempt + 1);
        } else {
          turn ??= this.#patience.turn(call);
          step = await this.#wait(turn, found);
        }
      }
      if (step.kind === "run") return { kind: "claimed", execution: step.run };
    }
  }

  /** Waits for a run of this process. */
  #join(turn: Turn, flight: Flight): Promise<FlightEnd> {
    const { call } = turn;
    if (flight.fingerprint !== call.fingerprint) throw this.#mismatch(call);
    this.#mayWait(call, flight.leaseLeftMs);
    return this.#patience.wait(turn, flight.leaseLeftMs, (done) => flight.onEnd(done));
  }

  /** Waits until what was found has changed: resolves to what came, or to nothing: look again. */
  #wait(turn: Turn, found: Found): Promise<Came> {
    const { call } = turn;
    this.#mayWait(call, found.leaseLeftMs);
    const { time } = this.#desk.runtime;
    return this.#patience.wait<Came>(turn, found.leaseLeftMs, (done) => {
      let { revision } = found.entry;
      const lookAfter = (leaseLeftMs: Ms): (() => void) => {
        const delayMs = Math.min(leaseLeftMs + LEASE_END_SLACK_MS, LONGEST_LOOK_MS);
        const timer = time.setTimer(delayMs, () => done(NOTHING));
        return () => timer.cancel();
      };
      let cancel = lookAfter(found.leaseLeftMs);
      const leave = this.#vigils.watch(call.storeKey, call.key, (news: News) => {
        if (news.revision <= revision) return;
        ({ revision } = news);
        if (news.kind === "look") return done(NOTHING);
        const asker = { owner: undefined, fingerprint: call.fingerprint };
        const decision = decide("ask", judge(news.found, asker));
        if (decision !== "wait") return done({ kind: "found", found: news.found, decision });
        cancel();
        cancel = lookAfter(news.found.leaseLeftMs); // It was renewed.
      });
      return () => {
        cancel();
        leave();
      };
    });
  }

  #mayWait(call: Call, leaseLeftMs: Ms): void {
    if (call.concurrent === "wait") return;
    throw inFlightError(call.key, "the call does not wait", leaseLeftMs);
  }

  #mismatch({ key, scope }: Call): Error {
    const { mismatch } = this.#desk.events;
    if (mismatch.hasSubscribers) mismatch.publish({ key, scope });
    return mismatchError(key);
  }

  #replay<T>(call: Call, answer: StoredAnswer, from: ReplayedEvent["from"]): Answered<T> {
    const { events, options } = this.#desk;
    const answered = readAnswer<T>(answer, options.codec, call.key, true);
    if (events.replayed.hasSubscribers) {
      events.replayed.publish({ key: call.key, scope: call.scope, from });
    }
    return answered;
  }

  #remember(call: Call, { entry, record }: Found, since: Clocks): void {
    if (!isAnswer(record)) return;
    const { state, text, atMs } = record;
    const answer = { state, text, atMs };
    const keptMs = entry.expiresInMs ?? Infinity;
    const { fingerprint } = record;
    this.#desk.cache?.put(call.storeKey, { fingerprint, answer, keptMs }, since);
  }
}
