/**
 * The definitions that this process serves, by name and version.
 */
import { invalidArgument } from "@quorate/core";
import type { AnySaga } from "./define-saga.ts";
import type { SagaEvents } from "./events.ts";
import type { SagaModel } from "./model.ts";
import type { SagaRecord } from "./record.ts";

/** Ids remembered as told. */
const MAX_TOLD = 10_000;

type Shaped = Pick<SagaRecord, "saga" | "version" | "hash">;

/** What is served. */
export class Definitions {
  readonly #events: SagaEvents;
  /** By name, then by version. */
  readonly #models = new Map<string, Map<number, SagaModel>>();
  /** Ids of records whose shape was told to be another. */
  readonly #told = new Set<string>();

  constructor(events: SagaEvents) {
    this.#events = events;
  }

  /** Serves `definition`, and the sagas inside of it. True: it was not served before. */
  add(definition: AnySaga): boolean {
    const model = (definition as Partial<AnySaga> | null | undefined)?.model;
    if (model === undefined || !Array.isArray(model.stages)) {
      throw invalidArgument("definition", definition, "a saga, as saga() … returns() makes one");
    }
    return this.#addModel(model);
  }

  /** All that are served, those inside of others too. */
  *all(): Iterable<SagaModel> {
    for (const versions of this.#models.values()) yield* versions.values();
  }

  /** The definition of `record`; `undefined`: none is served that it was started by. */
  of(record: Shaped): SagaModel | undefined {
    const model = this.#models.get(record.saga)?.get(record.version);
    return model?.hash === record.hash ? model : undefined;
  }

  /** Whether the record `id` can be driven. One of another shape is told, once. */
  serves(record: Shaped, id: string): boolean {
    const model = this.#models.get(record.saga)?.get(record.version);
    if (model === undefined || model.hash === record.hash) return model !== undefined;
    if (this.#events.definitionChanged.hasSubscribers) this.#tellChanged(record, id);
    return false;
  }

  #tellChanged({ saga, version }: Shaped, id: string): void {
    if (this.#told.has(id)) return;
    // Forgotten as a whole: what is told once more in a while harms nobody.
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(id);
    this.#events.definitionChanged.publish({ saga, version, id });
  }

  #addModel(model: SagaModel): boolean {
    const versions = this.#models.get(model.name) ?? new Map<number, SagaModel>();
    const known = versions.get(model.version);
    if (known === model) return false;
    if (known !== undefined && known.hash !== model.hash) {
      const what = `${model.name} v${model.version}`;
      throw invalidArgument("definition", what, "of the shape that is served, or a new version");
    }
    for (const stage of model.stages) if (stage.kind === "child") this.#addModel(stage.saga);
    this.#models.set(model.name, versions.set(model.version, model));
    return true;
  }
}
