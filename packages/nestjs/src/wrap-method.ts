/**
 * Wrapping a method, so that everybody else's decorators still find what they left on it.
 *
 * The method is replaced when it is decorated; which application it belongs to is known only when
 * it is called. Nest injects the application's host into each object, by a property under a symbol,
 * also into those of request scope. Without the module in the application Nest refuses to start.
 *
 * Guarantees: metadata is copied, so decorators may stand in any order; name and `this` are kept.
 */
import "reflect-metadata";

import { Inject } from "@nestjs/common";
import { invalidArgument } from "@quorate/core";
import type { Preparation, QuorateHost } from "./host.ts";
import { HOST, PREPARATIONS } from "./tokens.ts";

/** Decorates methods whose first parameters are `A`, and which return a promise. */
export type AsyncMethodDecorator<A extends readonly unknown[]> = <
  M extends [...A, ...unknown[]],
  R,
>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<(...args: M) => Promise<R>>,
) => void;

/** Decorates methods that return nothing, since they may not run. */
export type MaybeMethodDecorator = <M extends unknown[]>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<(...args: M) => Promise<void>>,
) => TypedPropertyDescriptor<(...args: M) => Promise<void>> | void;

/** A call of a decorated method. */
export interface MethodCall {
  readonly host: QuorateHost;
  readonly args: readonly unknown[];
  /** Runs the method itself. */
  run(): Promise<unknown>;
}

type Method = (this: object, ...args: unknown[]) => unknown;

/** The decorator that puts `around` around a method. */
export function wrapMethod(
  decorator: string,
  around: (call: MethodCall) => Promise<unknown>,
  preparation?: Preparation,
): (target: object, name: string | symbol, descriptor: PropertyDescriptor) => void {
  return (target, name, descriptor) => {
    const method: unknown = descriptor?.value;
    if (typeof target !== "object" || typeof method !== "function") {
      throw invalidArgument(decorator, String(name), "put on a method of an object");
    }
    Inject(HOST)(target, HOST);
    if (preparation !== undefined) prepare(target.constructor, preparation);
    descriptor.value = wrapperOf(decorator, method as Method, around);
  };
}

function wrapperOf(
  decorator: string,
  method: Method,
  around: (call: MethodCall) => Promise<unknown>,
): Method {
  const wrapper = async function (
    this: object & { readonly [HOST]?: QuorateHost },
    ...args: unknown[]
  ): Promise<unknown> {
    const host = this?.[HOST];
    if (host === undefined) {
      throw invalidArgument(`this of @${decorator}`, this, "an object that Nest has made");
    }
    return around({ host, args, run: async () => method.apply(this, args) });
  };
  Object.defineProperty(wrapper, "name", { value: method.name, configurable: true });
  for (const key of Reflect.getOwnMetadataKeys(method) as readonly unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), wrapper);
  }
  return wrapper;
}

function prepare(type: object, preparation: Preparation): void {
  const before = (Reflect.getMetadata(PREPARATIONS, type) ?? []) as readonly Preparation[];
  Reflect.defineMetadata(PREPARATIONS, [...before, preparation], type);
}
