/**
 * `quorate`: one object for all of Quorate, in memory or on your own Redis or NATS.
 */
export { connect, type ConnectOptions } from "./connect.ts";
export type { Quorate, Rpc } from "./quorate.ts";
export type { SignalOptions } from "./signals.ts";
