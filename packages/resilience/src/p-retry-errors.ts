/**
 * Which errors end a retry, by p-retry's rules: an `AbortError`, and a `TypeError` unless it is one
 * by which some platform's fetch says that the network failed.
 */

/**
 * Thrown by work that should not be retried; the promise rejects with `originalError`.
 *
 * @example
 * import { AbortError, pRetry } from "@quorate/resilience/p-retry";
 * const gone = pRetry(() => {
 *   throw new AbortError("no such page");
 * });
 * await gone.catch((error) => console.log(error.message)); // => no such page
 */
export class AbortError extends Error {
  declare readonly name: "AbortError";
  /** What the promise rejects with: the error that was given, or one with the message. */
  readonly originalError: Error;

  /** With the error to reject with, or the message of one. */
  constructor(message: string | Error) {
    super(message instanceof Error ? message.message : message);
    this.originalError = message instanceof Error ? message : new Error(message);
  }

  static {
    Object.defineProperty(this.prototype, "name", { value: "AbortError" });
  }
}

/** Also those of p-retry itself, which libraries in the same process may throw. */
export function isAbortError(error: unknown): error is { readonly originalError: Error } {
  if (error instanceof AbortError) return true;
  if (!(error instanceof Error) || error.name !== "AbortError") return false;
  return (error as Partial<AbortError>).originalError instanceof Error;
}

/** Messages of the `TypeError`s by which fetch reports a failure of the network. */
const NETWORK_MESSAGES: ReadonlySet<string> = new Set([
  "fetch failed", // Node (undici)
  "terminated", // Node (undici): the connection was lost during the body
  "network error", // Chrome
  "Failed to fetch", // Chrome
  "NetworkError when attempting to fetch resource.", // Firefox
  "The Internet connection appears to be offline.", // Safari
  "Load failed", // Safari
  "Network request failed", // cross-fetch
  " A network error occurred.", // Bun
  "Network connection lost", // Workers
]);

/** A `TypeError` that is a defect of the program and not of the network. */
export function isProgramError(error: unknown): boolean {
  if (!(error instanceof TypeError)) return false;
  const { message } = error;
  if (NETWORK_MESSAGES.has(message)) return false;
  if (/^(?:Failed to fetch|Load failed) \(.*\)$/s.test(message)) return false;
  return !message.startsWith("error sending request for url"); // Deno
}
