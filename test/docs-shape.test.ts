/**
 * Every guide answers the same six questions in the same order, so that whoever is on call finds
 * the place; what it says to type is a command that exists; pictures can be read by everybody; and
 * the table of guarantees names tests that are there.
 */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

import { describe, expect, it } from "vitest";

import { CHANNELS } from "../packages/core/src/channels.ts";
import { blocksOf, linksOf } from "./support/markdown.ts";
import { listFiles, readSource, ROOT } from "./support/repository.ts";

const HEADINGS = [
  "The answer",
  "The code",
  "What can go wrong",
  "Guarantees by engine",
  "How to look at it live",
  "How to test it",
] as const;

const GUIDES = `
  balancing barrier clocks cron delivery-orders discovery election elections-without-a-store
  failure-detectors fencing gossip http http-idempotency idempotency locks membership nestjs outbox
  placement resilience rpc rpc-streams sagas split-brain swim tcc time two-phase-commit
`
  .trim()
  .split(/\s+/)
  .map((name) => `docs/${name}.md`);

const textOf = (page: string): string => readSource(page).text;

/** The page's second-level sections, in order; fences are code, whatever they begin with. */
function sectionsOf(text: string): Map<string, string> {
  const sections = new Map<string, string>();
  let title = "";
  let isCode = false;
  for (const line of text.split("\n")) {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
    if (!isCode && line.startsWith("## ")) title = line.slice(3).trim();
    else sections.set(title, `${sections.get(title) ?? ""}${line}\n`);
  }
  return sections;
}

describe("every guide", () => {
  it.each(GUIDES)("%s has the six headings, in order, with something under each", (page) => {
    const sections = sectionsOf(textOf(page));
    const titles = [...sections.keys()].filter((title) => HEADINGS.some((one) => one === title));
    expect(titles).toEqual(HEADINGS);
    for (const title of titles) expect(sections.get(title)?.trim(), title).not.toBe("");
    expect([...sections.keys()][1], "the answer comes first").toBe(HEADINGS[0]);
  });

  it.each(GUIDES)("%s shows code that is compiled, also for its test", (page) => {
    const sections = sectionsOf(textOf(page));
    for (const title of ["The code", "How to test it"]) {
      const blocks = blocksOf(page, sections.get(title) ?? "");
      expect(
        blocks.some(({ words }) => words[0] === "ts"),
        title,
      ).toBe(true);
    }
  });
});

describe("what the docs say to type", () => {
  // Read, not imported: with the commands would come every package.
  const paths = listFiles("packages/quorate/src/cli/commands").flatMap((file) =>
    [...textOf(file).matchAll(/^ {2}path: \[([^\]]+)\],$/gm)].map(([, words = ""]) =>
      words.replaceAll(/[",]/g, ""),
    ),
  );

  it("is a command of the table", () => {
    const pages = listFiles("docs").filter((path) => path.endsWith(".md"));
    const typed = pages.flatMap((page) =>
      [...textOf(page).matchAll(/npx quorate ((?:[a-z]+ ?)+)/g)].map(([, words = ""]) => ({
        page,
        words: words.trim().replace(/^help /, ""),
      })),
    );
    expect(typed.length).toBeGreaterThan(20);
    const isKnown = (words: string): boolean =>
      paths.some((path) => `${words} `.startsWith(`${path} `)) ||
      paths.some((path) => path.startsWith(`${words} `)); // A family: `npx quorate saga`.
    expect(typed.filter(({ words }) => !isKnown(words))).toEqual([]);
  });
});

describe("what the docs say to listen to", () => {
  it("is a channel of the table", () => {
    const named = GUIDES.flatMap((page) =>
      [...textOf(page).matchAll(/quorate:([a-z-]+(?:\.[a-z-]+)*)(?![\w.*>-])/g)].map(
        ([, name = ""]) => ({ page, name }),
      ),
    );
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ name }) => !CHANNELS.has(name))).toEqual([]);
  });
});

