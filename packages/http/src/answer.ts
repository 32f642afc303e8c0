/**
 * Answers: a response as three plain values, whatever framework makes or sends it.
 *
 * Everything in this package that decides speaks of answers; only the adapters know of `Response`
 * and `ServerResponse`. Names of headers are lower case; a header given twice stands there twice.
 */

/** Headers in order, names in lower case. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** A whole response. */
export interface Answer {
  /** The HTTP status, 200 to 599. */
  readonly status: number;
  readonly headers: HeaderList;
  /** The body as it goes over the wire, after any content encoding. */
  readonly body: Uint8Array;
}

/** Response header: `true` on every replay, absent on a first answer. */
export const REPLAYED_HEADER = "Idempotent-Replayed";
/**
 * Response header: why this answer will not be replayed, so that a retry runs the handler again.
 * `too-large`, `stream`, or `store`: the store did not take it.
 */
export const NOT_STORED_HEADER = "Idempotency-Not-Stored";

/** What stands in `NOT_STORED_HEADER`. */
export type NotStoredReason = "too-large" | "stream" | "store";

/** No body. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Statuses that never have a body. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** `answer` with one header more. */
export function withHeader(answer: Answer, name: string, value: string): Answer {
  return { ...answer, headers: [...answer.headers, [name.toLowerCase(), value]] };
}

/** The mark of `NOT_STORED_HEADER`, if `answer` has one: a name and a value to set. */
export function notStoredMark(answer: Answer): readonly [name: string, value: string] | undefined {
  return answer.headers.find(([name]) => name === MARK);
}

const MARK = NOT_STORED_HEADER.toLowerCase();
