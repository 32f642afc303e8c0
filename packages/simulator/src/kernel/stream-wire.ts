/**
 * A stream connection between a process and a store, as TCP would give it.
 *
 * It is made again by itself after each reset, so the store's client sees one wire with gaps in
 * it. A partition holds messages until it heals: nobody is told, as with real sockets. A reset
 * loses what is under way and is told to each end after a message's time; a half-open connection
 * swallows everything until its keep-alive ends it. When a process closes, what it had sent still
 * arrives, and then the end of the connection; when its machine vanishes, the store learns of it
 * only from its own keep-alive.
 */
import type { Wire, WireEnd } from "@quorate/memory";
import { delayUs } from "./conditions.ts";
import type { DeathManner, SimNode } from "./node.ts";
import type { Route } from "./route.ts";
import type { Scheduler } from "./scheduler.ts";
import { StreamHalf } from "./stream-half.ts";

/** An end that hears nothing takes its peer for gone after this. */
export const KEEP_ALIVE_MS = 10_000;

/** What a wire asks of its network. */
export interface WireHost {
  readonly scheduler: Scheduler;
  nextMessageId(): number;
  stalled(half: StreamHalf): void;
  closed(wire: StreamWire): void;
}

/** One connection. */
export class StreamWire implements Wire {
  readonly process: SimNode;
  readonly store: SimNode;
  readonly #host: WireHost;
  readonly #incarnation: number;
  readonly #up: StreamHalf;
  readonly #down: StreamHalf;
  readonly #listeners = new Set<(end: WireEnd) => void>();
  #forgetStore: () => void;
  /** Swallows everything; the number tells which half-open spell it is. */
  #swallows = 0;
  #spells = 0;
  #isRefusing = false;

  constructor(routes: { readonly up: Route; readonly down: Route }, host: WireHost) {
    this.process = routes.up.from;
    this.store = routes.up.to;
    this.#host = host;
    this.#incarnation = this.process.incarnation;
    const { scheduler } = host;
    const own = {
      scheduler,
      nextMessageId: () => host.nextMessageId(),
      stalled: (half: StreamHalf) => host.stalled(half),
      overflowed: () => this.reset(),
    };
    this.#up = new StreamHalf(routes.up, own);
    this.#down = new StreamHalf(routes.down, own);
    this.process.onEnd((manner) => this.#processEnded(manner));
    this.#forgetStore = this.store.onEnd((manner) => this.#storeEnded(manner));
  }

  toStore(deliver: () => void, label = "request"): void {
    if (!this.#isProcessAlive) return;
    this.process.send(() => {
      if (this.store.state === "dead") return this.#refuse();
      if (this.#swallows === 0) this.#up.send(deliver, label);
    });
  }

  toProcess(deliver: () => void, label = "answer"): void {
    if (!this.#isProcessAlive) return;
    this.store.send(() => {
      if (this.#isProcessAlive && this.#swallows === 0) this.#down.send(deliver, label);
    });
  }

  onReset(listener: (end: WireEnd) => void): void {
    this.#listeners.add(listener);
  }

  /** Breaks the connection: what is under way is lost, and each end is told. */
  reset(): void {
    this.#host.scheduler.witness.count("connection reset");
    this.#swallows = 0;
    this.#loseAll();
    this.#tellLater("process", this.#down.route);
    this.#tellLater("store", this.#up.route);
  }

  /** Nothing arrives in either direction, and nobody knows, for `ms`; then it is reset. */
  halfOpen(ms: number): void {
    this.#loseAll();
    this.#spells += 1;
    const spell = this.#spells;
    this.#swallows = spell;
    this.#host.scheduler.schedule(ms * 1_000, undefined, "connection", () => {
      if (this.#swallows === spell) this.reset();
    });
  }

  /** Ends a half-open spell at once. */
  heal(): void {
    if (this.#swallows !== 0) this.reset();
  }

  get #isProcessAlive(): boolean {
    return this.process.state !== "dead" && this.process.incarnation === this.#incarnation;
  }

  #loseAll(): void {
    this.#up.clear();
    this.#down.clear();
  }

  #tellLater(end: WireEnd, route: Route): void {
    const inUs = delayUs(route.conditions, route.key, route.nextCount());
    route.to.schedule(inUs, "connection", () => this.#tell(end));
  }

  #tell(end: WireEnd): void {
    const { witness, nowUs } = this.#host.scheduler;
    const [here, there] = end === "store" ? [this.store, this.process] : [this.process, this.store];
    witness.line(nowUs, here.name, "state", `connection with ${there.name} was reset`);
    for (const listener of [...this.#listeners]) listener(end);
  }

  /** Nobody listens there: the process hears of it after a way there and back. */
  #refuse(): void {
    if (this.#isRefusing) return;
    this.#isRefusing = true;
    const { route } = this.#down;
    const onceUs = delayUs(route.conditions, route.key, route.nextCount());
    this.process.schedule(2 * onceUs, "connection", () => {
      this.#isRefusing = false;
      this.#tell("process");
    });
  }

  #processEnded(manner: DeathManner): void {
    this.#down.clear();
    this.#forgetStore();
    this.#host.closed(this);
    if (manner === "closes" && this.#swallows === 0) {
      return this.#up.send(() => this.#tell("store"), "end of connection");
    }
    this.#up.clear();
    this.store.schedule(KEEP_ALIVE_MS * 1_000, "connection", () => this.#tell("store"));
  }

  #storeEnded(manner: DeathManner): void {
    if (!this.#isProcessAlive) return;
    this.#forgetStore = this.store.onEnd((again) => this.#storeEnded(again)); // Its next life's.
    this.#up.clear();
    if (manner === "vanishes") {
      this.#down.clear();
      const mine = (): void => this.#tell("process");
      return void this.process.schedule(KEEP_ALIVE_MS * 1_000, "connection", mine);
    }
    this.#down.send(() => this.#tell("process"), "end of connection");
  }
}
