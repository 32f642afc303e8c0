/**
 * The drawing of a layout: SVG with time downwards, one column per node.
 *
 * Every shape that has a place in time says it in milliseconds, in `data-` attributes, so that the
 * page's script can show another window of time without drawing anew; without the script the whole
 * is there. Colour says nothing that shape, dashes or text do not say too.
 */
import { escapeHtml } from "./escape.ts";
import type { Arrow, Bar, Dot, Layout } from "./layout.ts";

const COLUMN = 170;
const HEAD = 48;
const MARGIN = 90;
const TICKS = 10;
const LONGEST_LABEL = 300;

/** Height of the time axis: room for what happens, within reason. */
export function heightOf({ arrows, dots }: Layout): number {
  return Math.min(6_000, Math.max(500, 7 * (arrows.length + dots.length)));
}

/** The SVG element. */
export function draw(layout: Layout): string {
  const height = heightOf(layout);
  const width = MARGIN + COLUMN * layout.lanes.length;
  const toY = (atMs: number): number => {
    const share = (atMs - layout.fromMs) / (layout.toMs - layout.fromMs);
    return Math.round((HEAD + share * height) * 10) / 10;
  };
  const context: Context = { toY, toX: (lane) => MARGIN + COLUMN * (lane + 0.5) };
  const box = `0 0 ${width} ${HEAD + height + 20}`;
  return [
    `<svg id="drawing" role="img" aria-labelledby="drawing-title drawing-text" viewBox="${box}"`,
    ` width="${width}" height="${HEAD + height + 20}" data-head="${HEAD}" data-height="${height}"`,
    ` data-from="${layout.fromMs}" data-to="${layout.toMs}">`,
    `<title id="drawing-title">Space-time diagram</title>`,
    `<desc id="drawing-text">Time runs downwards, one column per node. The table below says the`,
    ` same in text.</desc>`,
    ...ticks(layout, width, toY),
    ...layout.lanes.map((name, lane) => column(name, context.toX(lane), height)),
    ...layout.bars.map((bar) => drawBar(bar, context)),
    ...layout.arrows.map((arrow) => drawArrow(arrow, context)),
    ...layout.dots.map((dot) => drawDot(dot, context, width)),
    `</svg>`,
  ].join("\n");
}

interface Context {
  readonly toX: (lane: number) => number;
  readonly toY: (atMs: number) => number;
}

function column(name: string, x: number, height: number): string {
  const line = `<line class="lane" x1="${x}" y1="${HEAD}" x2="${x}" y2="${HEAD + height}"/>`;
  return `${line}<text class="name" x="${x}" y="28">${escapeHtml(short(name, 24))}</text>`;
}

function ticks({ fromMs, toMs }: Layout, width: number, toY: (ms: number) => number): string[] {
  return Array.from({ length: TICKS + 1 }, (_, index) => {
    const atMs = fromMs + (index * (toMs - fromMs)) / TICKS;
    const y = toY(atMs);
    // Ticks stay where they are when the window changes; their text changes.
    const line = `<line class="tick" x1="${MARGIN - 10}" y1="${y}" x2="${width}" y2="${y}"/>`;
    const share = index / TICKS;
    const label = `${atMs.toFixed(1)} ms`;
    return `${line}<text class="time" data-tick="${share}" x="4" y="${y + 4}">${label}</text>`;
  });
}

function drawBar({ lane, fromMs, toMs, label }: Bar, { toX, toY }: Context): string {
  const y = toY(fromMs);
  const height = Math.max(2, toY(toMs) - y);
  const time = `data-a="${fromMs}" data-b="${toMs}"`;
  const place = `x="${toX(lane) - 9}" y="${y}" width="18" height="${height}"`;
  return `<rect class="fault" ${time} ${place}>${tip(label, fromMs)}</rect>`;
}

function drawArrow(arrow: Arrow, { toX, toY }: Context): string {
  const { from, to, sentMs, endMs, end, label } = arrow;
  const [x1, y1, y2] = [toX(from), toY(sentMs), toY(endMs)];
  // What did not arrive ends half way.
  const x2 = end === "arrived" ? toX(to) : (toX(from) + toX(to)) / 2;
  const time = `data-a="${sentMs}" data-b="${endMs}"`;
  const kind = end.replace(" ", "-");
  const line = `<line class="message ${kind}" ${time} x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}">`;
  const shape = `${line}${tip(`${label}: ${end}`, sentMs)}</line>`;
  if (end === "arrived") {
    const side = x2 >= x1 ? -1 : 1;
    const points = `M${x2} 0l${side * 8} -3.5v7z`;
    return `${shape}<path class="head" data-a="${endMs}" data-move="" d="${points}"
 transform="translate(0 ${y2})"/>`;
  }
  if (end === "under way") return shape;
  return `${shape}<text class="cross" data-a="${endMs}" x="${x2}" y="${y2 + 4}">×</text>`;
}

function drawDot({ lane, atMs, kind, label }: Dot, { toX, toY }: Context, width: number): string {
  const [x, y] = [toX(lane), toY(atMs)];
  const time = `data-a="${atMs}"`;
  if (kind !== "violation") {
    const place = `cx="${x}" cy="${y}" r="4"`;
    return `<circle class="dot ${kind}" ${time} ${place}>${tip(label, atMs)}</circle>`;
  }
  const line = `<line class="violation" ${time} x1="0" y1="${y}" x2="${width}" y2="${y}"/>`;
  const text = escapeHtml(short(label, 120));
  return `${line}<text class="violation" ${time} data-up="6" x="8" y="${y - 6}">${text}</text>`;
}

function tip(label: string, atMs: number): string {
  return `<title>${atMs.toFixed(3)} ms: ${escapeHtml(short(label, LONGEST_LABEL))}</title>`;
}

function short(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
