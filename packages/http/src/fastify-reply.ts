/**
 * An answer of ours over a reply of Fastify.
 *
 * Past the `onSend` hooks, whose work is in a stored answer already, and has nothing to do for a
 * problem; but with the headers that earlier hooks have set for this request, CORS above all.
 */
import type { ServerResponse } from "node:http";

import type { Answer } from "./answer.ts";
import { sendAnswer } from "./node/send-answer.ts";

/** What is needed of a reply. */
export interface AnswerableReply {
  readonly raw: ServerResponse;
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>;
  hijack(): unknown;
}

/** Sends `answer`; no further hook and no handler runs. */
export function answerReply(reply: AnswerableReply, answer: Answer): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  sendAnswer(reply.raw, answer);
}
