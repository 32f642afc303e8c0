/**
 * `@quorate/http`: deadlines, shedding and idempotency keys over HTTP, on the server and in the
 * client.
 */
export { NOT_STORED_HEADER, type NotStoredReason, REPLAYED_HEADER } from "./answer.ts";
export {
  type CallFacts,
  callOf,
  fetchWithIdempotency,
  type IdempotentFetch,
} from "./client/fetch-with-idempotency.ts";
export type {
  FetchFunction,
  FetchWithIdempotencyOptions,
  IdempotentInit,
} from "./client/options.ts";
export type { PlainBody, RepeatableBody } from "./client/repeatable-body.ts";
export { type IdempotencyContext, idempotencyOf } from "./context.ts";
export { currentDeadline, deadlineOf } from "./deadline/context.ts";
export {
  fetchWithDeadline,
  type FetchWithDeadlineOptions,
} from "./deadline/fetch-with-deadline.ts";
export type { RequestDeadline } from "./deadline/live-deadline.ts";
export {
  deadlineFetchHandler,
  type DeadlineHandler,
  expressDeadline,
  fastifyDeadline,
  honoDeadline,
} from "./deadline/mounts.ts";
export { DEADLINE_HEADER, type HttpDeadlineOptions } from "./deadline/options.ts";
export { errorProblem, type ErrorProblemOptions, type HttpProblem } from "./error-problem.ts";
export type { NotStored } from "./events.ts";
export { expressIdempotency, type ExpressMiddleware, type ExpressRequest } from "./express.ts";
export {
  fastifyIdempotency,
  type FastifyLike,
  type FastifyReplyLike,
  type FastifyRequestLike,
} from "./fastify.ts";
export {
  type FetchHandler,
  type FetchIdempotencyOptions,
  idempotentFetchHandler,
} from "./fetch/fetch-handler.ts";
export { type HonoContextLike, honoIdempotency, type HonoMiddleware } from "./hono.ts";
export { type KeyOwner, lookupKey } from "./identity.ts";
export {
  formatIdempotencyKey,
  IDEMPOTENCY_KEY_HEADER,
  type KeyHeader,
  type KeyHeaderOptions,
  MAX_KEY_LENGTH,
  parseIdempotencyKey,
} from "./key-header.ts";
export type { ParsedRequest } from "./node/request-body.ts";
export {
  DEFAULT_MAX_BODY_BYTES,
  DEFAULT_MAX_REQUEST_BYTES,
  type HttpIdempotencyOptions,
  storedByDefault,
} from "./options.ts";
export type { ProblemKind } from "./problems.ts";
export {
  expressShedding,
  fastifyShedding,
  honoShedding,
  sheddingFetchHandler,
} from "./shedding/mounts.ts";
export type { HttpSheddingOptions } from "./shedding/options.ts";
