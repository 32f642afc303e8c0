/**
 * Options of the module: which engine, and how it ends.
 */
import type { FactoryProvider, ModuleMetadata } from "@nestjs/common";
import { type Backend, boundedString, invalidArgument, type Ms, nonNegative } from "@quorate/core";
import { connect, type ConnectOptions, type Quorate } from "quorate";

const DEFAULT_GRACE_MS = 5_000;
const MAX_URL_BYTES = 8_192;

/** Options of `QuorateModule.forRoot`: those of `connect`, and these. */
export interface QuorateModuleOptions extends ConnectOptions {
  /** The engine, as `connect` takes it. @default "memory:" */
  readonly url?: string;
  /** An engine of yours instead of a URL; it stays open when the application has closed. */
  readonly backend?: Backend;
  /** Time for all that is under way to end when the application closes. @default 5000 */
  readonly graceMs?: Ms;
}

/** Options of `QuorateModule.forRootAsync`. */
export interface QuorateModuleAsyncOptions extends Pick<ModuleMetadata, "imports"> {
  /** Makes the options from what is injected. */
  readonly useFactory: (
    ...injected: never[]
  ) => QuorateModuleOptions | Promise<QuorateModuleOptions>;
  /** What `useFactory` is given. @default nothing */
  readonly inject?: FactoryProvider["inject"];
}

/** The options, taken apart and checked; what `connect` takes it checks itself. */
export interface CheckedModuleOptions {
  readonly target: string | Backend;
  readonly connecting: ConnectOptions;
  readonly graceMs: Ms;
}

/** Checks what `connect` does not know. */
export function checkModuleOptions(options: QuorateModuleOptions): CheckedModuleOptions {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", options, "an object of options");
  }
  const { url, backend, graceMs = DEFAULT_GRACE_MS, ...connecting } = options;
  nonNegative("graceMs", graceMs);
  if (backend === undefined) {
    return { target: boundedString("url", url ?? "memory:", MAX_URL_BYTES), connecting, graceMs };
  }
  // A URL may carry a password: it is never shown.
  if (url !== undefined) throw invalidArgument("url", "given", "left out beside a backend");
  return { target: backend, connecting, graceMs };
}

/** Opens the engine. */
export function openQuorate({ target, connecting }: CheckedModuleOptions): Promise<Quorate> {
  return connect(target, connecting);
}