describe("pictures of the theory", () => {
  const home = "docs/theory/pictures";
  const pictures = listFiles(home);
  const pages = listFiles("docs/theory").filter((path) => path.endsWith(".md"));
  const shown = pages.flatMap((page) =>
    linksOf(textOf(page)).map(({ target }) => normalize(join(dirname(page), target))),
  );

  it.each(pictures)("%s is whole, said in words, in both modes, and shown", (path) => {
    const text = textOf(path);
    expect(unclosedIn(text)).toEqual([]);
    expect(/<title id="title">[^<]{8,}<\/title>/.test(text), "a title").toBe(true);
    expect(/<desc id="desc">[^<]{40,}<\/desc>/.test(text), "a description").toBe(true);
    expect(text).toContain('aria-labelledby="title desc"');
    expect(text).toContain("prefers-color-scheme: dark");
    expect(/<text [^>]*>[^<]/.test(text), "text as text").toBe(true);
    expect(shown).toContain(path);
  });

  it("are on every page but the index", () => {
    const bare = pages.filter((page) => !textOf(page).includes("](pictures/"));
    expect(bare).toEqual(["docs/theory/index.md"]);
  });
});

/** Tags of an XML text that are not closed, or closed by another; stray `<` and `&` with them. */
function unclosedIn(text: string): string[] {
  const found: string[] = [];
  const open: string[] = [];
  for (const [whole, slash, name = "", attributes = ""] of text.matchAll(
    /<(\/?)([^\s/>]*)([^>]*)>/g,
  )) {
    if (!/^[a-z]+$/i.test(name) || !/^(\s+[\w:-]+="[^"<]*")*\s*\/?$/.test(attributes))
      found.push(whole);
    else if (slash === "/") {
      if (open.pop() !== name) found.push(whole);
    } else if (!attributes.endsWith("/")) open.push(name);
  }
  const stray = text.replaceAll(/<[^<>]*>/g, "").match(/<|&(?!amp;|lt;|gt;)/g) ?? [];
  return [...found, ...open, ...stray];
}

describe("docs/glossary.md", () => {
  const rows = [...textOf("docs/glossary.md").matchAll(/^\| \*\*(.+?)\*\* \|(.*)\|$/gm)];

  it("is in the order of the alphabet, each word once", () => {
    const words = rows.map(([, word = ""]) => word.toLowerCase());
    expect(words.length).toBeGreaterThan(100);
    expect(words).toEqual([...new Set(words)].toSorted());
  });

  it("has a Chinese word, a meaning and a page for each", () => {
    const bare = rows.filter(([, , rest = ""]) => {
      const [chinese, meaning, guide, theory] = rest.split(" | ").map((cell) => cell.trim());
      return !chinese || !meaning?.endsWith(".") || !(guide || theory);
    });
    expect(bare.map(([, word]) => word)).toEqual([]);
  });
});

describe("what is said in Chinese", () => {
  it.each([
    ["README.zh-CN.md", "README.md"],
    ["docs/zh/five-minutes.md", "docs/start/five-minutes.md"],
  ])("%s has the code of %s, but for comments", (chinese, english) => {
    const codeOf = (page: string): string[] =>
      blocksOf(page, textOf(page))
        .filter(({ words }) => words.length > 0)
        .map(({ words, code }) => `${words.join(" ")}\n${code.replaceAll(/\/\/ .*$/gm, "//")}`);
    expect(codeOf(chinese)).toEqual(codeOf(english));
  });
});

describe("docs/guarantees.md", () => {
  const page = "docs/guarantees.md";
  const text = textOf(page);

  it("names tests that are there", () => {
    const linked = linksOf(text)
      .map(({ target }) => normalize(join(dirname(page), target)))
      .filter((path) => path.endsWith(".test.ts"));
    const named = [...text.matchAll(/`((?:test|packages)\/[\w./-]+)`/g)].map(
      ([, path = ""]) => path,
    );
    expect(linked.length).toBeGreaterThan(50);
    expect([...linked, ...named].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it("names simulations that are there", () => {
    const named = new Set([...text.matchAll(/sim `([\w-]+)`/g)].map(([, name = ""]) => name));
    expect(named.size).toBeGreaterThan(8);
    const scenarios = listFiles("test/simulate/scenarios").flatMap((path) =>
      [...textOf(path).matchAll(/^ {2}name: "([\w-]+)",/gm)].map(([, name]) => name),
    );
    expect([...named].filter((name) => !scenarios.includes(name))).toEqual([]);
  });

  it("shows a test in each row of a fault, or says that there is none", () => {
    const rows = text.slice(text.indexOf("## The other primitives, by fault")).split("\n");
    const bare = rows.filter(
      (row) => /^\| (?!fault|--|-)/.test(row) && !/\.test\.ts|sim `|not tested yet/.test(row),
    );
    expect(bare).toEqual([]);
  });
});
