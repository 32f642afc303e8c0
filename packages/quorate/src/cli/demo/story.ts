/**
 * What a demo is made of: a story that the parent tells, and roles that its processes play.
 *
 * The parent is the world outside: what a role does that others could see (a charge, a parcel, a
 * line in a file) it asks of the parent, which keeps the books. So whether a promise was kept is
 * judged by somebody who was not killed.
 */
import type { Runtime } from "@quorate/core";
import type { ConnectOptions } from "../../connect.ts";
import type { Quorate } from "../../quorate.ts";

/** A value that travels between processes. */
export type Word =
  | string
  | number
  | boolean
  | null
  | readonly Word[]
  | { readonly [key: string]: Word };

/** One process of a demo, as its role sees it. */
export interface Pod {
  readonly name: string;
  readonly q: Quorate;
  /** Asks the world outside. */
  ask(what: string, word?: Word): Promise<Word>;
  /** Resolves when the parent says so: the end of what a role does by itself. */
  readonly dismissed: Promise<void>;
  /** Stops this process as a long pause does: no timer, no message, nothing, until `thaw`. */
  freeze(): void | Promise<void>;
}

/** What a process does, from its start to its end. */
export type Role = (pod: Pod, word: Word) => Promise<void>;

/** A process that was started. */
export interface Actor {
  readonly name: string;
  /** SIGKILL: nothing of it runs from now on. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Lets it end by itself. Resolves when it is gone. */
  dismiss(): Promise<void>;
  /** Ends its freeze. */
  thaw(): void;
}

/** Answers what the processes ask. */
export type Answerer = (who: string, what: string, word: Word) => Word | Promise<Word>;

/** What a story is told with. */
export interface Stage {
  readonly runtime: Runtime;
  /** The parent's own connection to the store. */
  readonly q: Quorate;
  /** Says what happens, with the time since the beginning. */
  say(line: string): void;
  /** Starts a process; resolves when it plays its role. */
  start(name: string, word?: Word): Promise<Actor>;
  /** Who answers from now on. */
  answer(answerer: Answerer): void;
  /** Waits, and fails when a process ends on its own or it takes too long. */
  until<T>(what: string, promise: Promise<T>): Promise<T>;
}

/** Something that was promised, and whether it was kept. */
export interface Claim {
  readonly claim: string;
  readonly isKept: boolean;
}

/** A demo. */
export interface Demo {
  readonly name: string;
  /** One line for whoever chooses. */
  readonly summary: string;
  /** What to try next. */
  readonly next: string;
  /** How its processes connect. */
  readonly options?: Pick<ConnectOptions, "lock" | "cron" | "worker" | "once" | "discovery">;
  tell(stage: Stage): Promise<readonly Claim[]>;
  readonly role: Role;
}
