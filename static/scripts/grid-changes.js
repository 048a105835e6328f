// Changes that a worker makes: when one ends, the grid is reloaded. Without this script the page has a link.

import * as grid from "./grid.js";

const underWay = () => new Set([...document.querySelectorAll("#changes > section")].map((section) => section.id));
let before = new Set();
let hadFocus = false;

document.addEventListener("htmx:before:swap", () => {
  before = underWay();
  hadFocus = document.getElementById("changes").contains(document.activeElement);
});
document.addEventListener("htmx:after:swap", () => {
  const now = underWay();
  const hasEnded = [...before].some((id) => !now.has(id));
  before = now;
  if (hasEnded) grid.refresh();
  // The button that had the focus has disappeared with its change.
  if (hadFocus && document.activeElement === document.body) document.getElementById("main").focus();
  hadFocus = false;
});
