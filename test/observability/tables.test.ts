/**
 * What docs/observability.md lists is what there is: channels as the sources publish them, spans
 * and metrics as `@quorate/otel` has them.
 */
import { CHANNELS } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { readSource } from "../support/repository.ts";
import { channelsByVariable, channelsInSources, sources } from "./channels.ts";
import { channelRows, metricRows, spanEvents, spanRows } from "./tables.ts";

const page = readSource("docs/observability.md").text;
const rowsOf = (start: RegExp): string[] => page.split("\n").filter((line) => start.test(line));

describe("the channels", () => {
  const found = channelsInSources();

  it("of the table are those of the sources", () => {
    expect([...CHANNELS.keys()].toSorted()).toEqual([...found.keys()].toSorted());
    expect(CHANNELS.size).toBeGreaterThan(100);
  });

  it("have events of a type that is written down", () => {
    const all = sources()
      .map(({ text }) => text)
      .join("\n");
    const missing = [...found.values()].flat().filter((type) => {
      const name = /^\w+/.exec(type)?.[0] ?? "?";
      return !new RegExp(`export (interface|type) ${name}\\b`).test(all);
    });
    expect(missing).toEqual([]);
  });

  it("are looked up by a variable only where this test knows of it", () => {
    expect(channelsByVariable()).toEqual([
      "packages/resilience/src/limit-signals.ts",
      "packages/simulator/src/stores/node-runtime.ts",
    ]);
  });

  it("are on the page, with types, level and meaning", () => {
    expect(rowsOf(/^\| `quorate:/)).toEqual(channelRows());
  });
});

it("the spans are on the page", () => {
  const chapter = page.slice(page.indexOf("## All spans"), page.indexOf("## All metrics"));
  const rows = chapter.split("\n").filter((line) => line.startsWith("| `"));
  expect(rows).toEqual(spanRows());
  expect(chapter.includes(`${spanEvents()}.`), "their events").toBe(true);
});

it("the metrics are on the page", () => {
  expect(rowsOf(/^\| `(quorate\.|rpc\.)/)).toEqual(metricRows());
});
