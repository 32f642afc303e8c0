/**
 * `@quorate/nestjs`: a module that opens and closes with the application, and decorators that lock,
 * repeat safely and lead.
 */
export { currentLeadership, currentLock, currentRun, currentTick } from "./current.ts";
export { QuorateExceptionFilter } from "./exception-filter.ts";
export { QuorateHealth, type QuorateHealthResult } from "./health.ts";
export { Idempotent, type IdempotentOptions } from "./idempotent.ts";
export { LeaderOnly } from "./leader-only.ts";
export { Locked } from "./locked.ts";
export { QuorateModule } from "./module.ts";
export { OncePerTick } from "./once-per-tick.ts";
export type { QuorateModuleAsyncOptions, QuorateModuleOptions } from "./options.ts";
export { InjectQuorate, QUORATE } from "./tokens.ts";
export type { AsyncMethodDecorator, MaybeMethodDecorator } from "./wrap-method.ts";
