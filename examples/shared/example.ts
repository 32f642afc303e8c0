/**
 * What an example is made of: a `play`, and the roles of those who play in it.
 *
 * A role is what one process of a service does. On Redis and NATS each player of it is a process
 * of its own, which is killed by SIGKILL and stopped by SIGSTOP. The memory engine lives in one
 * process: there each player has a link to one store and a runtime of its own, which are cut and
 * frozen.
 */
import type { Backend } from "quorate/core";
import type { ConnectOptions } from "quorate";

/** What a file `examples/<name>/main.ts` exports, besides its roles. */
export interface Example {
  /** Tells the story, and checks its outcome. */
  play(stage: Stage): Promise<void>;
}

/** What one process does: opens its part, and returns how to end it. */
export type Role<Message> = (
  self: Player<Message>,
) => Promise<{ close(): Promise<void> | undefined }>;

/** A process, as it sees itself. */
export interface Player<Message> {
  readonly name: string;
  /** For `connect`: a URL, or a handle on the store in memory. */
  readonly engine: string | Backend;
  /** For `connect`, too: the name, and what keeps several runs on one server apart. */
  readonly options: Pick<ConnectOptions, "name" | "namespace">;
  /** What the story tells it at its start. */
  readonly note: string;
  /** Tells the story. Resolves when it was sent. */
  tell(message: Message): Promise<void>;
  /** Stops this whole process at this very line, until the story wakes it. */
  freeze(): Promise<void>;
  /**
   * Aborts when a player in memory is killed: sockets must be closed then, as the end of a process
   * does. Never aborts in a process of its own.
   */
  readonly killed: AbortSignal;
}

/** A process, as the story sees it. */
export interface Actor {
  readonly name: string;
  /** Ends it with no chance to say a word: `kill -9`. */
  kill(): Promise<void>;
  /** Wakes it from `freeze`. */
  wake(): void;
  /** Ends it as a deploy does. */
  close(): Promise<void>;
}

/** How to start a player. */
export interface StartOptions<Message> {
  /** Hears what the player tells. */
  readonly hear?: (message: Message) => void;
  readonly note?: string;
  /** In a process of its own on every engine: for a role that does not use the engine. */
  readonly apart?: boolean;
}

/** Where a story is told. */
export interface Stage {
  /** For the story's own `connect`. */
  readonly engine: string | Backend;
  readonly options: Pick<ConnectOptions, "namespace">;
  /** Starts a process of the service; resolves when its role has opened. */
  start<Message>(
    role: Role<Message>,
    name: string,
    options?: StartOptions<Message>,
  ): Promise<Actor>;
  /** A line for people, with the time. */
  say(line: string): void;
  /** What was promised, and whether it is so. */
  check(claim: string, holds: boolean): void;
}
