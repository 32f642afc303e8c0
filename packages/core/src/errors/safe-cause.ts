/**
 * Turns a foreign error into a cause that may be logged.
 *
 * Client libraries hang whole commands on their errors (arguments, so payloads, so passwords) and
 * quote connection URLs. What stays: name, code, and the message with credentials struck out.
 *
 * Does not guarantee that a message is clean in which a server quotes our data in words that we do
 * not know; so the message is short, too.
 */

const LONGEST_MESSAGE = 300;
/** `user:password@` or `token@` of a URL, up to the last `@`: a password may have one unescaped. */
const URL_CREDENTIALS = /(\/\/)[^\s/]*@/g;
/** `user:password@host`, where the scheme was left out. */
const BARE_CREDENTIALS = /[^\s/:@"'`]+:[^\s/"'`]*@(?=[^\s@])/g;
/** Redis repeats what it was sent: "unknown command 'AUHT', with args beginning with: 'secret'". */
const QUOTED_ARGUMENTS = /(with args beginning with:).*/gs;

/** A copy of `error` with nothing in it but its name, code and scrubbed message. */
export function safeCause(error: unknown): Error {
  const source = error instanceof Error ? error : new Error(textOf(error));
  const copy: Error & { code?: string } = new Error(scrub(messageOf(source)));
  Object.defineProperty(copy, "name", { value: source.name });
  const code: unknown = (source as { code?: unknown }).code;
  if (typeof code === "string" || typeof code === "number") copy.code = scrub(String(code));
  return copy;
}

/** `text` without credentials, bounded in length. */
export function scrub(text: string): string {
  const clean = text
    .slice(0, 4 * LONGEST_MESSAGE)
    .replace(URL_CREDENTIALS, "$1***@")
    .replace(BARE_CREDENTIALS, "***@")
    .replace(QUOTED_ARGUMENTS, "$1 …");
  return clean.length > LONGEST_MESSAGE ? `${clean.slice(0, LONGEST_MESSAGE)}…` : clean;
}

/** Node's error of a refused connection has no message of its own, only those of each address. */
function messageOf(error: Error): string {
  if (error.message !== "" || !(error instanceof AggregateError)) return error.message;
  return error.errors.map((one) => (one instanceof Error ? one.message : textOf(one))).join("; ");
}

/** Whatever was thrown; an object may lack even the method that would make a string of it. */
function textOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  if (typeof thrown === "object" || typeof thrown === "function")
    return "an object that is no error was thrown";
  return typeof thrown === "symbol" ? thrown.toString() : `${thrown as number}`;
}
