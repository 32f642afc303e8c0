/** Where links of Markdown pages lead. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

import { anchorsOf, linksOf } from "./markdown.ts";
import { listFiles, readSource, ROOT } from "./repository.ts";

/** Every page of the repository, but for what is made by a tool, by its path from the root. */
export function markdownPages(): string[] {
  const isPage = (path: string) => path.endsWith(".md") || path === "llms.txt";
  return listFiles(".").filter((path) => isPage(path) && !path.startsWith("test/api/"));
}

/** `page:line target` of each relative link of a page that leads nowhere. */
export function deadLinksOf(page: string): string[] {
  return linksOf(readSource(page).text)
    .filter(({ target }) => !leads(page, target))
    .map(({ target, line }) => `${page}:${line} ${target} leads nowhere`);
}

function leads(page: string, target: string): boolean {
  const [path = "", anchor] = decodeURI(target).split("#");
  const file = path === "" ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(ROOT, file))) return false;
  if (anchor === undefined || !file.endsWith(".md")) return true;
  return anchorsOf(readFileSync(join(ROOT, file), "utf8")).has(anchor);
}

/** The pages that a page links to; a link to a folder is one to each page in it. */
export function pagesLinkedFrom(page: string): string[] {
  return linksOf(readSource(page).text).flatMap(({ target }) => {
    const [to = ""] = decodeURI(target).split("#");
    const path = to === "" ? page : normalize(join(dirname(page), to));
    const found = statSync(join(ROOT, path), { throwIfNoEntry: false });
    if (found === undefined) return []; // A dead link: told as such.
    return (found.isDirectory() ? listFiles(path) : [path]).filter((file) => file.endsWith(".md"));
  });
}
