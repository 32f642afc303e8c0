/**
 * The heartbeat of a wired link: when silence becomes news, and when it becomes death.
 *
 * Silence is counted in beats, not in milliseconds: a process that was paused wakes up to one late
 * beat, and what arrived meanwhile is heard before the next. A beat without a sign of the server
 * asks for one. After two the link is told silent, after five dead. The first sign after a told
 * silence is not trusted yet: what was sent meanwhile may still be under way, so one more answer
 * is waited for, which by the order of messages comes after all of it.
 */
import type { Runtime, Timer } from "@quorate/core";

const BEAT_MS = 1_000;
const SILENT_BEATS = 2;
const DEAD_BEATS = 5;

/** What a heartbeat may do. */
export interface HeartbeatHooks {
  /** Asks for a sign of life; `onAnswer` runs when it arrives. */
  readonly ping: (onAnswer: () => void) => void;
  readonly silent: (sinceMs: number) => void;
  readonly heard: () => void;
  readonly dead: () => void;
}

/** Judges one connection's silence. */
export class Heartbeat {
  readonly #runtime: Pick<Runtime, "time">;
  readonly #hooks: HeartbeatHooks;
  #timer: Timer | undefined;
  #silentBeats = 0;
  #heardMs = 0;
  #silence: "none" | "told" | "ending" = "none";

  constructor(runtime: Pick<Runtime, "time">, hooks: HeartbeatHooks) {
    this.#runtime = runtime;
    this.#hooks = hooks;
  }

  /** A connection begins. */
  start(): void {
    this.stop();
    this.hear();
    this.#beatLater();
  }

  /** It is over. */
  stop(): void {
    this.#timer?.cancel();
    this.#silence = "none";
  }

  /** Something arrived. */
  hear(): void {
    this.#silentBeats = 0;
    this.#heardMs = this.#runtime.time.monotonicMs();
    if (this.#silence !== "told") return;
    this.#silence = "ending";
    this.#hooks.ping(() => {
      if (this.#silence !== "ending") return;
      this.#silence = "none";
      this.#hooks.heard();
    });
  }

  #beatLater(): void {
    const beat = (): void => this.#beat();
    this.#timer = this.#runtime.time.setTimer(BEAT_MS, beat, { keepAlive: false });
  }

  #beat(): void {
    this.#beatLater();
    this.#silentBeats += 1;
    if (this.#silentBeats >= DEAD_BEATS) return this.#hooks.dead();
    if (this.#silentBeats >= SILENT_BEATS && this.#silence === "none") {
      this.#silence = "told";
      this.#hooks.silent(this.#heardMs);
    }
    this.#hooks.ping(() => {});
  }
}
