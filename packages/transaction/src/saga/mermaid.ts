/**
 * A saga as a picture: a Mermaid flowchart of its definition, or of one instance in its state.
 *
 * Names come from people: they stand only in quoted labels, with every character that Mermaid or
 * HTML could read as its own written as an entity; ids are numbers.
 *
 * Mermaid, https://mermaid.js.org (flowcharts).
 */
import type { ChildModel, SagaModel, StageModel, StepModel, StepOutcome } from "./model.ts";

/** What a picture shows of an instance: names and outcomes, no data. */
export interface SagaSnapshot {
  /** `running`, `compensating`, `done`, `compensated`. */
  readonly state: string;
  /** The step at which it waits for a human. */
  readonly stuck?: string | undefined;
  /** By name of the step; a step that is not there has not begun. */
  readonly steps: Readonly<Record<string, SnapshotStep>>;
}

/** One step of an instance. */
export interface SnapshotStep {
  readonly outcome?: StepOutcome | "skipped" | undefined;
  readonly undone?: boolean | undefined;
}

const COLOURS: Readonly<Record<string, string>> = {
  done: "fill:#d3f2d9,stroke:#2b8a3e,color:#14341b",
  refused: "fill:#ffe3e3,stroke:#c92a2a,color:#4a1010",
  unknown: "fill:#fff3bf,stroke:#b08900,color:#463700",
  undone: "fill:#e5dbff,stroke:#5f3dc4,color:#241a4d",
  skipped: "fill:#f1f3f5,stroke:#868e96,color:#343a40,stroke-dasharray:4 3",
  stuck: "fill:#ff8787,stroke:#c92a2a,color:#2b0606,stroke-width:3px",
};

/**
 * A Mermaid flowchart of the saga; with a snapshot, of an instance, coloured.
 *
 * @example
 * const one = saga("one", { version: 1, input: (input: string) => input })
 *   .step("only", { run: () => {}, undo: "none" })
 *   .returns(() => null);
 * console.log(sagaMermaid(one.model, { state: "done", steps: { only: { outcome: "done" } } }));
 */
export function sagaMermaid(model: SagaModel, snapshot?: SagaSnapshot): string {
  const lines = ["flowchart TD", `  start([${label(`${model.name} v${model.version}`)}])`];
  const drawn: { readonly id: string; readonly name: string }[] = [];
  let before = ["start"];
  for (const stage of model.stages) {
    const ids = partsOf(stage).map((part) => {
      const id = `s${drawn.length}`;
      drawn.push({ id, name: part.name });
      lines.push(`  ${id}${shapeOf(part)}`);
      return id;
    });
    lines.push(`  ${before.join(" & ")} --> ${ids.join(" & ")}`);
    before = ids;
  }
  const end = snapshot === undefined ? "done" : snapshot.state;
  lines.push(`  finish([${label(end)}])`, `  ${before.join(" & ")} --> finish`);
  return `${[...lines, ...colours(drawn, snapshot)].join("\n")}\n`;
}

function partsOf(stage: StageModel): readonly (StepModel | ChildModel)[] {
  return stage.kind === "parallel" ? stage.branches : [stage];
}

/** A pivot is a rhombus, a saga within is a box with double sides. */
function shapeOf(part: StepModel | ChildModel): string {
  if (part.kind === "child") {
    return `[[${label(`${part.name}: ${part.saga.name} v${part.saga.version}`)}]]`;
  }
  const text = label(part.when === undefined ? part.name : `${part.name}?`);
  return part.pivot ? `{{${text}}}` : `[${text}]`;
}

function colours(
  drawn: readonly { readonly id: string; readonly name: string }[],
  snapshot: SagaSnapshot | undefined,
): string[] {
  if (snapshot === undefined) return [];
  const byClass = new Map<string, string[]>();
  for (const { id, name } of drawn) {
    const kind = classOf(name, snapshot);
    if (kind !== undefined) byClass.set(kind, [...(byClass.get(kind) ?? []), id]);
  }
  return [...byClass].flatMap(([kind, ids]) => [
    `  classDef ${kind} ${COLOURS[kind]}`,
    `  class ${ids.join(",")} ${kind}`,
  ]);
}

function classOf(name: string, { stuck, steps }: SagaSnapshot): string | undefined {
  if (stuck === name || stuck === `${name}:undo`) return "stuck";
  const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
  return step?.undone === true ? "undone" : step?.outcome;
}

/** A quoted label in which nothing means anything to Mermaid, Markdown or HTML. */
function label(text: string): string {
  const safe = text.replaceAll(/[^\p{L}\p{N} _.:?,+-]/gu, (character) => {
    return `#${character.codePointAt(0)};`;
  });
  return `"${safe}"`;
}
