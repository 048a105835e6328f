// The menu of a column's head: opened by its button, by a right click on the head, by the keyboard's key for menus or
// Alt+Down, and by the words of a filter, which it then changes. Without this script it is a page of its own.

import * as fields from "./fields.js";
import { fit } from "./grid-widths.js";
import * as grid from "./grid.js";
import { htmx } from "./htmx.js";

const menu = () => document.getElementById("head-menu");
let opener = null;

async function open(link, beside) {
  const panel = menu();
  opener = beside;
  await htmx.ajax("GET", link.href, { source: panel, target: panel, swap: "innerHTML" });
  if (!panel.hasChildNodes() || !beside.isConnected) return;
  if (!panel.matches(":popover-open")) panel.showPopover();
  put();
  const first = panel.querySelector(".head-filter[open] select") ?? panel.querySelector("a[href], summary, button");
  first?.focus();
}

/** Beside what opened it, and within the window. */
function put() {
  const panel = menu();
  if (!opener?.isConnected || !panel.matches(":popover-open")) return;
  fields.place(panel, opener);
  panel.style.minWidth = "";
  panel.style.top = `${Math.max(4, Math.min(panel.offsetTop, innerHeight - panel.offsetHeight - 4))}px`;
}

function close() {
  const panel = menu();
  if (panel?.matches(":popover-open")) panel.hidePopover();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".head-more, [data-head-menu]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  open(link, link.closest("th, .chip"));
});

document.addEventListener("contextmenu", (event) => {
  const head = event.target.closest?.("#grid thead th");
  const link = head?.querySelector(".head-more");
  if (!link || event.shiftKey) return; // with Shift the browser's own menu opens
  event.preventDefault();
  open(link, head);
});

document.addEventListener("keydown", (event) => {
  const head = grid.cellAimedAt(event);
  if (!event.altKey || event.key !== "ArrowDown" || head?.tagName !== "TH") return;
  const link = head.querySelector(".head-more");
  if (!link) return;
  event.preventDefault();
  open(link, head);
});

// What the menu does is done in the grid, which the focus goes back to.
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail?.ctx?.target?.id === "grid") close();
});
document.addEventListener("toggle", (event) => {
  if (event.target.id !== "head-menu" || event.newState !== "closed") return;
  const focused = document.activeElement;
  if (focused !== document.body && !event.target.contains(focused)) return;
  const head = opener?.isConnected ? opener : null;
  (head?.querySelector("a, .head") ?? document.querySelector("#grid .filter-menu > summary"))?.focus();
}, { capture: true });

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#head-menu [data-fit]");
  const head = button && grid.heads()[grid.indexOf(button.dataset.fit)];
  if (!head) return;
  event.preventDefault();
  close();
  fit(head);
});

// A filter needs more room than the menu had.
document.addEventListener("toggle", (event) => {
  const part = event.target.closest?.("#head-menu details");
  if (!part) return;
  put();
  if (part.open) part.querySelector("select, input:not([type=hidden])")?.focus();
}, { capture: true });
