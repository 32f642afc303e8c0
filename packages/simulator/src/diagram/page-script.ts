/**
 * The page's script: another window of time, chosen by two numbers, by buttons, or by the wheel.
 *
 * Text, since it runs in whoever's browser opens the file; it reads only numbers that we wrote and
 * writes only numbers and texts of its own.
 */

/** A classic script without dependencies. */
export const PAGE_SCRIPT = `
"use strict";
(() => {
  const svg = document.getElementById("drawing");
  const form = document.getElementById("window");
  const [from, to] = [form.elements.namedItem("from"), form.elements.namedItem("to")];
  const head = Number(svg.dataset.head), height = Number(svg.dataset.height);
  const whole = { from: Number(svg.dataset.from), to: Number(svg.dataset.to) };
  const shapes = [...svg.querySelectorAll("[data-a]")];
  let shown = whole;
  const show = (next) => {
    const length = Math.max(0.01, Math.min(next.to - next.from, whole.to - whole.from));
    const start = Math.min(Math.max(next.from, whole.from), whole.to - length);
    if (!Number.isFinite(start) || !Number.isFinite(length)) return;
    shown = { from: start, to: start + length };
    const y = (ms) => head + ((ms - start) / length) * height;
    for (const shape of shapes) place(shape, Number(shape.dataset.a), shape.dataset.b, y);
    for (const tick of svg.querySelectorAll("[data-tick]")) {
      tick.textContent = (start + Number(tick.dataset.tick) * length).toFixed(2) + " ms";
    }
    from.value = start.toFixed(3);
    to.value = (start + length).toFixed(3);
  };
  const place = (shape, a, end, y) => {
    const b = end === undefined ? a : Number(end);
    shape.style.display = b < shown.from || a > shown.to ? "none" : "";
    const top = y(a);
    if (shape.tagName === "rect") {
      shape.setAttribute("y", top);
      shape.setAttribute("height", Math.max(2, y(b) - top));
    } else if (shape.tagName === "line") {
      shape.setAttribute("y1", top);
      shape.setAttribute("y2", y(b));
    } else if (shape.tagName === "circle") shape.setAttribute("cy", top);
    else if (shape.tagName === "path") shape.setAttribute("transform", "translate(0 " + top + ")");
    else shape.setAttribute("y", top + 4 - (shape.dataset.up === undefined ? 0 : 10));
  };
  const zoom = (factor, at) => {
    const middle = at === undefined ? (shown.from + shown.to) / 2 : at;
    show({ from: middle - (middle - shown.from) * factor,
           to: middle + (shown.to - middle) * factor });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show({ from: Number(from.value), to: Number(to.value) });
  });
  const actions = {
    whole: () => show(whole),
    closer: () => zoom(0.5),
    wider: () => zoom(2),
    earlier: () => show({ from: shown.from - (shown.to - shown.from) / 2,
                          to: (shown.from + shown.to) / 2 }),
    later: () => show({ from: (shown.from + shown.to) / 2,
                        to: shown.to + (shown.to - shown.from) / 2 }),
  };
  for (const button of form.querySelectorAll("button[data-action]")) {
    button.addEventListener("click", () => actions[button.dataset.action]());
  }
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    const share = ((event.clientY - box.top) * (svg.viewBox.baseVal.height / box.height) - head)
      / height;
    zoom(event.deltaY > 0 ? 1.25 : 0.8, shown.from + share * (shown.to - shown.from));
  }, { passive: false });
  form.hidden = false;
  show(whole);
})();
`;
