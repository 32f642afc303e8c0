/**
 * Turns a foreign error into a cause that may be logged.
 *
 * Client libraries hang whole commands on their errors (arguments, so payloads, so passwords) and
 * quote connection URLs. What stays: name, code, and the message with credentials struck out.
 */

const LONGEST_MESSAGE = 300;
/** `user:password@` of any URL. */
const CREDENTIALS = /(\/\/)[^/\s@]*:[^/\s@]*@/g;

/** A copy of `error` with nothing in it but its name, code and scrubbed message. */
export function safeCause(error: unknown): Error {
  const source = error instanceof Error ? error : new Error(String(error));
  const copy: Error & { code?: string } = new Error(scrub(source.message));
  Object.defineProperty(copy, "name", { value: source.name });
  const code: unknown = (source as { code?: unknown }).code;
  if (typeof code === "string" || typeof code === "number") copy.code = String(code);
  return copy;
}

/** `text` without URL credentials, bounded in length. */
export function scrub(text: string): string {
  const clean = text.replace(CREDENTIALS, "$1***@");
  return clean.length > LONGEST_MESSAGE ? `${clean.slice(0, LONGEST_MESSAGE)}…` : clean;
}
