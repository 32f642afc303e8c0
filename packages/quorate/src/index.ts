/**
 * `quorate`: one object for all of Quorate, in memory or on your own Redis or NATS.
 */
export { connect, type ConnectOptions } from "./connect.ts";
export { type Logger, type Logging, type LogOptions, logTo } from "./logging.ts";
export type { Quorate, Rpc } from "./quorate.ts";
export type { EndSignal, SignalOptions } from "./signals.ts";
