/**
 * `@quorate/rpc`: typed calls between services that say whether they happened.
 */
export type { CallOptions, KeyedCallOptions, StreamCallOptions } from "./client/call-options.ts";
export {
  type Client,
  client,
  type ClientMethod,
  type ClientStats,
  type ClientVerbs,
  type Items,
} from "./client/client.ts";
export type { CalledEvent, CallingEvent, CallSubject } from "./client/events.ts";
export type { ClientOptions } from "./client/options.ts";
export type {
  CheckedMethods,
  Contract,
  ContractProblem,
  ErrorGiven,
  ErrorName,
  ErrorSpec,
  ErrorTold,
  InputOf,
  MethodName,
  Methods,
  MethodSpec,
  OutputOf,
  ReceivedOf,
  ReservedName,
  ReturnedOf,
} from "./contract-types.ts";
export { contract } from "./contract.ts";
export { type ContractError, failedWith } from "./guards.ts";
export type { PresenceOptions } from "./orphans/presence-options.ts";
export type { OrphansEvent } from "./orphans/watch.ts";
export type { CallFacts, Hop, KeyedFacts, ServedCall } from "./served-call.ts";
export type {
  DroppedEvent,
  DroppedReason,
  HandlerFailedEvent,
  ServedEvent,
  ServedSubject,
  ServingEvent,
} from "./server/events.ts";
export type { Handler, Handlers, InstancePlace, Orphans, ServeOptions } from "./server/options.ts";
export { serve, type Server, type ServerStats } from "./server/serve.ts";
export type { ClientStreamOptions, OnServerClose, ServeStreamOptions } from "./streams/options.ts";
export type { TraceContext } from "./trace.ts";
export { Tries } from "./tries.ts";
