/** Each claim of docs/threats.md names a test by file and title: both must be there. */
import { existsSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";

import { expect, it } from "vitest";

import { readSource, ROOT } from "./support/repository.ts";

const { text } = readSource("docs/threats.md");
const claims = [...text.matchAll(/\]\((\S+?)\): "([^"]+)"/g)].map(([, file = "", title = ""]) => ({
  file: normalize(join("docs", file)),
  title,
}));

it("the threats name tests that there are", () => {
  expect(claims.length).toBeGreaterThan(20);
  const dead = claims.filter(({ file, title }) => {
    const path = join(ROOT, file);
    return !existsSync(path) || !readFileSync(path, "utf8").includes(`"${title}"`);
  });
  expect(dead).toEqual([]);
});

it("and every row of their tables names one", () => {
  const rows = text.split("\n").filter((line) => /^\| (?!.*\| test \|$)/.test(line));
  expect(rows.filter((row) => !/\]\(\S+\): "/.test(row))).toEqual([]);
});
