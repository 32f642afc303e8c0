/**
 * The module: one `Quorate` object for an application, opened and closed with it.
 *
 * It is global: import it once, in the root module, and inject the object by `@InjectQuorate()`
 * anywhere. It closes in `onApplicationShutdown`, after requests have ended; Nest calls that on a
 * signal only after `app.enableShutdownHooks()`.
 */
import { type DynamicModule, Module, type Provider } from "@nestjs/common";
import { DiscoveryModule, DiscoveryService } from "@nestjs/core";
import type { Quorate } from "quorate";
import { QuorateHealth } from "./health.ts";
import { QuorateHost } from "./host.ts";
import {
  type CheckedModuleOptions,
  checkModuleOptions,
  openQuorate,
  type QuorateModuleAsyncOptions,
  type QuorateModuleOptions,
} from "./options.ts";
import { HOST, OPTIONS, QUORATE } from "./tokens.ts";

/** Quorate in a Nest application. */
export class QuorateModule {
  /**
   * The module with these options.
   *
   * @throws INVALID_ARGUMENT at once, a URL beside a backend. What `connect` throws, when the
   *   application starts.
   *
   * @example
   * const imports = [QuorateModule.forRoot({ url: "redis://127.0.0.1:6379" })];
   */
  static forRoot(options: QuorateModuleOptions = {}): DynamicModule {
    return moduleWith({ provide: OPTIONS, useValue: checkModuleOptions(options) });
  }

  /**
   * The module with options that `useFactory` makes of what Nest injects.
   *
   * @example
   * class Settings {
   *   readonly redisUrl = "redis://127.0.0.1:6379";
   * }
   * const quorate = QuorateModule.forRootAsync({
   *   inject: [Settings],
   *   useFactory: (settings: Settings) => ({ url: settings.redisUrl }),
   * });
   */
  static forRootAsync(options: QuorateModuleAsyncOptions): DynamicModule {
    const { imports = [], inject = [], useFactory } = options;
    const made = async (...injected: unknown[]): Promise<CheckedModuleOptions> =>
      checkModuleOptions(await useFactory(...(injected as never[])));
    return moduleWith({ provide: OPTIONS, inject, useFactory: made }, imports);
  }
}

Module({})(QuorateModule);

function moduleWith(
  options: Provider,
  imports: NonNullable<DynamicModule["imports"]> = [],
): DynamicModule {
  return {
    module: QuorateModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      options,
      { provide: QUORATE, inject: [OPTIONS], useFactory: openQuorate },
      {
        provide: HOST,
        inject: [QUORATE, DiscoveryService, OPTIONS],
        useFactory: (q: Quorate, discovery: DiscoveryService, { graceMs }: CheckedModuleOptions) =>
          new QuorateHost(q, discovery, graceMs),
      },
      {
        provide: QuorateHealth,
        inject: [QUORATE],
        useFactory: (q: Quorate) => new QuorateHealth(q),
      },
    ],
    exports: [QUORATE, HOST, QuorateHealth],
  };
}
