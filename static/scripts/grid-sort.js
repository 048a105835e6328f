// Shift with a click in a head, or with Enter, sorts by its column too. The head holds the link that does it, where that
// differs from what the head itself does.

import { heads, indexOf, say, table } from "./grid.js";

let asked = null;

const linkOf = (event) => (event.shiftKey ? event.target.closest?.("#grid thead th > a:not(.sort-also)") : null);

// Before htmx hears of it, which would follow the head's own link, and the browser, which would open a window.
document.addEventListener("click", (event) => {
  const link = linkOf(event);
  if (!link) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const head = link.closest("th");
  asked = head.dataset.column;
  (head.querySelector(".sort-also") ?? link).click();
}, { capture: true });

// Shift selects text from where the focus was up to here.
document.addEventListener("mousedown", (event) => {
  const link = linkOf(event);
  if (!link || event.button !== 0) return;
  event.preventDefault();
  link.focus();
});

document.addEventListener("tablekeep:grid", () => {
  const head = asked === null || !table() ? null : heads()[indexOf(asked)];
  asked = null;
  const words = head?.querySelector("a")?.textContent.replaceAll(/\s+/g, " ").trim();
  const place = head?.querySelector("a .visually-hidden") || head?.ariaSort === "none" ? "" : `, sorted ${head?.ariaSort}`;
  if (head) say(head.querySelector("a.is-sorted") ? words + place : `${words}: sorts no more`);
});
