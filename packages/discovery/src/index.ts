/**
 * `@quorate/discovery`: where a service runs, and which instance to ask.
 */
export type { Balancer, Pick, PickOutcome, PickRequest, Standing } from "./balancer.ts";
export { type BalancerOptions, createBalancer } from "./balancers/create-balancer.ts";
export { ejecting, type EjectionOptions } from "./balancers/ejecting.ts";
export type { EjectionReason, EndpointEjected, EndpointReturned } from "./balancers/events.ts";
export type { Unkeyed } from "./balancers/hashed.ts";
export {
  balance,
  type BalanceKinds,
  type BalanceOptions,
  type HashedOptions,
  type PeakEwmaOptions,
} from "./balancers/kinds.ts";
export type { PeakEwmaMemory } from "./balancers/peak-ewma.ts";
export { slowStarting, type SlowStartOptions } from "./balancers/slow-starting.ts";
export { zoned, type ZoneOptions } from "./balancers/zoned.ts";
export type { Endpoint } from "./endpoint.ts";
export { createRegistry, type RegisterOptions, type Registry } from "./registry/create-registry.ts";
export type {
  DrainStep,
  EndpointRecordInvalid,
  ListDropped,
  ListenerFailed,
  PanicChanged,
} from "./registry/events.ts";
export { type FixedEndpoint, fixedService } from "./registry/fixed-service.ts";
export type { InstanceOptions, InstanceUpdate, RegistryOptions } from "./registry/options.ts";
export type { DrainOptions, LeaveOptions, Registration } from "./registry/registration.ts";
export type { ServiceSnapshot, ServiceView, ServiceWaitOptions } from "./service-view.ts";
