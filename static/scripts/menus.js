// The grid's menus with forms: each is loaded when it is opened. Without this script there is a link to its page
// instead.

import { htmx } from "./htmx.js";

const loads = new WeakMap();

/** Load a menu's form from its address, after what is being loaded already, which may be outdated. */
export async function load(panel, address, swap = "innerHTML") {
  const before = loads.get(panel);
  const now = (async () => {
    await before;
    await htmx.ajax("GET", address, { source: panel, target: panel, swap });
  })();
  loads.set(panel, now);
  await now;
}

document.addEventListener("toggle", ({ target }) => {
  const link = target.open && target.querySelector?.(":scope > .menu-items > a[data-menu]");
  if (link) load(link.parentElement, link.href);
}, { capture: true });
