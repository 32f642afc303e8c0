/**
 * `@quorate/discovery`: where a service runs, and which instance to ask.
 */
export type { Balancer, Pick, PickOutcome, PickRequest } from "./balancer.ts";
export type { Endpoint } from "./endpoint.ts";
