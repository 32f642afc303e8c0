/**
 * What every watch does with its link: state, `synced`, changes; `stale` around each outage.
 *
 * It subscribes and asks for the state in one step of the store, so that nothing falls between,
 * and does so afresh after each outage. What the state and the changes mean is the watch's own
 * business: it tells them to `feed`.
 */
import { Feed, type Stale, type Synced } from "@quorate/core";
import type { LinkListener } from "./link.ts";
import type { Process } from "./process.ts";

/** No name can be like these: names have no control characters. */
const SYNCED = "\0synced";
const STALE = "\0stale";

/** What is watched, and how it is told. */
export interface Watched<State, Step> {
  /** At the store: calls `hear` for each step from now on; the answer ends that. */
  subscribe(hear: (step: Step) => void): () => void;
  /** At the store. */
  state(): State;
  /** Tells what is not known yet of the whole state. */
  sync(state: State): void;
  apply(step: Step, nowMs: number): void;
  /** The reader is gone. */
  forget(): void;
}

/** The link's side of a watch, and the feed that its reader holds. */
export class LinkWatch<Event, State, Step> implements LinkListener {
  readonly feed: Feed<Event | Synced | Stale>;
  readonly #process: Process;
  readonly #watched: Watched<State, Step>;
  readonly #onStopping = (): void => this.feed.end();
  #detach: (() => void) | undefined;

  constructor(process: Process, signal: AbortSignal | undefined, watched: Watched<State, Step>) {
    this.#process = process;
    this.#watched = watched;
    this.feed = new Feed<Event | Synced | Stale>({ signal, onEnd: () => this.#stop() });
  }

  /** Begins, unless the reader has gone already. */
  start(signal: AbortSignal | undefined): void {
    const { link, lifecycle } = this.#process;
    if (signal?.aborted === true) return;
    link.listeners.add(this);
    lifecycle.stopping.addEventListener("abort", this.#onStopping, { once: true });
    if (link.isUp) this.up();
    else if (link.downSinceMs !== undefined) this.down(link.downSinceMs);
  }

  down(sinceMs: number): void {
    this.#detach?.();
    this.#detach = undefined;
    this.silent(sinceMs);
  }

  silent(sinceMs: number): void {
    this.feed.retract(SYNCED);
    this.feed.push(STALE, { kind: "stale", sinceMs });
  }

  heard(): void {
    this.#tellSynced();
  }

  /** Asks for the state, in the same step in which it subscribes: nothing falls between. */
  up(): void {
    const { store, link } = this.#process;
    this.#detach?.();
    this.#detach = link.attach((session) => {
      const end = this.#watched.subscribe((step) => {
        const { ms } = store.clock.now();
        session.push(() => this.#watched.apply(step, ms));
      });
      const state = this.#watched.state();
      session.push(() => {
        this.#watched.sync(state);
        this.#tellSynced();
      });
      return end;
    });
  }

  /** Always last: an unread one from before would be in the wrong place. */
  #tellSynced(): void {
    this.feed.retract(SYNCED);
    this.feed.push(SYNCED, { kind: "synced" });
  }

  #stop(): void {
    this.#detach?.();
    this.#detach = undefined;
    this.#watched.forget();
    this.#process.link.listeners.delete(this);
    this.#process.lifecycle.stopping.removeEventListener("abort", this.#onStopping);
  }
}
