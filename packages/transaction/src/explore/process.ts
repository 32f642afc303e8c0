/**
 * A process of the explored world, as the rest of it needs to know it.
 */
import type { MemoryBackend } from "@quorate/memory";
import type { Clocked } from "./timeline.ts";

/** One process. Dead ones stay dead: another starts in their place. */
export class ExploredProcess implements Clocked {
  readonly number: number;
  state: "live" | "paused" | "dead" = "live";
  readonly due: (() => void)[] = [];
  /** Its link to the store; set once it has one. */
  link: MemoryBackend["faults"] | undefined;

  constructor(number: number) {
    this.number = number;
  }

  get name(): string {
    return `worker ${this.number}`;
  }

  /** SIGKILL: nothing of it runs or is heard of any more. */
  kill(): void {
    this.state = "dead";
    this.link?.pauseReplies();
  }

  /** SIGSTOP. */
  pause(): void {
    this.state = "paused";
    this.link?.pauseReplies();
  }

  /** SIGCONT. After a stall Node runs the timers that are due, then reads what has arrived. */
  resume(): void {
    this.state = "live";
    for (const callback of this.due.splice(0)) callback();
    this.link?.resumeReplies();
  }
}
