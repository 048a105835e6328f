// The charts under the grid's heads by keyboard: one of their bars is in the tab order, Left and Right go from bar to
// bar, Home and End to the first and last. Without this script every bar is in the tab order. After a change of records
// they are loaded again.

import { htmx } from "./htmx.js";

const bars = () => [...document.querySelectorAll("#grid .charts a")];

function prepare() {
  const all = bars();
  const focused = all.find((bar) => bar === document.activeElement);
  const current = focused ?? all.find((bar) => bar.tabIndex === 0 && bar.hasAttribute("tabindex"));
  for (const bar of all) bar.tabIndex = bar === (current ?? all[0]) ? 0 : -1;
}

document.addEventListener("keydown", (event) => {
  const bar = event.target.closest?.("#grid .charts a");
  if (!bar || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = bars();
  const place = all.indexOf(bar);
  const to = { ArrowLeft: all[place - 1], ArrowRight: all[place + 1], Home: all[0], End: all.at(-1) }[event.key];
  if (!to) return;
  event.preventDefault();
  bar.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
});

// Where the focus is among the bars: of a column that has just been filtered by its bar, the next ones are others.
let left = null;
document.addEventListener("htmx:before:swap", () => {
  const bar = document.activeElement?.closest("#grid .charts a");
  const cell = bar?.closest("td");
  left = cell ? { column: cell.cellIndex, place: [...cell.querySelectorAll("a")].indexOf(bar) } : null;
});

function goBack() {
  if (!left || document.activeElement !== document.body) return;
  const here = [...(document.querySelector("#grid .charts")?.cells[left.column]?.querySelectorAll("a") ?? [])];
  (here.find((bar) => bar.hasAttribute("aria-current")) ?? here[left.place] ?? here.at(-1))?.focus();
}

document.addEventListener("htmx:after:swap", () => {
  goBack();
  prepare();
});
prepare(); // they may have been loaded before this module

// A sample costs the server something: take one after many changes in a row, and none while a bar is being
// chosen.
const REST = 1500; // milliseconds
let isOld = false;
let timer;

/** The row of charts, once it is loaded. */
const drawn = () => document.querySelector("#grid .charts:has(.mini-chart)");

// Which records the charts are of, as the row says it.
let drawnOf = null;

function renew(event) {
  const row = drawn();
  if (!isOld || !row || (!event && row.matches(":focus-within, :hover"))) return;
  isOld = false;
  // New bars move nothing; but one with the focus stays itself.
  const swap = row.matches(":focus-within") ? "innerMorph" : "innerHTML";
  htmx.ajax("GET", row.getAttribute("hx-get"), { source: row, target: row, swap });
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(() => renew(), REST);
}

// Other records: the bars stay where they are and change their heights.
document.addEventListener("htmx:after:swap", (event) => {
  const row = drawn();
  const { target } = event.detail?.ctx ?? {};
  if (!row || target === row || drawnOf === null) {
    drawnOf = row?.dataset.of ?? drawnOf;
  } else if (row.dataset.of !== drawnOf) {
    drawnOf = row.dataset.of;
    isOld = true;
    clearTimeout(timer);
    renew(event);
  }
});

document.addEventListener("tablekeep:changed", () => {
  isOld = drawn() !== null; // charts loaded later will be up to date
  later();
});
for (const leaving of ["focusout", "pointerout"]) {
  document.addEventListener(leaving, (event) => {
    if (isOld && event.target.closest?.("#grid .charts")) later();
  });
}
