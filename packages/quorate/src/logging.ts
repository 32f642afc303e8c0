/**
 * Logging: one line for each event that somebody on call wants to find, in a logger of your own.
 *
 * Quorate itself writes nothing anywhere. What happens is told on channels, and this puts it into
 * any logger with pino's four methods, facts first and then a sentence: pino, bunyan, the console.
 *
 *     const stop = logTo(pino());
 *     // {"level":40,…,"quorate":{"event":"lock.lost","key":"order/42",…},"msg":"lock.lost: …"}
 *
 * Levels are by meaning: a lost lock is a warning, a stuck saga an error, a change of leadership
 * information. What is part of every call is `debug`, and not even listened to unless asked for.
 *
 * Guarantees: no payload and no secret is logged: names, ids, keys and numbers are, of an error its
 * code, its class, and its words if they are Quorate's own. A logger that throws, rejects or calls
 * back into Quorate breaks nothing.
 * Does not guarantee that every event is a line of a calm log: an outage is told by each that
 * suffers it. Hears nothing of a `runtime` of yours that publishes elsewhere.
 */
import {
  boolean,
  callable,
  CHANNELS,
  type EventLevel,
  invalidArgument,
  isQuorateError,
  knownOptions,
  scrub,
  SharedUse,
} from "@quorate/core";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { levelOf, mayReach } from "./log-levels.ts";

/** What a logger has: pino's shape. `console` and bunyan's loggers have it too. */
export interface Logger {
  /** What happens all the time. */
  debug(facts: object, message: string): void;
  /** What happened, and is as it should be: a leader elected. */
  info(facts: object, message: string): void;
  /** What should be rare: a lock lost, a breaker open. */
  warn(facts: object, message: string): void;
  /** What somebody has to look at: a saga that is stuck. */
  error(facts: object, message: string): void;
}

/** Options of `logTo`. */
export interface LogOptions {
  /** The least that is logged. @default "info" */
  readonly level?: EventLevel;
  /**
   * Whether the words of errors that are not Quorate's are logged, such as what a handler threw.
   * They may hold what your work was given. @default false
   */
  readonly foreignErrors?: boolean;
}

/** Logging. */
export interface Logging extends Disposable {
  /** Logs no more. Twice is fine. */
  close(): void;
}

const LEVELS: readonly EventLevel[] = ["debug", "info", "warn", "error"];
const MAX_CHARACTERS = 256;

/** Two connections with one logger are one line for each event. */
const running = new SharedUse<Logger>();

/**
 * Logs what all of Quorate does in this process, until it is closed. Called again with the same
 * logger it shares what is there, with the options of the first time, until each has closed.
 *
 * @throws INVALID_ARGUMENT the logger lacks a method, or an option is not what it must be.
 * @example
 * import { logTo } from "quorate";
 * const logging = logTo({ ...console, debug: () => {} }, { level: "warn" });
 * logging.close();
 */
export function logTo(logger: Logger, options: LogOptions = {}): Logging {
  knownOptions("options", options, ["level", "foreignErrors"]);
  const { level = "info" } = options;
  if (!LEVELS.includes(level)) throw invalidArgument("level", level, `one of ${LEVELS.join(", ")}`);
  const foreignErrors = boolean("foreignErrors", options.foreignErrors ?? false);
  for (const method of LEVELS) callable(`logger.${method}`, logger?.[method]);

  const close = running.join(logger, () => listen(logger, level, foreignErrors));
  return { close, [Symbol.dispose]: close };
}

function listen(logger: Logger, least: EventLevel, foreignErrors: boolean): () => void {
  const heard: { readonly name: string; readonly hear: (event: unknown) => void }[] = [];
  let isLogging = false;
  for (const [channel, { when }] of CHANNELS) {
    if (!mayReach(channel, least)) continue;
    const hear = (event: unknown): void => {
      if (isLogging) return; // The logger has called Quorate: its lines would be without end.
      isLogging = true;
      try {
        const level = levelOf(channel, event as object);
        if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
        const facts = { event: channel, ...factsOf(event as object, foreignErrors) };
        settled(logger[level]({ quorate: facts }, `${channel}: ${when}`));
      } catch {
        // A logger that throws must not reach what it logs; and there is nobody else to tell.
      } finally {
        isLogging = false;
      }
    };
    heard.push({ name: `quorate:${channel}`, hear });
  }
  for (const { hear, name } of heard) subscribe(name, hear);
  return () => {
    for (const { hear, name } of heard) unsubscribe(name, hear);
  };
}

/** An asynchronous logger fails later. */
function settled(said: unknown): void {
  if (said instanceof Promise) said.catch(() => {});
}

/** Words and numbers; of an error what may be said of it. Functions and objects stay away. */
function factsOf(event: object, foreignErrors: boolean): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(event) as [string, unknown][]) {
    if (typeof value === "string") facts[field] = scrub(value).slice(0, MAX_CHARACTERS);
    else if (typeof value === "number" || typeof value === "boolean") facts[field] = value;
    else if (field === "error" && value !== undefined) facts[field] = errorOf(value, foreignErrors);
  }
  return facts;
}

function errorOf(error: unknown, foreignErrors: boolean): object {
  if (isQuorateError(error)) {
    const { code, effect, message } = error;
    return { type: "QuorateError", code, effect, message: scrub(message) };
  }
  if (!(error instanceof Error)) return { type: typeof error };
  const { code } = error as { readonly code?: unknown };
  return {
    type: error.name,
    ...(typeof code === "string" && { code: scrub(code).slice(0, MAX_CHARACTERS) }),
    ...(foreignErrors && { message: scrub(error.message) }),
  };
}
