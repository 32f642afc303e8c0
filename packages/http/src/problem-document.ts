/**
 * Problem documents as they go over the wire (RFC 9457), whoever has the problem.
 */
import type { Effect, ErrorCode, Ms } from "@quorate/core";
import type { Answer, HeaderList } from "./answer.ts";

/** What the document says. Nothing in it comes from the request. */
export interface ProblemDocument {
  /** For programs. */
  readonly type: string;
  /** For people, the same for all problems of the type. */
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The code of the error behind it. */
  readonly code?: ErrorCode;
  /** Whether the request had its effect, where that is known. */
  readonly effect?: Effect;
}

/** The response for `document`; `retryAfterMs` is rounded up to whole seconds, at least one. */
export function documentAnswer(document: ProblemDocument, retryAfterMs?: Ms): Answer {
  const headers: HeaderList = [
    ["content-type", "application/problem+json"],
    ["content-language", "en"],
  ];
  const { status } = document;
  const body = Buffer.from(JSON.stringify(document));
  if (retryAfterMs === undefined) return { status, headers, body };
  const seconds = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  return { status, headers: [...headers, ["retry-after", seconds]], body };
}
