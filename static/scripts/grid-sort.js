// Shift+click on a head, or Shift+Enter, also sorts by its column. The head has a link for this, if it differs from the
// head's own link.

import { heads, indexOf, say, table } from "./grid.js";

let asked = null;

const linkOf = (event) => (event.shiftKey ? event.target.closest?.("#grid thead th > a:not(.sort-also)") : null);

// Before htmx, which would follow the head's own link, and the browser, which would open a window.
document.addEventListener("click", (event) => {
  const link = linkOf(event);
  if (!link) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const head = link.closest("th");
  asked = head.dataset.column;
  (head.querySelector(".sort-also") ?? link).click();
}, { capture: true });

// Without this, Shift would select text from the focus up to here.
document.addEventListener("mousedown", (event) => {
  const link = linkOf(event);
  if (!link || event.button !== 0) return;
  event.preventDefault();
  link.focus();
});

document.addEventListener("tablekeep:grid", () => {
  const head = asked === null || !table() ? null : heads()[indexOf(asked)];
  asked = null;
  const link = head?.querySelector("a");
  if (!link) return;
  const title = link.querySelector("span").textContent;
  const sorted = link.querySelector(".visually-hidden")?.textContent ?? `sorted ${head.ariaSort}`;
  say(`${title} ${link.matches(".is-sorted") ? sorted : "not sorted"}`);
});
