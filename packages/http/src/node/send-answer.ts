/**
 * Sends an answer over a response of Node's `http`, whatever the handler had prepared.
 */
import type { ServerResponse } from "node:http";

import { type Answer, hasNoBody } from "../answer.ts";

/** Headers that describe a body; those of another body must not stay. */
const OF_A_BODY = [
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
  "location",
  "set-cookie",
  "trailer",
  "transfer-encoding",
];

/** Forgets what a handler has said about its own answer. What the framework adds to all stays. */
export function forgetOwnAnswer(response: ServerResponse): void {
  for (const name of OF_A_BODY) response.removeHeader(name);
  response.statusMessage = "";
}

/** Sends `answer`, unless somebody else (a timeout's middleware) has sent one meanwhile. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  if (response.headersSent) return;
  response.statusCode = answer.status;
  for (const [name, values] of grouped(answer)) response.setHeader(name, values);
  if (hasNoBody(answer.status)) {
    response.end();
    return;
  }
  response.setHeader("content-length", answer.body.byteLength);
  response.end(answer.body);
}

/** `setHeader` replaces: a name that is there twice must be set once, with both values. */
function grouped(answer: Answer): ReadonlyMap<string, string | readonly string[]> {
  const byName = new Map<string, string | readonly string[]>();
  for (const [name, value] of answer.headers) {
    const earlier = byName.get(name);
    byName.set(name, earlier === undefined ? value : [earlier, value].flat());
  }
  return byName;
}
