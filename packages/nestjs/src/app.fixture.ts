/**
 * Applications of Nest for the tests, and decorators applied by call: the sources of this
 * repository are erasable, and `@` with Nest's decorators is not.
 */
import "reflect-metadata";

import type { INestApplication, ModuleMetadata, Type } from "@nestjs/common";
import { Inject, Module } from "@nestjs/common";
import { APP_FILTER } from "@nestjs/core";
import { ScheduleModule } from "@nestjs/schedule";
import { Test } from "@nestjs/testing";
import type { Backend } from "@quorate/core";
import { createMemoryStore, memoryBackend } from "@quorate/memory";
import { QuorateExceptionFilter } from "./exception-filter.ts";
import { QuorateModule } from "./module.ts";

type AnyDecorator = (target: never, name: never, descriptor: never) => unknown;

/** As `@a @b name() {}` does it: the last is applied first. */
export function decorate(type: Type, name: string, ...decorators: unknown[]): void {
  const { prototype } = type as { prototype: object };
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
  for (const decorator of decorators.toReversed()) {
    const replaced = (decorator as AnyDecorator)(
      prototype as never,
      name as never,
      descriptor as never,
    );
    if (replaced !== undefined) Object.assign(descriptor, replaced);
  }
  Object.defineProperty(prototype, name, descriptor);
}

/** As `constructor(@Inject(a) x, @Inject(b) y)` does it. */
export function injects(type: Type, ...tokens: unknown[]): void {
  for (const [index, token] of tokens.entries()) Inject(token as Type)(type, undefined, index);
}

/** One pod: an application on `backend`, listening. */
export interface Pod {
  readonly app: INestApplication;
  readonly url: string;
  get<T>(type: Type<T>): T;
}

/** Starts an application with the module, the filter, timers, and `parts`. */
export async function startPod(
  quorate: Backend | ReturnType<typeof QuorateModule.forRoot>,
  parts: Pick<ModuleMetadata, "controllers" | "providers" | "imports">,
): Promise<Pod> {
  const root = "module" in quorate ? quorate : QuorateModule.forRoot({ backend: quorate });
  class AppModule {}
  Module({
    ...parts,
    imports: [root, ScheduleModule.forRoot(), ...(parts.imports ?? [])],
    providers: [
      { provide: APP_FILTER, useClass: QuorateExceptionFilter },
      ...(parts.providers ?? []),
    ],
  })(AppModule);
  const compiled = await Test.createTestingModule({ imports: [AppModule] }).compile();
  const app = compiled.createNestApplication({ logger: false });
  await app.listen(0, "127.0.0.1");
  return { app, url: await app.getUrl(), get: (type) => app.get(type) };
}

type Parts = Parameters<typeof startPod>[1];

/** What one test has opened, closed in reverse. */
export class Pods {
  readonly #opened: { close(): Promise<unknown> }[] = [];

  keep(one: { close(): Promise<unknown> }): void {
    this.#opened.push(one);
  }

  async open(quorate: Parameters<typeof startPod>[0], parts: Parts): Promise<Pod> {
    const pod = await startPod(quorate, parts);
    this.keep(pod.app);
    return pod;
  }

  /** Two pods on one store, each on an engine of its own. */
  async openTwo(parts: Parts): Promise<readonly [Pod, Pod]> {
    const store = createMemoryStore();
    const start = (): Promise<Pod> => {
      const backend = memoryBackend({ store });
      this.keep(backend);
      return this.open(backend, parts);
    };
    return [await start(), await start()];
  }

  async closeAll(): Promise<void> {
    for (const one of this.#opened.splice(0).toReversed()) await one.close();
  }
}
