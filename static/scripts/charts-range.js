// A range of a chart is chosen by dragging over its bars: they become one filter. By keyboard the head's menu does the
// same, with two fields.

import { htmx } from "./htmx.js";

let from = null;
let to = null;

// Bars without records are no links, but a range may begin or end with one.
const BAR = ".bar:is(a, [data-range])";
const barsOf = (bar) => [...bar.parentElement.querySelectorAll(BAR)];

function between() {
  const all = barsOf(from);
  const [first, last] = [all.indexOf(from), all.indexOf(to)].toSorted((a, b) => a - b);
  return all.slice(first, last + 1);
}

function paint() {
  for (const bar of document.querySelectorAll(".bar.in-range")) bar.classList.remove("in-range");
  if (to && to !== from) for (const bar of between()) bar.classList.add("in-range");
}

/** What a bar filters by, by lookup. A chosen one leads away from its filter, which the address has. */
function filtersOf(bar, name) {
  const params = new URLSearchParams(bar.ariaCurrent ? location.search : bar.dataset.range ?? bar.search);
  const own = [...params].filter(([key]) => key === name || key.startsWith(`${name}__`));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(name.length + 2) || "exact", value]));
}

/** One filter for several bars: limits, or any of some values. */
function together(found, isOfValues) {
  const [first, last] = [found[0], found.at(-1)];
  if (isOfValues && found.some(({ exact }) => exact === undefined)) return null; // texts in lists are in no order
  if (isOfValues) return { in: found.map(({ exact }) => `"${exact.replaceAll('"', '""')}"`).join() };
  return { gte: first.exact ?? first.gte, lte: last.exact, lt: last.lt };
}

function filter() {
  const chart = from.closest(".mini-chart");
  const name = chart.dataset.filters;
  const found = between().map((bar) => filtersOf(bar, name));
  const filters = together(found, chart.matches(".chart-values"));
  if (!filters) return;
  const params = new URLSearchParams(location.search);
  for (const key of [...params.keys()]) {
    const isOwn = key === name || (key.startsWith(`${name}__`) && !key.slice(name.length + 2).includes("__"));
    if (isOwn || ["page", "cursor", "count"].includes(key)) params.delete(key);
  }
  for (const [lookup, value] of Object.entries(filters)) {
    if (value !== undefined) params.set(`${name}__${lookup}`, value);
  }
  const link = document.createElement("a");
  link.href = `${location.pathname}?${params}`;
  const how = { "hx-get": link.href, "hx-target": "#grid", "hx-swap": "outerMorph", "hx-push-url": "true" };
  for (const [attribute, value] of Object.entries(how)) link.setAttribute(attribute, value);
  link.hidden = true;
  document.getElementById("grid").append(link);
  htmx.process(link);
  link.click();
}

document.addEventListener("pointerdown", (event) => {
  const bar = event.target.closest?.(BAR);
  [from, to] = bar && event.button === 0 && event.pointerType === "mouse" ? [bar, bar] : [null, null];
});
document.addEventListener("pointerover", (event) => {
  const bar = from && event.target.closest?.(BAR);
  if (!bar || bar.parentElement !== from.parentElement || !(event.buttons & 1)) return;
  to = bar;
  paint();
});
document.addEventListener("pointerup", () => {
  if (from?.isConnected && to !== from) filter();
  from = to = null;
  paint();
});
document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.("a.bar")) event.preventDefault(); // no dragging of links
});
