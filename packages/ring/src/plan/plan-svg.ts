/**
 * A plan as a picture: the ring before and after, what moves, and the loads.
 *
 * One SVG document with nothing in it but shapes and text: no script, style sheet, link or id, so
 * it can be put into any page and any number of times. All foreign text goes through `label` and
 * `xml`. A title and a description tell the same to who cannot see it.
 */
import { boundedString, inRange, knownOptions, positiveInteger } from "@quorate/core";
import type { Ground } from "../ring-moves.ts";
import { label, percent, xml } from "./label.ts";
import { type Arc, movedArcs, ownershipArcs } from "./plan-arcs.ts";
import { type PlanFigures, sentence } from "./plan-table.ts";
import type { PlanNode, PlanSvgOptions } from "./ring-plan.ts";

const WIDTH = 820;
const CENTRE = { x: 190, y: 236 };
const RADIUS = { before: 98, after: 134, rim: 159 };
const BAND = 30;
const BARS = { left: 560, top: 84, step: 30, length: 190 };
const INK = "#1f2933";
const FAINT = "#7b8794";

/** `plan` as an SVG document. */
export function planSvg(
  plan: PlanFigures,
  before: Ground,
  after: Ground,
  options: PlanSvgOptions = {},
): string {
  knownOptions("options", options, ["title", "bars"]);
  const most = inRange("bars", positiveInteger("bars", options.bars ?? 24), 1, 1_000);
  const title = boundedString("title", options.title ?? sentence(plan), 1_024);
  const colours = new Map(plan.nodes.map(({ id }, index) => [id, colour(index)]));
  const shown = mostChanged(plan.nodes, most);
  const height = Math.max(430, BARS.top + BARS.step * (shown.length + 2));
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" ${size} font-family="sans-serif">`,
    `<title>${xml(title)}</title>`,
    `<desc>${xml(description(plan, shown))}</desc>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(24, 38, title, 'font-size="18" font-weight="600"'),
    ...band(ownershipArcs(before), RADIUS.before, colours, 0.55),
    ...band(ownershipArcs(after), RADIUS.after, colours, 1),
    ...band(movedArcs(before, after), RADIUS.rim, new Map([["moved", INK]]), 1, 6),
    text(CENTRE.x, CENTRE.y - 2, percent(plan.movedShare), `font-size="22" ${CENTRED}`),
    text(CENTRE.x, CENTRE.y + 20, "moves", `font-size="13" ${CENTRED}`),
    text(24, 420, "inside: before · outside: after · dark rim: what moves", 'font-size="12"'),
    ...bars(shown, plan.nodes.length, colours),
    "</svg>",
    "",
  ].join("\n");
}

const CENTRED = 'text-anchor="middle"';

/** One path per node, so that the picture has as many parts as nodes, not as points. */
function band(
  arcs: readonly Arc[],
  radius: number,
  colours: ReadonlyMap<string, string>,
  opacity: number,
  width = BAND,
): string[] {
  const strokes = new Map<string, string[]>();
  for (const arc of arcs) {
    const strokesOfOne = strokes.get(arc.what) ?? [];
    strokes.set(arc.what, [...strokesOfOne, ...stroke(arc, radius)]);
  }
  return [...strokes].map(([what, parts]) => {
    const look = `stroke="${colours.get(what) ?? FAINT}" stroke-opacity="${opacity}"`;
    const path = `<path d="${parts.join("")}" fill="none" stroke-width="${width}" ${look}>`;
    return `${path}<title>${xml(label(what))}</title></path>`;
  });
}

/** Two halves when it is longer than half a turn: SVG draws nothing for a whole one. */
function stroke({ from, to }: Arc, radius: number): string[] {
  if (to - from > 0.5) {
    const middle = (from + to) / 2;
    return [[from, middle] as const, [middle, to] as const].map(([start, end]) =>
      arcPath(start, end, radius),
    );
  }
  return [arcPath(from, to, radius)];
}

function arcPath(from: number, to: number, radius: number): string {
  const end = place(to, radius);
  return `M${place(from, radius)}A${radius} ${radius} 0 0 1 ${end}`;
}

/** Hash 0 is at the top; hashes grow clockwise. */
function place(turn: number, radius: number): string {
  const angle = (turn - 0.25) * 2 * Math.PI;
  const x = CENTRE.x + radius * Math.cos(angle);
  const y = CENTRE.y + radius * Math.sin(angle);
  return `${x.toFixed(2)} ${y.toFixed(2)}`;
}

function bars(
  shown: readonly PlanNode[],
  all: number,
  colours: ReadonlyMap<string, string>,
): string[] {
  const largest = Math.max(...shown.flatMap((node) => [node.shareBefore, node.shareAfter]), 1e-9);
  const heading = text(400, BARS.top - 18, "load: before (pale) and after", 'font-size="13"');
  const rows = shown.flatMap((node, row) => {
    const y = BARS.top + row * BARS.step;
    const fill = colours.get(node.id) ?? FAINT;
    const change = `${percent(node.shareBefore)} → ${percent(node.shareAfter)}`;
    const bar = (share: number, top: number, opacity: number): string => {
      const width = ((share / largest) * BARS.length).toFixed(1);
      const box = `x="${BARS.left}" y="${top}" width="${width}" height="9"`;
      return `<rect ${box} fill="${fill}" fill-opacity="${opacity}"/>`;
    };
    return [
      `<g><title>${xml(`${label(node.id)}: ${change}`)}</title>`,
      text(BARS.left - 10, y + 13, fit(label(node.id)), 'font-size="12" text-anchor="end"'),
      bar(node.shareBefore, y, 0.45),
      bar(node.shareAfter, y + 10, 1),
      text(BARS.left + BARS.length + 6, y + 14, percent(node.shareAfter), 'font-size="11"'),
      "</g>",
    ];
  });
  const left = all - shown.length;
  const note = `and ${left} more nodes that change less`;
  const y = BARS.top + shown.length * BARS.step + 16;
  return [heading, ...rows, ...(left > 0 ? [text(400, y, note, 'font-size="12"')] : [])];
}

function text(x: number, y: number, content: string, look: string): string {
  return `<text x="${x}" y="${y}" fill="${INK}" ${look}>${xml(content)}</text>`;
}

/** What fits beside the bars. */
function fit(name: string): string {
  const letters = [...name];
  return letters.length > 22
    ? `${letters.slice(0, 13).join("")}…${letters.slice(-8).join("")}`
    : name;
}

/** The nodes whose load changes most, then the largest; shown in the order of the plan. */
function mostChanged(nodes: readonly PlanNode[], most: number): readonly PlanNode[] {
  const size = ({ gains, gives, shareAfter }: PlanNode): number =>
    gains + gives + shareAfter * 1e-6;
  const chosen = new Set(nodes.toSorted((left, right) => size(right) - size(left)).slice(0, most));
  return nodes.filter((node) => chosen.has(node));
}

function description(plan: PlanFigures, shown: readonly PlanNode[]): string {
  const loads = shown.map(
    ({ id, shareBefore, shareAfter }) =>
      `${label(id)} from ${percent(shareBefore)} to ${percent(shareAfter)}`,
  );
  const rest = plan.nodes.length - shown.length;
  const others = rest > 0 ? `; ${rest} more nodes change less` : "";
  return `${sentence(plan)} Load of each node: ${loads.join(", ")}${others}.`;
}

/** Hues a golden angle apart: neighbours in the list never look alike. In hex for old viewers. */
function colour(index: number): string {
  const hue = (index * 137.508) % 360;
  const lightness = index % 2 === 0 ? 0.46 : 0.6;
  const chroma = 0.62 * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): string => {
    const turn = (offset + hue / 30) % 12;
    const level = lightness - chroma * Math.max(-1, Math.min(turn - 3, 9 - turn, 1));
    return Math.round(level * 255)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}
