/** Code blocks and links of Markdown pages, and the heads that links can point to. */

/** A fenced block. */
export interface Block {
  /** Of the page, from the root. */
  readonly page: string;
  /** Of the first line of code, from 1. */
  readonly line: number;
  /** The words after the fence: ["ts", "run"]. */
  readonly words: readonly string[];
  readonly code: string;
}

/** All fenced blocks of a page, in order. */
export function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; words: string[]; line: number; code: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^\s*(`{3,}|~{3,})\s*(.*)$/.exec(line);
    if (open === undefined && fence !== null) {
      const words = (fence[2] ?? "").split(/\s+/).filter(Boolean);
      open = { fence: fence[1] ?? "", words, line: index + 2, code: [] };
    } else if (open !== undefined && line.trim() === open.fence) {
      blocks.push({ page, line: open.line, words: open.words, code: open.code.join("\n") });
      open = undefined;
    } else {
      open?.code.push(line);
    }
  }
  return blocks;
}

/** Relative links of a page, outside code. */
export function linksOf(text: string): { target: string; line: number }[] {
  const prose = text
    .replaceAll(/^\s*(```+|~~~+)[\s\S]*?^\s*\1\s*$/gm, (block) => block.replaceAll(/[^\n]/g, ""))
    .replaceAll(/`[^`\n]*`/g, "");
  return prose
    .split("\n")
    .flatMap((content, index) =>
      [...content.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)]
        .map(([, target = ""]) => ({ target, line: index + 1 }))
        .filter(({ target }) => !/^[a-z][a-z+.-]*:/i.test(target)),
    );
}

/** The anchors that GitHub makes of a page's headings. */
export function anchorsOf(text: string): Set<string> {
  const counts = new Map<string, number>();
  const anchors = new Set<string>();
  const prose = text.replaceAll(/^\s*(```+|~~~+)[\s\S]*?^\s*\1\s*$/gm, "");
  for (const [, heading = ""] of prose.matchAll(/^#{1,6}\s+(.+)$/gm)) {
    const words = heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "");
    const slug = words.trim().replaceAll(/\s/g, "-");
    const seen = counts.get(slug) ?? 0;
    counts.set(slug, seen + 1);
    anchors.add(seen === 0 ? slug : `${slug}-${seen}`);
  }
  return anchors;
}
