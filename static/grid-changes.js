// Changes that a worker makes: when one ends, the grid looks again. Without this script the page says how to.
"use strict";

(() => {
  const { grid } = window.tablekeep;
  const underWay = () => new Set([...document.querySelectorAll("#changes > section")].map((section) => section.id));
  let before = new Set();

  document.addEventListener("htmx:before:swap", () => {
    before = underWay();
  });
  document.addEventListener("htmx:after:swap", () => {
    const now = underWay();
    const hasEnded = [...before].some((id) => !now.has(id));
    before = now;
    if (hasEnded) grid.refresh();
  });
})();
