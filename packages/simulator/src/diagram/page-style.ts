/**
 * How the page looks, in light and in dark.
 */

/** A style sheet. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #222; --dim: #999; --bad: #b00020; --msg: #2563a8;
  --bar: #d9822b; --ok: #2e7d32; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --dim: #777; --bad: #ff6b81; --msg: #7ab0ee; --bar: #f0a860; --ok: #7cc47f; }
}
body { font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem; }
h1 { font-size: 1.2rem; }
.failed { color: var(--bad); font-weight: 600; }
.held { color: var(--ok); }
.scroll { overflow: auto; max-height: 85vh; border: 1px solid var(--dim); }
form { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0; }
form[hidden] { display: none; }
svg text { fill: var(--ink); font-size: 12px; }
svg .name { text-anchor: middle; font-weight: 600; }
svg .lane { stroke: var(--dim); }
svg .tick { stroke: var(--dim); stroke-opacity: .25; }
svg .message { stroke: var(--msg); stroke-width: 1.2; }
svg .lost { stroke: var(--bad); stroke-dasharray: 6 4; }
svg .under-way { stroke-dasharray: 1 4; }
svg .head { fill: var(--msg); }
svg .cross { fill: var(--bad); text-anchor: middle; }
svg .fault { fill: var(--bar); fill-opacity: .45; stroke: var(--bar); }
svg .dot { fill: var(--ink); }
svg circle.fault { fill: var(--bar); fill-opacity: 1; }
svg .mark { fill: var(--ok); }
svg .state { fill: none; stroke: var(--ink); stroke-width: 2; }
svg line.violation { stroke: var(--bad); stroke-width: 3; }
svg text.violation { fill: var(--bad); font-weight: 600; }
table { border-collapse: collapse; font: 12px/1.4 ui-monospace, monospace; }
td, th { border-bottom: 1px solid var(--dim); padding: 0 .6em; text-align: left;
  vertical-align: top; }
tr.violation { color: var(--bad); font-weight: 600; }
`;
