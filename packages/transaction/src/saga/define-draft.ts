/**
 * A definition in the making, without its types: checks each stage as it is added.
 */
import {
  callable,
  type InputSchema,
  invalidArgument,
  isInputSchema,
  knownOptions,
  parserOf,
  positiveInteger,
  ttl,
} from "@quorate/core";
import { checkChild, checkNext, checkSegment } from "./define-checks.ts";
import type { SagaOptions } from "./define-options.ts";
import { type AnyStepOptions, type Place, stepModel } from "./define-step.ts";
import type { AnySaga, Saga } from "./define-saga.ts";
import { structuralHash } from "./hash.ts";
import { sagaMermaid } from "./mermaid.ts";
import type { ChildModel, SagaModel, StageModel, StepModel } from "./model.ts";

type Header = Omit<SagaModel, "stages" | "hash" | "returns">;

/** The first call of a definition. @throws INVALID_ARGUMENT */
export function draftOf(name: string, options: SagaOptions<InputSchema>): Draft {
  checkSegment("saga name", name);
  const what = `saga ${JSON.stringify(name)}`;
  knownOptions(what, options, ["version", "input", "deadlineMs", "undoOrder", "redact"]);
  const { version, input, deadlineMs, undoOrder = "strict", redact } = options;
  if (!isInputSchema(input)) {
    throw invalidArgument(`${what}: input`, input, "a Standard Schema or a function");
  }
  if (undoOrder !== "strict" && undoOrder !== "independent") {
    throw invalidArgument(`${what}: undoOrder`, undoOrder, '"strict" or "independent"');
  }
  const header: Header = {
    name,
    version: positiveInteger(`${what}: version`, version),
    parse: parserOf(input),
    deadlineMs: deadlineMs === undefined ? undefined : ttl(`${what}: deadlineMs`, deadlineMs),
    undoOrder,
    redact: redact === undefined ? undefined : callable(`${what}: redact`, redact),
  };
  return new Draft(header, []);
}

/** Never changes: each call makes another. */
class Draft {
  readonly #header: Header;
  readonly #stages: readonly StageModel[];

  constructor(header: Header, stages: readonly StageModel[]) {
    this.#header = header;
    this.#stages = stages;
  }

  step(name: string, options: AnyStepOptions): Draft {
    checkNext(this.#stages, [name]);
    return this.#with(stepModel(name, options, this.#place));
  }

  parallel(branches: Readonly<Record<string, AnyStepOptions>>): Draft {
    const names = typeof branches === "object" && branches !== null ? Object.keys(branches) : [];
    if (names.length === 0) throw invalidArgument("parallel", branches, "at least one branch");
    checkNext(this.#stages, names);
    const models = names.map((name): StepModel => {
      const options = branches[name] as AnyStepOptions & { readonly pivot?: unknown };
      if (options?.pivot !== undefined) {
        const expected = "no pivot: what stands beside it could still fail";
        throw invalidArgument(`branch ${JSON.stringify(name)}`, "a pivot", expected);
      }
      return stepModel(name, options, this.#place);
    });
    return this.#with({ kind: "parallel", name: names.join("+"), branches: Object.freeze(models) });
  }

  child(name: string, saga: AnySaga, input: ChildModel["input"]): Draft {
    const what = `child ${JSON.stringify(name)}`;
    checkNext(this.#stages, [name]);
    if (this.#place !== "before the pivot") {
      const expected = "before the pivot: a child may end undone, and behind it nothing may";
      throw invalidArgument(what, "behind it", expected);
    }
    const model = saga?.model;
    if (model === undefined) throw invalidArgument(what, saga, "a saga that ends in .returns(…)");
    checkChild(this.#header.name, name, model);
    callable(`${what}: input`, input);
    return this.#with({ kind: "child", name, saga: model, input });
  }

  pivot(name: string, options: AnyStepOptions): Draft {
    checkNext(this.#stages, [name]);
    const earlier = this.#pivot;
    if (earlier !== undefined) {
      throw invalidArgument(
        `pivot ${JSON.stringify(name)}`,
        "a second one",
        `after ${earlier}: none`,
      );
    }
    if (options?.when !== undefined) {
      const expected = "absent: the pivot decides, so it is always needed";
      throw invalidArgument(`pivot ${JSON.stringify(name)}: when`, options.when, expected);
    }
    return this.#with(stepModel(name, options, "pivot"));
  }

  returns(result: SagaModel["returns"]): Saga<never, unknown> {
    const header = this.#header;
    const stages = this.#stages;
    const what = `saga ${JSON.stringify(header.name)}`;
    if (stages.length === 0) throw invalidArgument(what, "no steps", "a saga of at least one step");
    const model: SagaModel = Object.freeze({
      ...header,
      stages,
      hash: structuralHash({ stages, undoOrder: header.undoOrder }),
      returns: callable(`${what}: returns`, result),
    });
    const { name, version, hash } = model;
    return Object.freeze({ name, version, hash, model, mermaid: () => sagaMermaid(model) });
  }

  #with(stage: StageModel): Draft {
    return new Draft(this.#header, Object.freeze([...this.#stages, Object.freeze(stage)]));
  }

  get #pivot(): string | undefined {
    return this.#stages.find((stage) => stage.kind === "step" && stage.pivot)?.name;
  }

  get #place(): Place {
    return this.#pivot === undefined ? "before the pivot" : "behind the pivot";
  }
}
