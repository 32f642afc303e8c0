/**
 * What a server is told, and the types of its handlers.
 */
import { boundedString, callable, invalidArgument, knownOptions } from "@quorate/core";
import type { Runtime } from "@quorate/core";
import type { InstanceOptions, Registry } from "@quorate/discovery";
import type { Idempotency } from "@quorate/idempotency";
import { type Admission, admission, type AdmissionOptions } from "@quorate/resilience";
import type { Contract, MethodName, ReceivedOf, ReturnedOf } from "../contract-types.ts";
import { methodsOf } from "../contract.ts";
import type { ServedCall } from "../served-call.ts";
import {
  type ServeStreamOptions,
  type ServeStreamSettings,
  serveStreamSettings,
} from "../streams/options.ts";
import type { AnyHandler, Handled } from "./hooks.ts";

/** What runs a method: it returns the output, or yields the items. */
export type Handler<S> = S extends { readonly items: unknown }
  ? (input: ReceivedOf<S>, call: ServedCall<S>) => AsyncIterable<ReturnedOf<S>>
  : (input: ReceivedOf<S>, call: ServedCall<S>) => ReturnedOf<S> | PromiseLike<ReturnedOf<S>>;

/** A handler for each method of the contract. */
export type Handlers<C extends Contract> = {
  readonly [K in MethodName<C>]: Handler<C["methods"][K]>;
};

/** What becomes of running calls whose caller has died. */
export type Orphans = "abort" | "finish";

/** Where an instance runs, and how much it takes; see `createRegistry`. */
export type InstancePlace = Pick<InstanceOptions, "zone" | "weight" | "warmUpMs">;

/** Options of `serve`. */
export interface ServeOptions {
  /** Name of this instance, one segment; unique among all. @default a random one */
  readonly id?: string;
  /** How many run at once and wait, or an admission shared by several servers. @default its own */
  readonly admission?: Admission | Omit<AdmissionOptions, "runtime">;
  /** Keeps the answers of keyed methods. @default one of its own on the backend, `rpc/<service>` */
  readonly idempotency?: Idempotency;
  /** What becomes of calls whose caller's process has died. @default "abort" */
  readonly orphans?: Orphans;
  /** Bounds of streams. */
  readonly streams?: ServeStreamOptions;
  /** Where callers find this instance. @default none: the bus deals calls out */
  readonly registry?: Registry;
  /** What callers are told of this instance, where there is a registry. */
  readonly place?: InstancePlace;
}

/** The options, checked. */
export interface ServeSettings {
  readonly instance: string;
  readonly gate: Admission;
  readonly idempotency: Idempotency | undefined;
  readonly orphans: Orphans;
  readonly streams: ServeStreamSettings;
  readonly handled: ReadonlyMap<string, Handled>;
  readonly registry: Registry | undefined;
  readonly place: InstancePlace;
}

const NAMES = [
  "id",
  "admission",
  "idempotency",
  "orphans",
  "streams",
  "registry",
  "place",
] as const;
const PLACE_NAMES = ["zone", "weight", "warmUpMs"] as const;
const MAX_INSTANCE_BYTES = 128;

/** The checked options and handlers of a server. */
export function serveSettings(
  contract: Contract,
  handlers: object,
  options: ServeOptions,
  runtime: Runtime,
): ServeSettings {
  knownOptions("serve", options, NAMES);
  const { idempotency, orphans = "abort", place = {}, registry } = options;
  if (registry !== undefined) callable("registry.register", registry?.register);
  const instance = boundedString("id", options.id ?? runtime.ids.operation(), MAX_INSTANCE_BYTES);
  if (instance.includes("/")) throw invalidArgument("id", instance, "one segment, free of '/'");
  if (orphans !== "abort" && orphans !== "finish") {
    throw invalidArgument("orphans", orphans, '"abort" or "finish"');
  }
  if (idempotency !== undefined && typeof idempotency?.begin !== "function") {
    throw invalidArgument("idempotency", idempotency, "made by createIdempotency()");
  }
  return {
    instance,
    gate: gateOf(options.admission ?? {}, contract, runtime),
    idempotency,
    orphans,
    streams: serveStreamSettings(options.streams ?? {}),
    registry,
    place: knownOptions("place", place, PLACE_NAMES),
    handled: handledOf(contract, handlers),
  };
}

function gateOf(
  given: Admission | Omit<AdmissionOptions, "runtime">,
  contract: Contract,
  runtime: Runtime,
): Admission {
  if (typeof (given as Partial<Admission> | null)?.method === "function") return given as Admission;
  return admission({ name: contract.name, ...(given as AdmissionOptions), runtime });
}

function handledOf(contract: Contract, handlers: object): ReadonlyMap<string, Handled> {
  const methods = methodsOf(contract);
  knownOptions("handlers", handlers as Record<string, unknown>, [...methods.keys()]);
  const handled = new Map<string, Handled>();
  for (const [name, method] of methods) {
    const handler = (handlers as Record<string, unknown>)[name];
    callable(`handlers.${name}`, handler);
    // A handler may be a method of an object that needs its `this`.
    handled.set(name, { method, handler: (handler as AnyHandler).bind(handlers) });
  }
  return handled;
}
